# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.unique against its twin and numpy.unique, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, arrays, numbers, same

unique = kernels.unique
ALL = {"return_index": True, "return_inverse": True, "return_counts": True}


def check(a: Array, *, equal_nan: bool = True, **options: Any) -> None:
    # With an index NumPy sorts stably: its answer is unique then, but for the bits of NaNs.
    expected = np.unique(a, **ALL, equal_nan=equal_nan)
    ours = unique(a, **ALL, equal_nan=equal_nan, **options)
    assert all(map(same, ours[1:], expected[1:]))
    assert same(ours[0], a.ravel()[expected[1]])
    assert same(unique(a, equal_nan=equal_nan, **options), ours[0])
    for name, each in zip(ALL, ours[1:], strict=True):
        values, more = unique(a, **{name: True}, equal_nan=equal_nan, **options)
        assert same(values, ours[0])
        assert same(more, each)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 100, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("few", [False, True])
def test_equals_numpy_for_any_threads(dtype: str, n: int, few: bool) -> None:
    a = numbers(dtype, n, few=few)
    for threads in THREADS if n > 100 else [1]:
        check(a, threads=threads, gil="release")
    check(a, gil="hold", equal_nan=False)


@given(arrays(), st.booleans())
def test_equals_the_twin(a: Array, equal_nan: bool) -> None:
    before = a.copy()
    values, *rest = reference.unique(a.ravel().tolist(), **ALL, equal_nan=equal_nan)
    ours, *others = unique(a, **ALL, equal_nan=equal_nan, threads=3, gil="release")
    assert np.array_equal(ours, np.array(values, a.dtype), equal_nan=a.dtype.kind == "f")
    assert np.array_equal(np.signbit(ours.astype(float)), np.signbit(np.array(values, float)))
    assert [each.ravel().tolist() for each in others] == rest
    assert others[1].shape == a.shape
    check(a, equal_nan=equal_nan)
    assert same(a, before)


def test_counts_run_over_blocks() -> None:
    a = np.repeat(np.arange(5), [1, 200_000, 65_536, 3, 70_000])
    values, counts = unique(a, return_counts=True, threads=3)
    assert values.tolist() == [0, 1, 2, 3, 4]
    assert counts.tolist() == [1, 200_000, 65_536, 3, 70_000]


def test_results_own_their_memory() -> None:
    for each in unique(np.zeros(1_000_000), **ALL):
        assert each.base is None or each.size == 1_000_000


@pytest.mark.parametrize("in_order", [True, False])
def test_is_sorted_whatever_is_asked(in_order: bool) -> None:
    assert unique([3, 1, 2, 1], sorted=in_order).tolist() == [1, 2, 3]


def test_takes_the_axis_of_one_dimension() -> None:
    for axis in (0, -1, None):
        assert unique([3, 1, 3], axis=axis).tolist() == [1, 3]
    with pytest.raises(TypeError, match="integer argument expected for axis, not float"):
        kernels.unique([1.0], axis=0.0)  # type: ignore[arg-type]
    with pytest.raises(np.exceptions.AxisError):
        unique([3, 1], axis=1)
    with pytest.raises(np.exceptions.AxisError):
        unique(3, axis=0)
    with pytest.raises(ValueError, match="subarrays are not supported"):
        unique([[3, 1]], axis=0)


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(TypeError, match=r"unique .*dtype complex128.*float64"):
        unique([1j])
    with pytest.raises(TypeError, match="byte-swapped"):
        unique(np.zeros(3, ">f8" if np.little_endian else "<f8"))
    with pytest.raises(TypeError, match="masked"):
        unique(np.ma.masked_equal([1.0, 2.0], 1.0))
