# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.bincount against its twin and against numpy.bincount, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
THREADS = [1, 2, 3, 8, 64]


def same(x: Any, y: Any) -> bool:
    return x.dtype == y.dtype and x.shape == y.shape and bool(x.tobytes() == y.tobytes())


def numbers(dtype: str, n: int, below: int) -> np.ndarray[Any, Any]:
    below = min(below, int(np.iinfo(dtype).max))
    return np.random.default_rng([n, below]).integers(0, below, n).astype(dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("n", [1, 3, 1025, 200_000, 600_001])
@pytest.mark.parametrize("below", [1, 10, 1000, 70_000, 3_000_000])
def test_counts_as_numpy_does_for_any_threads(dtype: str, n: int, below: int) -> None:
    x = numbers(dtype, n, below)
    expected = np.bincount(x)
    for threads in THREADS if below < 70_000 else [1, 3]:
        assert same(kernels.bincount(x, threads=threads, gil="release"), expected)
    assert same(kernels.bincount(x, gil="hold"), expected)


@pytest.mark.parametrize("weight", ["float32", "float64", "bool", *INTEGERS])
@pytest.mark.parametrize("n", [1, 1025, 70_000, 300_000])
def test_weights_have_numpys_bits_for_any_threads(weight: str, n: int) -> None:
    for dtype, below in (("int64", 7), ("int32", 1000), ("uint8", 200), ("int64", 2_000_000)):
        x = numbers(dtype, n, below)
        w = (np.random.default_rng(n).standard_normal(n) * 100).astype(
            weight if weight[0] != "u" else "int8"
        )
        w = w.astype(weight)
        expected = np.bincount(x, w)
        for threads in THREADS:
            assert same(kernels.bincount(x, w, threads=threads, gil="release"), expected)


def test_all_weights_at_one_number_and_at_rising_numbers() -> None:
    n = 200_000
    w = np.random.default_rng(1).standard_normal(n)
    for x in (np.full(n, 5), np.arange(n), np.arange(n)[::-1], np.arange(n) // 1000):
        for threads in THREADS:
            assert same(kernels.bincount(x, w, threads=threads), np.bincount(x, w))
            assert same(kernels.bincount(x, threads=threads), np.bincount(x))


@pytest.mark.parametrize("place", [0, 1, 777, 399_999, 400_000])
def test_one_large_or_negative_number_anywhere(place: int) -> None:
    for dtype in ("int64", "int16", "int8"):
        x = np.ones(400_001, dtype)
        x[place] = np.iinfo(dtype).max if dtype != "int64" else 5_000_000
        assert same(kernels.bincount(x, threads=2), np.bincount(x))
        for least in (-1, np.iinfo(dtype).min):
            x[place] = least
            with pytest.raises(ValueError, match="must have no negative elements"):
                kernels.bincount(x, threads=2)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(allow_nan=False)), max_size=60),
    st.integers(0, 50),
)
def test_equals_the_twin(pairs: list[tuple[int, float]], minlength: int) -> None:
    values, weights = [x for x, _ in pairs], [w for _, w in pairs]
    x, w = np.array(values, np.int64), np.array(weights)
    assert kernels.bincount(x, None, minlength).tolist() == reference.bincount(
        values, None, minlength
    )
    with np.errstate(all="ignore"):
        ours, expected = kernels.bincount(x, w, minlength), np.bincount(x, w, minlength)
    np.testing.assert_array_equal(ours, reference.bincount(values, weights, minlength))
    np.testing.assert_array_equal(ours, expected)
    assert ours.dtype == expected.dtype


def test_takes_any_layout() -> None:
    x = np.arange(60_000).reshape(300, 200) % 77
    w = np.random.default_rng(2).standard_normal(120_000)
    for each in (x[:, 3], x[::-1, 5], np.broadcast_to(np.int64(3), (1000,)), x[:0, 0]):
        each.flags.writeable = False
        assert same(kernels.bincount(each), np.bincount(each))
        strided = w[::2][: each.size]
        for threads in (1, 2):
            ours = kernels.bincount(each, strided, threads=threads)
            assert same(ours, np.bincount(each, strided))
    unaligned = np.zeros(801, np.uint8)[1:].view(np.int64)
    assert same(kernels.bincount(unaligned), np.bincount(unaligned))


def test_takes_what_asarray_takes() -> None:
    for arguments in (([],), ([], None, 3), ([], []), ([3, 1],), ([True, False],), ([1], [0.5])):
        assert same(kernels.bincount(*arguments), np.bincount(*arguments))
    assert same(kernels.bincount([1], minlength=np.int8(4)), np.bincount([1], minlength=4))
    nan = kernels.bincount([0, 0, 1], [np.inf, -np.inf, np.nan])
    assert np.isnan(nan).all()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([-1],), ValueError),
        ((np.array([2**63], np.uint64),), ValueError),
        (([1], [1, 2]), ValueError),
        (([1], None, -1), ValueError),
        (([1], None, None), TypeError),
        (([1], None, 2.5), TypeError),
        (([1], None, True), TypeError),
        (([2**62],), ValueError),
        ((3,), ValueError),
        (([[1]],), ValueError),
        (([1], [[1]]), ValueError),
        ((np.array([1.0]),), TypeError),
        ((np.array([]),), TypeError),
        ((np.array([1], object),), TypeError),
        ((np.array([1]), np.array([1j])), TypeError),
    ],
)
def test_raises_what_numpy_raises(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        np.bincount(*arguments)
    with pytest.raises(error):
        kernels.bincount(*arguments)


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(TypeError, match=r"bincount has no native path .*float32"):
        kernels.bincount(np.zeros(3, np.float32))
    with pytest.raises(TypeError, match=r"bincount has no native path .*float16"):
        kernels.bincount(np.zeros(3, np.int8), np.zeros(3, np.float16))
    with pytest.raises(TypeError, match="byte-swapped"):
        kernels.bincount(np.zeros(3, ">i8"))
    with pytest.raises(TypeError, match="masked"):
        kernels.bincount(np.ma.masked_equal([1, 2], 1))
    with pytest.raises(MemoryError):
        kernels.bincount([2**50])
