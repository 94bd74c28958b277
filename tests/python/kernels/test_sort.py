# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.sort and kernels.argsort against their twins and numpy's stable ones, bit for bit."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, arrays, numbers, same

SIZES = [0, 1, 2, 24, 25, 100, 127, 129, 5000, 65_535, 65_536, 200_001, 1_100_003]
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
both = pytest.mark.parametrize("kernel", [kernels.sort, kernels.argsort])


def numpy_sort(a: Array, axis: int | None = -1) -> Array:
    return np.sort(a, axis=axis, kind="stable")


def numpy_argsort(a: Array, axis: int | None = -1) -> Array:
    return np.argsort(a, axis=axis, kind="stable")


def check(a: Array, axis: int | None = -1, **options: Any) -> None:
    order = numpy_argsort(a, axis)
    assert same(kernels.argsort(a, axis, **options), order)
    # numpy.sort of floats may change the bits of NaNs; taking elements cannot.
    expected = a.ravel()[order] if axis is None else np.take_along_axis(a, order, axis)
    assert same(kernels.sort(a, axis, **options), expected)
    assert np.array_equal(expected, numpy_sort(a, axis), equal_nan=a.dtype.kind == "f")


@every_dtype
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("few", [False, True])
def test_equals_numpy_for_any_threads(dtype: str, n: int, few: bool) -> None:
    a = numbers(dtype, n, few=few)
    for threads in THREADS if n > 100 else [1]:
        check(a, threads=threads, gil="release")
    check(a, gil="hold")


@given(arrays(min_dims=1), st.data())
def test_equals_numpy_for_any_layout_and_axis(a: Array, data: st.DataObject) -> None:
    before = a.copy()
    check(a, data.draw(st.integers(-a.ndim, a.ndim - 1)), threads=3, gil="release")
    check(a, None)
    assert same(a, before)


@given(arrays())
def test_equals_the_twin(a: Array) -> None:
    flat = a.ravel()
    elements = flat.tolist()
    assert kernels.argsort(a, None).tolist() == reference.argsort(elements)
    expected = np.array(reference.sort(elements), a.dtype)
    ours = kernels.sort(a, None)
    nans = np.isnan(ours)  # a NaN of Python has lost some of its bits
    assert same(ours[~nans], expected[~nans])
    assert np.isnan(expected[nans]).all()


@every_dtype
@pytest.mark.parametrize("shape", [(3, 70_000), (70_000, 3), (500, 400), (20_000, 5)])
def test_sorts_along_either_axis(dtype: str, shape: tuple[int, int]) -> None:
    a = numbers(dtype, shape[0] * shape[1]).reshape(shape)
    for axis in (0, 1):
        for threads in (1, 3):
            check(a, axis, threads=threads)
    check(a[::-2], 0)
    check(a.T[:, ::3], None)


PATTERNS = {
    "sorted": lambda n: np.arange(n, dtype=np.int64),
    "reversed": lambda n: np.arange(n, 0, -1, dtype=np.int64),
    "equal": lambda n: np.full(n, 7, np.int64),
    "outlier": lambda n: np.append(np.arange(n) * 7919 % n, 2**62),
    "two clusters": lambda n: np.where(np.arange(n) % 2 == 0, 2**61, 0) + np.arange(n) * 7919 % n,
    "low bits": lambda n: (np.arange(n) * 7919 % 3 << 60) | (np.arange(n) * 104_729 % 97),
    "saw": lambda n: np.arange(n) % 1000,
    "zeros": lambda n: np.where(np.arange(n) % 50 == 0, np.sin(np.arange(n)), 0.0),
    "denormal": lambda n: np.sin(np.arange(n)) * 1e-310,
    "both zeros": lambda n: np.where(np.arange(n) % 3 == 0, -0.0, 0.0),
    "all NaN": lambda n: np.full(n, np.nan),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("n", [1000, 300_000])
def test_sorts_what_is_far_from_random(pattern: str, n: int) -> None:
    for threads in (1, 3):
        check(PATTERNS[pattern](n), threads=threads)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_the_bits_of_nans_and_zeros_in_their_order(dtype: str) -> None:
    bits = np.array([0x7FF8, 0xFFF9, 0x7FFA, 0x0000, 0x8000, 0x0000, 0x3FF0], np.uint64)
    unit = np.dtype(dtype).itemsize * 8 - 16
    a = np.tile(bits << np.uint64(unit), 30_000).astype(f"u{unit // 8 + 2}").view(dtype)
    check(a)
    check(a[:21])


@both
def test_takes_what_numpy_takes(kernel: Any, tmp_path: Path) -> None:
    twin = numpy_sort if kernel is kernels.sort else numpy_argsort
    a = np.array([3, 1, 2], np.int16)
    a.flags.writeable = False
    assert same(kernel(a), twin(a))
    assert same(kernel([3.5, 1.0]), twin(np.array([3.5, 1.0])))
    assert same(kernel([]), twin(np.array([])))
    assert same(kernel([[2, 1], [0, 5]], axis=0), twin(np.array([[2, 1], [0, 5]]), 0))
    assert same(kernel(np.zeros((0, 3)), axis=0), twin(np.zeros((0, 3)), 0))
    assert same(kernel(np.zeros((3, 0)), axis=0), twin(np.zeros((3, 0)), 0))
    assert same(kernel(np.array(5), axis=None), twin(np.array(5), None))
    mapped = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(3,))
    mapped[:] = [2, 1, 3]
    assert type(kernel(mapped)) is np.ndarray


def test_a_single_number() -> None:
    assert same(kernels.argsort(np.float64(3)), np.argsort(np.float64(3)))
    with pytest.raises(np.exceptions.AxisError):
        kernels.sort(np.float64(3))


@both
@pytest.mark.parametrize("kind", ["quicksort", "heapsort", "mergesort", "stable"])
def test_every_kind_of_sort_is_stable(kernel: Any, kind: Any) -> None:
    a = numbers("float64", 1000, few=True)
    assert same(kernel(a, kind=kind), kernel(a))
    assert same(kernel(a, stable=True), kernel(a))
    assert same(kernel(a, stable=False), kernel(a))


@both
def test_refuses_what_numpy_refuses(kernel: Any) -> None:
    a = np.zeros((2, 3))
    for axis in (2, -3, 10**30):
        with pytest.raises(np.exceptions.AxisError, match="out of bounds"):
            kernel(a, axis)
    with pytest.raises(TypeError):
        kernel(a, 1.5)
    with pytest.raises(ValueError, match=r"kind must be one of .*'x'"):
        kernel(a, kind="x")
    with pytest.raises(TypeError, match="kind must be str, not int"):
        kernel(a, kind=3)
    with pytest.raises(ValueError, match="at the same time"):
        kernel(a, kind="stable", stable=True)
    with pytest.raises(ValueError, match="order"):
        kernel(a, order="x")


@both
@pytest.mark.parametrize("dtype", ["float16", "longdouble", "complex128", "object", "U3", "M8[s]"])
def test_refuses_other_dtypes_and_lists_its_own(kernel: Any, dtype: str) -> None:
    with pytest.raises(TypeError, match=r"sort .*dtype.*uint8.*float32, float64"):
        kernel(np.zeros(3, dtype))


@both
def test_refuses_byte_swapped_and_masked_arrays(kernel: Any) -> None:
    with pytest.raises(TypeError, match="byte-swapped"):
        kernel(np.zeros(3, ">f8" if np.little_endian else "<f8"))
    with pytest.raises(TypeError, match="masked"):
        kernel(np.ma.masked_equal([1.0, 2.0], 1.0))


class AlarmError(Exception):
    pass


@both
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_handler_that_raises_stops_it(kernel: Any, threads: int) -> None:
    def ring(*_: object) -> None:
        raise AlarmError

    a = numbers("int64", 10_000_000)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for seconds in (0.005, 0.02, 0.05, 0.1):
            with pytest.raises(AlarmError):  # noqa: PT012 - wherever it rings
                signal.setitimer(signal.ITIMER_REAL, seconds)
                for _ in range(1000):
                    kernel(a, threads=threads)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    check(a[:100_000], threads=threads)
