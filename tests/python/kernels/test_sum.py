# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.sum against its twin, bit for bit, and against numpy.sum."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nativeconc import kernels, reference

DTYPES = ["float32", "float64", "int32", "int64"]
THREADS = [1, 2, 3, 8, 64]
SIZES = [0, 1, 2, 31, 32, 33, 511, 512, 513, 5000, 131_071, 131_073, 300_000]


def twin_sum(a: np.ndarray[Any, Any]) -> np.generic:
    """The twin's answer, as the NumPy scalar that the kernel is to give.

    ravel(order="K") puts axes in the order of memory: the kernel's order, unless a stride is 0.
    """
    total = reference.sum(a.ravel(order="K").tolist(), str(a.dtype))
    return {"float32": np.float32, "float64": np.float64}.get(str(a.dtype), np.int64)(total)


def same_bits(x: np.generic, y: np.generic) -> bool:
    return x.dtype == y.dtype and (x.tobytes() == y.tobytes() or bool(np.isnan(x) & np.isnan(y)))


def numbers(dtype: str, n: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(n)
    if dtype.startswith("float"):
        return (random.standard_normal(n) * 10.0 ** random.integers(-5, 6, n)).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, n, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_equals_the_twin_for_any_threads(dtype: str, n: int) -> None:
    a = numbers(dtype, n)
    expected = twin_sum(a)
    for threads in THREADS:
        assert same_bits(kernels.sum(a, threads=threads, gil="release"), expected)
    assert same_bits(kernels.sum(a, gil="hold"), expected)
    assert same_bits(kernels.sum(a), expected)


def arrays() -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Arrays of all four dtypes, of odd shapes and memory layouts."""

    @st.composite
    def draw_array(draw: st.DrawFn) -> np.ndarray[Any, Any]:
        dtype = np.dtype(draw(st.sampled_from(DTYPES)))
        shape = draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
        floats = {"allow_nan": True, "allow_infinity": True}
        elements = npst.from_dtype(dtype, **(floats if dtype.kind == "f" else {}))
        a = draw(npst.arrays(dtype, shape, elements=elements))
        if draw(st.booleans()):
            a = np.asfortranarray(a)
        if a.ndim > 0:
            index = draw(npst.basic_indices(a.shape, allow_newaxis=True, allow_ellipsis=False))
            a = np.asarray(a[index])
        return a.transpose(draw(st.permutations(range(a.ndim))))

    return draw_array()


@given(arrays())
def test_equals_the_twin_for_any_layout(a: np.ndarray[Any, Any]) -> None:
    before = a.copy()
    with np.errstate(all="ignore"):
        expected = twin_sum(a)
    assert same_bits(kernels.sum(a), expected)
    assert same_bits(kernels.sum(a, threads=3, gil="release"), expected)
    assert np.array_equal(a, before, equal_nan=a.dtype.kind == "f")


@given(arrays())
def test_agrees_with_numpy(a: np.ndarray[Any, Any]) -> None:
    with np.errstate(all="ignore"):
        expected = np.sum(a)
        magnitude = np.sum(np.abs(a.astype(np.float64)))
    ours = kernels.sum(a)
    assert type(ours) is type(expected)
    if a.dtype.kind == "i":
        assert ours == expected
    elif np.isfinite(magnitude) and np.isfinite(expected) and np.isfinite(ours):
        tolerance = a.size * np.finfo(a.dtype).eps * magnitude
        assert abs(float(ours) - float(expected)) <= tolerance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_is_at_least_as_accurate_as_its_bound(dtype: str) -> None:
    a = numbers(dtype, 200_000)
    exact = math.fsum(a.tolist())
    depth = 20 + math.ceil(math.log2(a.size / 512))
    bound = depth * 2.0**-53 * math.fsum(np.abs(a).tolist())
    if dtype == "float32":
        bound += abs(exact) * 2.0**-24
    assert abs(float(kernels.sum(a)) - exact) <= bound * (1 + 1e-9)


def test_float32_does_not_lose_small_numbers() -> None:
    assert kernels.sum(np.ones(20_000_000, np.float32)) == 20_000_000
    assert kernels.sum(np.full(1 << 20, 0.1, np.float32)) == np.float32(
        (1 << 20) * float(np.float32(0.1))
    )


@pytest.mark.parametrize("step", [1, 2, 3, -1, -2, 7])
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_has_the_same_bits_at_any_stride_and_alignment(step: int, offset: int) -> None:
    values = numbers("float64", 150_000)
    memory = np.zeros(values.size * abs(step) * 8 + offset + 8, np.uint8)
    end = offset + values.size * abs(step) * 8
    a = memory[offset:end].view(np.float64)[::step]
    a[...] = values
    assert a.flags.aligned == ((memory.ctypes.data + offset) % 8 == 0)
    assert same_bits(kernels.sum(a, threads=2), kernels.sum(values, threads=1))


def test_repeats_elements_of_zero_strides_in_their_place() -> None:
    row = numbers("float64", 700)
    for a in (np.broadcast_to(row, (300, 700)), np.broadcast_to(row[:, None], (700, 300))):
        assert same_bits(kernels.sum(a), kernels.sum(a.copy(order="C")))
    once = np.broadcast_to(np.float64(0.1), (100_000,))
    assert same_bits(kernels.sum(once), kernels.sum(once.copy()))


def test_transposing_changes_nothing() -> None:
    a = numbers("float64", 60_000).reshape(20, 30, 100)
    for axes in ((0, 2, 1), (1, 0, 2), (2, 1, 0), (2, 0, 1)):
        assert same_bits(kernels.sum(a.transpose(axes)), kernels.sum(a))


def test_takes_read_only_and_zero_dimensional_arrays() -> None:
    a = np.arange(10.0)
    a.flags.writeable = False
    assert kernels.sum(a) == 45.0
    assert kernels.sum(np.array(7, np.int32)) == 7
    assert kernels.sum(np.float32(1.5)).dtype == np.float32


def test_takes_what_asarray_takes() -> None:
    assert same_bits(kernels.sum([1, 2, 3]), np.int64(6))
    assert same_bits(kernels.sum([[0.5], [1.5]]), np.float64(2.0))
    assert same_bits(kernels.sum(2), np.int64(2))
    assert same_bits(kernels.sum([]), np.float64(0.0))
    assert kernels.sum(memoryview(np.arange(3.0))) == 3.0


def test_a_subclass_gives_a_plain_scalar(tmp_path: Path) -> None:
    a = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(3,))
    a[:] = 1.5
    assert same_bits(kernels.sum(a), np.float64(4.5))


def test_zeros_and_special_values() -> None:
    assert same_bits(kernels.sum(np.array([-0.0, -0.0])), np.float64(0.0))
    assert np.isnan(kernels.sum(np.array([np.inf, -np.inf])))
    assert kernels.sum(np.array([np.inf, 1.0])) == np.inf
    assert kernels.sum(np.full(4, 3e38, np.float32)) == np.float32(np.inf)


@pytest.mark.parametrize(
    "dtype",
    ["float16", "longdouble", "complex128", "object", "U3", "M8[s]"],
)
def test_refuses_other_dtypes_and_lists_its_own(dtype: str) -> None:
    with pytest.raises(TypeError, match=r"sum .*dtype.*int32, int64, .*float32, float64"):
        kernels.sum(np.zeros(3, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_refuses_byte_swapped_arrays(dtype: str) -> None:
    swapped = np.zeros(3, np.dtype(dtype).newbyteorder())
    with pytest.raises(TypeError, match="byte-swapped"):
        kernels.sum(swapped)


def test_refuses_masked_arrays_rather_than_ignore_the_mask() -> None:
    with pytest.raises(TypeError, match="masked"):
        kernels.sum(np.ma.masked_equal([1.0, 2.0], 1.0))
