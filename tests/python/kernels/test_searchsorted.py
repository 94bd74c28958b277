# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.searchsorted against its twin and numpy.searchsorted, exactly."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, arrays, numbers, same

SIDES: list[Literal["left", "right"]] = ["left", "right"]
every_side = pytest.mark.parametrize("side", SIDES)
searchsorted = kernels.searchsorted


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 15, 16, 17, 1000, 70_001])
@every_side
def test_equals_numpy_for_any_threads(dtype: str, n: int, side: Any) -> None:
    for few in (False, True):
        a = np.sort(numbers(dtype, n, few=few))
        v = np.concatenate([numbers(dtype, 40_000, few=few), a[:1000]])
        expected = np.searchsorted(a, v, side)
        for threads in THREADS:
            assert same(searchsorted(a, v, side, threads=threads, gil="release"), expected)
        assert same(searchsorted(a, v[:17], side, gil="hold"), expected[:17])


@given(arrays(min_dims=1), st.sampled_from(SIDES))
def test_equals_the_twin(v: Array, side: Any) -> None:
    a = np.sort(v, axis=None)
    expected = reference.searchsorted(a.tolist(), v.ravel().tolist(), side)
    assert same(searchsorted(a, v, side), np.array(expected, np.int64).reshape(v.shape))
    order = np.argsort(v, axis=None)
    sorter = order.tolist()
    assert reference.searchsorted(v.ravel().tolist(), v.ravel().tolist(), side, sorter) == expected
    assert searchsorted(v.ravel(), v, side, order).ravel().tolist() == expected


@every_side
def test_takes_any_stride(side: Any) -> None:
    a = np.sort(numbers("float64", 3000))
    v = numbers("float64", 900).reshape(30, 30)
    spaced = np.repeat(a, 2)[::2]
    backwards = a[::-1].copy()[::-1]
    for each in (spaced, backwards, np.broadcast_to(a[5], (7,))):
        for wanted in (v, v.T, v[::2, ::-3], np.asfortranarray(v)):
            assert same(
                np.ascontiguousarray(searchsorted(each, wanted, side, threads=2)),
                np.ascontiguousarray(np.searchsorted(each, wanted, side)),
            )


@every_side
@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_goes_by_a_sorter_of_any_integers(side: Any, dtype: str) -> None:
    a = numbers("int64", 100)
    order = np.argsort(a, kind="stable").astype(dtype)
    v = np.concatenate([a, numbers("int64", 55)])
    assert same(searchsorted(a, v, side, order), np.searchsorted(a, v, side, order))
    twice = np.repeat(order, 2)[::2]
    assert same(searchsorted(a, v, side, twice), np.searchsorted(a, v, side, order))


def test_a_number_gives_a_number() -> None:
    ours = searchsorted([1.0, 2.0], 1.5)
    assert type(ours) is np.int64
    assert ours == 1
    assert type(searchsorted([1.0, 2.0], np.array(1.5))) is np.int64


@pytest.mark.parametrize(
    ("a", "v"),
    [
        ([1, 2, 3], [1.5, 2.0]),
        (np.array([1, 2], np.int8), np.array([300, -300], np.int64)),
        (np.array([1, 2], np.uint64), np.array([-1, 3], np.int64)),
        (np.array([1, 2], np.float32), [1]),
        ([], [1]),
        ([1], []),
        ([False, True], [0, 1, 2]),
    ],
)
def test_converts_to_the_common_dtype(a: Any, v: Any) -> None:
    assert same(searchsorted(a, v), np.searchsorted(a, v))


def test_refuses_what_numpy_refuses() -> None:
    with pytest.raises(ValueError, match="side must be 'left' or 'right', not 'x'"):
        searchsorted([1], [1], "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="side must be str, not int"):
        searchsorted([1], [1], 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one dimension, not 2"):
        searchsorted([[1]], [1])
    with pytest.raises(ValueError, match="one dimension, not 0"):
        searchsorted(1, [1])
    with pytest.raises(ValueError, match=r"sorter\.size must equal a\.size: 1 is not 2"):
        searchsorted([1, 2], [1], sorter=[0])
    with pytest.raises(TypeError, match="only contain integers, not float64"):
        searchsorted([1, 2], [1], sorter=[0.0, 1.0])
    with pytest.raises(TypeError, match="one dimension, not 2"):
        searchsorted([1, 2], [1], sorter=[[0, 1]])
    for sorter in ([0, 2], [-1, 1]):
        with pytest.raises(ValueError, match="Sorter index out of range"):
            searchsorted([1, 2], [1, 2, 3, 0], sorter=sorter)
    with pytest.raises(TypeError, match=r"searchsorted .*dtype complex128.*float64"):
        searchsorted([1j], [1])
    with pytest.raises(TypeError, match="byte-swapped"):
        searchsorted(np.zeros(1, ">i4"), np.zeros(1, ">i4"))
    with pytest.raises(TypeError, match="masked"):
        searchsorted([1.0], np.ma.masked_equal([1.0, 2.0], 1.0))
