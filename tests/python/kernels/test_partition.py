# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.partition against its twin, bit for bit, and against what a partition is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, arrays, numbers, same

partition = kernels.partition


def same_numbers(x: Array, y: Array) -> bool:
    """Of one type and shape, and equal; a NaN is a NaN, and -0.0 is not 0.0."""
    is_float = x.dtype.kind == "f"
    equal = x.dtype == y.dtype and np.array_equal(x, y, equal_nan=is_float)
    return equal and (not is_float or bool(((np.signbit(x) == np.signbit(y)) | np.isnan(x)).all()))


def check_is_partition(a: Array, ours: Array, ranks: list[int]) -> None:
    """Every rank has its element, and no element lies on the wrong side of it."""
    in_order = np.sort(a)
    is_float = a.dtype.kind == "f"
    assert np.array_equal(np.sort(ours), in_order, equal_nan=is_float)
    for rank in ranks:
        assert np.array_equal(ours[rank], in_order[rank], equal_nan=is_float)
        assert np.array_equal(np.sort(ours[:rank]), in_order[:rank], equal_nan=is_float)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 100, 65_536, 262_144, 600_001])
@pytest.mark.parametrize("few", [False, True])
def test_is_a_partition_and_the_same_for_any_threads(dtype: str, n: int, few: bool) -> None:
    a = numbers(dtype, n, few=few)
    for ranks in ([n // 2], [0, n // 3, n - 1]):
        ours = partition(a, ranks, gil="hold")
        check_is_partition(a, ours, ranks)
        for threads in THREADS if n > 100 else [1]:
            assert same(partition(a, ranks, threads=threads, gil="release"), ours)


@given(arrays(min_dims=1), st.data())
def test_equals_the_twin_along_any_axis(a: Array, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-a.ndim, a.ndim - 1))
    n = a.shape[axis]
    kth = data.draw(st.lists(st.integers(-n, n - 1), max_size=12)) if n else [0]
    before = a.copy()
    ours = partition(a, np.array(kth, int), axis, threads=3, gil="release")
    assert same(a, before)
    assert ours.shape == a.shape
    assert ours.dtype == a.dtype
    lanes = np.moveaxis(a, axis, -1).reshape(-1, n) if a.size else []
    for lane, got in zip(lanes, np.moveaxis(ours, axis, -1).reshape(-1, n or 1), strict=False):
        expected = np.array(reference.partition(lane.tolist(), kth), a.dtype)
        assert same_numbers(np.ascontiguousarray(got), expected)


@given(arrays())
def test_takes_all_elements_as_one_row(a: Array) -> None:
    ours = partition(a, 0, None)
    assert ours.shape == (a.size,)
    if a.size:
        assert same_numbers(ours, np.array(reference.partition(a.ravel().tolist(), 0), a.dtype))


@pytest.mark.parametrize("n", [100, 300_000])
def test_bits_of_equal_elements_stay(n: int) -> None:
    a = numbers("float64", n, few=True)
    for rank in (0, n // 3, n // 2, n - 1):
        ours = partition(a, rank, threads=3)
        in_order = np.sort(a)
        pivot = in_order[rank]
        equal = np.isnan(a) if np.isnan(pivot) else a == pivot
        first = int(np.searchsorted(in_order, pivot))
        assert same(ours[first : first + int(equal.sum())], a[equal])
        assert same(ours[:first], a[(a < pivot) if pivot == pivot else ~np.isnan(a)])


def test_of_nothing_is_nothing() -> None:
    for shape, axis in (((0,), 0), ((3, 0), 1), ((0, 3), 0)):
        assert partition(np.zeros(shape), 5, axis).shape == shape


def test_without_positions_is_a_copy() -> None:
    a = numbers("float32", 1000)
    assert same(partition(a, np.array([], int)), a)


def test_may_be_read_only_and_strided() -> None:
    a = numbers("int32", 1_200_000)[::-2]
    a.flags.writeable = False
    ours = partition(a, 1000, threads=2)
    check_is_partition(a, ours, [1000])


def test_refuses_what_numpy_refuses() -> None:
    a = np.arange(6.0).reshape(2, 3)
    for kth in (3, -4, [0, 5]):
        with pytest.raises(ValueError, match=r"kth\(=-?\d\) out of bounds \(3\)"):
            partition(a, kth)
    for wrong in (1.0, "1", None, [0.5]):
        with pytest.raises(TypeError, match="Partition index must be integer"):
            partition(a, wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Booleans unacceptable as partition index"):
        partition(a, True)
    with pytest.raises(ValueError, match="one dimension"):
        partition(a, [[0]])  # type: ignore[list-item]
    for axis in (2, -3):
        with pytest.raises(np.exceptions.AxisError):
            partition(a, 0, axis)
    with pytest.raises(np.exceptions.AxisError):
        partition(np.float64(1), 0)
    with pytest.raises(TypeError):
        partition(a, 0, 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"select kind must be 'introselect' \(got 'quick'\)"):
        partition(a, 0, kind="quick")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="select kind must be str"):
        partition(a, 0, kind=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="order must be None"):
        partition(a, 0, order="x")  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [np.array([1j]), np.zeros(3, ">f8"), np.array(["a"])])
def test_refuses_other_dtypes(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"partition|byte-swapped"):
        partition(bad, 0)
