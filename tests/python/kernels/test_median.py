# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.median against its twin and numpy.median, exactly."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, arrays, numbers

median = kernels.median


def same_numbers(x: Any, y: Any) -> bool:
    """Of one type and shape, and equal; a NaN is a NaN."""
    x, y = np.asarray(x), np.asarray(y)
    return x.dtype == y.dtype and x.shape == y.shape and np.array_equal(x, y, equal_nan=True)


def numpy_median(a: Array, *args: Any, **options: Any) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.median(a, *args, **options)


def our_median(a: Array, *args: Any, **options: Any) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return median(a, *args, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 100, 65_535, 65_536, 300_001, 1_100_000])
@pytest.mark.parametrize("few", [False, True])
def test_equals_numpy_for_any_threads(dtype: str, n: int, few: bool) -> None:
    a = numbers(dtype, n, few=few)
    if few and dtype.startswith("float"):
        a = a[~np.isnan(a)]
    expected = numpy_median(a)
    for threads in THREADS if n > 100 else [1]:
        assert same_numbers(our_median(a, threads=threads, gil="release"), expected)
    assert same_numbers(our_median(a, gil="hold"), expected)
    assert type(our_median(a)) is type(expected)


@given(arrays(min_dims=1), st.data(), st.booleans())
def test_equals_numpy_along_any_axes(a: Array, data: st.DataObject, keepdims: bool) -> None:
    axes = data.draw(st.lists(st.integers(0, a.ndim - 1), min_size=1, unique=True).map(tuple))
    for axis in (axes, axes[0], axes[0] - a.ndim, None):
        if a.size == 0 and isinstance(axis, tuple):
            continue  # NumPy cannot join axes of nothing
        expected = numpy_median(a, axis, keepdims=keepdims)
        assert same_numbers(our_median(a, axis, keepdims=keepdims, threads=3), expected)
        out = np.empty_like(expected)
        if out.ndim:
            assert our_median(a, axis, out, keepdims=keepdims) is out
            assert same_numbers(out, expected)


@given(arrays())
def test_equals_the_twin(a: Array) -> None:
    expected = reference.median(a.ravel().tolist(), str(a.dtype))
    ours = our_median(a)
    assert np.array_equal(float(ours), expected, equal_nan=True)
    assert np.isnan(ours) or np.signbit(ours) == np.signbit(expected)


PATTERNS = {
    "equal": lambda n: np.full(n, 7.0),
    "outlier": lambda n: np.append(np.arange(n) * 1e-9, 1e300),
    "two clusters": lambda n: np.where(np.arange(n) % 2 == 0, 1e300, 1.0) * (1 + np.arange(n) / n),
    "zeros": lambda n: np.where(np.arange(n) % 50 == 0, np.sin(np.arange(n)), 0.0),
    "low bits": lambda n: (np.arange(n) * 7919 % 3 << 60) | (np.arange(n) * 104_729 % 97),
    "one NaN": lambda n: np.append(np.arange(n), np.nan),
    "minus NaN": lambda n: np.append(np.arange(n), -np.nan),
    "infinite": lambda n: np.where(np.arange(n) % 2 == 0, np.inf, -np.inf),
    "integers": lambda n: np.where(np.arange(n) % 2 == 0, 2**62, 2**62 + 1),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("n", [100, 200_000, 200_001])
def test_finds_it_in_what_is_far_from_random(pattern: str, n: int) -> None:
    a = PATTERNS[pattern](n)
    for threads in (1, 3):
        assert same_numbers(our_median(a, threads=threads), numpy_median(a))


@pytest.mark.parametrize("shape", [(3, 70_000), (70_000, 3), (500, 400)])
def test_goes_along_either_axis(shape: tuple[int, int]) -> None:
    a = numbers("float64", shape[0] * shape[1]).reshape(shape)
    a[0, 0] = np.nan
    for axis in (0, 1, (0, 1), (1, 0)):
        assert same_numbers(median(a, axis, threads=2), numpy_median(a, axis))
        assert same_numbers(median(a.T[::2], axis, threads=2), numpy_median(a.T[::2], axis))


def test_never_writes_to_its_input() -> None:
    a = numbers("float64", 100_000)
    before = a.copy()
    median(a, overwrite_input=True)
    a.flags.writeable = False
    assert same_numbers(median(a), np.median(a))
    assert np.array_equal(a, before)


def test_nothing_has_no_median() -> None:
    empty = pytest.warns(RuntimeWarning, match="Mean of empty slice")
    with np.errstate(invalid="ignore"), empty:
        assert np.isnan(median([]))
    empty = pytest.warns(RuntimeWarning, match="Mean of empty slice")
    with np.errstate(invalid="ignore"), empty:
        assert np.isnan(median(np.zeros((3, 0)), axis=1)).all()


def test_refuses_what_numpy_refuses() -> None:
    a = np.zeros((2, 3))
    for axis in (2, -3, (0, 2)):
        with pytest.raises(np.exceptions.AxisError):
            median(a, axis)
    with pytest.raises(ValueError, match="twice"):
        median(a, (0, 0))
    with pytest.raises(ValueError, match=r"broadcast|out"):
        median(a, 0, np.zeros(5))
    with pytest.raises(TypeError, match=r"median .*dtype complex128.*float64"):
        median([1j])
    with pytest.raises(TypeError, match="byte-swapped"):
        median(np.zeros(3, ">f8" if np.little_endian else "<f8"))
    with pytest.raises(TypeError, match="masked"):
        median(np.ma.masked_equal([1.0, 2.0], 1.0))


def test_the_median_of_a_nan_is_a_scalar() -> None:
    assert type(kernels.median([np.nan, 1.0])) is np.float64
