# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.add_at against its twin and against numpy.add.at, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES = ["bool", "float32", "float64", *INTEGERS]
THREADS = [1, 2, 3, 8, 64]


def numbers(dtype: str, n: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(n)
    if dtype.startswith("float"):
        return random.standard_normal(n).astype(dtype)
    return random.integers(0, 2 if dtype == "bool" else 100, n).astype(dtype)


def check(a: np.ndarray[Any, Any], indices: Any, b: Any, **options: Any) -> None:
    expected, ours = a.copy(), a.copy()
    with np.errstate(all="ignore"):
        np.add.at(expected, indices, b)
    assert kernels.add_at(ours, indices, b, **options) is None
    assert ours.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 100, 5000, 50_000, 200_001])
@pytest.mark.parametrize("places", [1, 7, 1000, 300_000])
def test_adds_as_numpy_does_for_any_threads(dtype: str, n: int, places: int) -> None:
    a = numbers(dtype, places)
    positive = np.random.default_rng(n).integers(0, places, n)
    any_sign = np.random.default_rng(n).integers(-places, places, n)
    for indices in (positive, any_sign):
        for b in (numbers(dtype, n), numbers(dtype, 1)[0]):
            for threads in THREADS if places < 300_000 else [1, 3]:
                check(a, indices, b, threads=threads, gil="release")
            check(a, indices, b, gil="hold")


@pytest.mark.parametrize("n", [10, 100_000])
def test_float64_is_added_to_float32_as_numpy_does(n: int) -> None:
    indices = np.arange(n) % 3
    for threads in THREADS:
        check(numbers("float32", 5), indices, numbers("float64", n), threads=threads)
        check(numbers("float32", 5), indices, np.float64(0.1), threads=threads)
        check(numbers("float32", 5), indices, 0.1, threads=threads)


@pytest.mark.parametrize("n", [3, 60_000])
def test_integers_wrap_around(n: int) -> None:
    indices = np.zeros(n, np.int64)
    for dtype in INTEGERS:
        for b in (np.array([300]), np.arange(n), 7, np.int64(-1)):
            if dtype == "uint64":
                b = np.abs(b).astype(np.uint64)
            check(numbers(dtype, 2), indices, b, threads=2)


def test_the_order_of_floats_counts() -> None:
    a = np.zeros(4)
    b = np.tile([1e100, 1.0, -1e100, 3.0], 20_000)
    for indices in (np.zeros(b.size, np.int64), np.arange(b.size) // 7 % 4):
        for threads in THREADS:
            check(a, indices, b, threads=threads)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9),
    st.data(),
)
def test_equals_the_twin(values: list[float], data: st.DataObject) -> None:
    index = st.integers(-len(values) - 1, len(values))
    pairs = data.draw(st.lists(st.tuples(index, st.floats(-1e300, 1e300)), max_size=30))
    indices, b = [i for i, _ in pairs], [x for _, x in pairs]
    expected, a = list(values), np.array(values)
    try:
        reference.add_at(expected, indices, b)
    except IndexError:
        with pytest.raises(IndexError):
            kernels.add_at(a, np.array(indices), np.array(b))
        assert a.tolist() == values
        return
    kernels.add_at(a, np.array(indices, np.int64), np.array(b))
    np.testing.assert_array_equal(a, expected)


def test_takes_any_layout() -> None:
    for n in (50, 100_000):
        memory = numbers("float64", 40).reshape(10, 4)
        indices = np.random.default_rng(n).integers(-10, 10, 3 * n)[::3]
        b = numbers("float64", 2 * n)[::-2]
        indices.flags.writeable = False
        b.flags.writeable = False
        for threads in (1, 2):
            ours, expected = memory.copy(), memory.copy()
            kernels.add_at(ours[::-1, 2], indices, b, threads=threads)
            np.add.at(expected[::-1, 2], indices, b)
            assert ours.tobytes() == expected.tobytes()


def test_takes_the_indices_that_numpy_takes() -> None:
    a = np.arange(12.0) - 5  # exact, because NumPy takes indices of several axes in any order
    for indices, b in (
        ([0, 3, 3], [1.0, 2.0, 3.0]),
        ([], 1),
        (3, 2),
        (np.array([1, 1], np.int8), 1),
        (np.array([1, 1], np.uint64), 1),
        ([[0, 1], [1, 1]], [[1.0, 2.0], [3.0, 4.0]]),
        (a > 0, 1),
        (([1, 1],), 5),
    ):
        check(a, indices, b)
    ours = np.zeros(3)  # NumPy 2.4 reads past the end of such a b
    kernels.add_at(ours, [[0, 1], [1, 1]], [1.0, 2.0])
    assert ours.tolist() == [1.0, 5.0, 0.0]
    square = a.reshape(3, 4)
    check(square, ([0, 1, 1, -1], [-4, 3, 3, 0]), [1.0, 2.0, 3.0, 4.0])
    check(square, ([[0], [2]], [1, 1]), 1.5)
    check(square, square > 0, 1)


def test_the_arrays_may_share_memory() -> None:
    a = np.arange(5)
    expected = a + a[[0, 1, 2, 3, 4]]
    kernels.add_at(a, np.arange(5), a)
    assert a.tolist() == expected.tolist()
    a = np.array([1, 2, 0, 0])
    kernels.add_at(a, a, 1)
    assert a.tolist() == [3, 3, 1, 0]


@pytest.mark.parametrize("n", [1, 100_000])
@pytest.mark.parametrize("bad", [3, -4, 2**62, -(2**63)])
def test_an_index_out_of_range_leaves_everything_as_it_was(n: int, bad: int) -> None:
    a = np.arange(3.0)
    indices = np.append(np.zeros(n, np.int64), bad)
    message = f"index {bad} is out of bounds for axis 0 with size 3"
    with pytest.raises(IndexError, match=message):
        kernels.add_at(a, indices, 1.0, threads=2)
    assert a.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(IndexError, match="index 2 is out of bounds for axis 1 with size 2"):
        kernels.add_at(np.zeros((2, 2)), ([0], [2]), 1.0)


@pytest.mark.parametrize(
    ("a", "indices", "b", "error"),
    [
        ([1, 2], [0], 1, TypeError),
        (np.zeros(3), [0.5], 1, IndexError),
        (np.zeros(3), [0, 1], [1, 2, 3], ValueError),
        (np.zeros(3), ["x"], 1, IndexError),
    ],
)
def test_raises_what_numpy_raises(a: Any, indices: Any, b: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        np.add.at(a, indices, b)
    with pytest.raises(error):
        kernels.add_at(a, indices, b)


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(TypeError, match=r"add_at has no native path .*float16"):
        kernels.add_at(np.zeros(3, np.float16), [0], 1)
    with pytest.raises(TypeError, match="byte-swapped"):
        kernels.add_at(np.zeros(3, ">f8"), np.array([0]), 1)
    with pytest.raises(TypeError, match="masked"):
        kernels.add_at(np.ma.masked_equal([1.0, 2.0], 1.0), [0], 1)
    for b in (1.5, np.array([0.5]), 1j):
        with pytest.raises(TypeError, match="Cannot cast"):
            kernels.add_at(np.zeros(3, np.int64), [0], b)
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        kernels.add_at(read_only, [0], 1.0)
    with pytest.raises(ValueError, match="C-contiguous"):
        kernels.add_at(np.zeros((3, 3)).T, ([0], [0]), 1.0)
    with pytest.raises(ValueError, match="for the first axis at least"):
        kernels.add_at(np.zeros((3, 3)), (), 1.0)
    with pytest.raises(IndexError, match="too many indices"):
        kernels.add_at(np.zeros(3), ([0], [0]), 1.0)
    for indices in (0, []):
        with pytest.raises(IndexError, match="too many indices"):
            kernels.add_at(np.array(0.0), indices, 1.0)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2), (4, 0), (4, 3, 0)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
def test_indices_of_the_first_axes_mean_all_of_the_others(
    shape: tuple[int, ...], dtype: str
) -> None:
    rng = np.random.default_rng(5)
    for count in range(1, len(shape) + 1):
        if 0 in shape[:count]:
            continue
        indices = tuple(rng.integers(-extent, extent, (5, 2)) for extent in shape[:count])
        addends = rng.integers(0, 2, (5, 2, *shape[count:])).astype(dtype)
        for b in (addends, addends[:, :1], dtype == "bool" or 3):
            expected, found = np.ones(shape, dtype), np.ones(shape, dtype)
            np.add.at(expected, indices, b)
            kernels.add_at(found, indices, b)
            np.testing.assert_array_equal(found, expected)


def test_no_index_means_the_one_element_of_no_axis() -> None:
    a = np.array(1.0)
    kernels.add_at(a, (), 2.0)
    assert a == 3.0


def test_indices_of_a_small_type_reach_a_large_axis() -> None:
    a = np.zeros((1000, 2))
    small = np.array([1, -1], np.int8)
    kernels.add_at(a, (small, small), 1.0)
    assert a[1, 1] == a[-1, -1] == 1.0
