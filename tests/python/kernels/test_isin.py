# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.isin against its twin and numpy.isin, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, arrays, numbers, same

isin = kernels.isin


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0), (1, 1), (33, 100), (90_000, 40_000)])
def test_equals_numpy_for_any_threads(dtype: str, n: int, m: int) -> None:
    for few in (False, True):
        a = numbers(dtype, n, few=few)
        tests = np.concatenate([a[::3], numbers(dtype, m, few=few)])[:m]
        for invert in (False, True):
            expected = np.isin(a, tests, invert=invert)
            for threads in THREADS:
                ours = isin(a, tests, invert=invert, threads=threads, gil="release")
                assert same(ours, expected)
            assert same(isin(a, tests, True, invert, gil="hold"), expected)


@given(arrays(), st.data(), st.booleans())
def test_equals_the_twin(a: Array, data: st.DataObject, invert: bool) -> None:
    tests = np.array(data.draw(st.lists(st.sampled_from(a.ravel().tolist() or [1]))), a.dtype)
    expected = reference.isin(a.ravel().tolist(), tests.tolist(), invert=invert)
    ours = isin(a, tests, invert=invert, threads=3)
    assert ours.shape == a.shape
    assert ours.ravel().tolist() == expected
    assert same(np.ascontiguousarray(ours), np.ascontiguousarray(np.isin(a, tests, invert=invert)))


def test_wide_and_narrow_integers() -> None:
    random = np.random.default_rng(0)
    for low, high in ((0, 2**10), (-(2**62), 2**62), (2**62, 2**62 + 5000), (-(2**63), 2**63 - 1)):
        a = random.integers(low, high, 50_000)
        tests = np.concatenate([a[:5000], random.integers(low, high, 20_000)])
        assert same(isin(a, tests, threads=2), np.isin(a, tests, kind="sort"))
    edges = np.array([-(2**63), 2**63 - 1, 0, -1])
    assert isin(edges, edges).all()
    assert not isin(edges, edges[:0]).any()


def test_zeros_and_nans() -> None:
    a = np.array([0.0, -0.0, np.nan, np.inf, 1.0])
    assert isin(a, [-0.0, np.nan, np.inf]).tolist() == [True, True, False, True, False]
    assert isin(a, [np.nan], invert=True).all()


@pytest.mark.parametrize("a", [np.int8, np.uint8, np.int64, np.uint64, np.float32, np.bool_])
@pytest.mark.parametrize("b", [np.int8, np.uint8, np.int64, np.uint64, np.float32, np.bool_])
def test_converts_to_the_common_dtype(a: Any, b: Any) -> None:
    elements = np.array([-1, 0, 1, 2, 127, 200, 255]).astype(a)
    tests = np.array([-1, 1, 200]).astype(b)
    for invert in (False, True):
        expected = np.isin(elements, tests, invert=invert)
        assert same(isin(elements, tests, invert=invert), expected)


def test_signed_and_unsigned_are_compared_exactly() -> None:
    signed = np.array([2**53 + 1, -1, 5])
    unsigned = np.array([2**53, 2**64 - 1, 5], np.uint64)
    assert isin(signed, unsigned).tolist() == [False, False, True]
    assert isin(unsigned, signed).tolist() == [False, False, True]
    assert isin(signed, unsigned, invert=True).tolist() == [True, True, False]


def test_a_number_gives_an_array_without_dimensions() -> None:
    assert same(isin(1, [1, 2]), np.isin(1, [1, 2]))


def test_kinds_change_nothing_but_are_checked() -> None:
    a = np.arange(10)
    for kind in (None, "sort", "table"):
        assert isin(a, [3], kind=kind).tolist() == (a == 3).tolist()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Invalid kind: 'x'"):
        isin(a, [3], kind="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only supported for boolean or integer arrays"):
        isin(a, [3.0], kind="table")
    with pytest.raises(RuntimeError, match="exceed the maximum integer"):
        isin(a, [-(2**63), 2**63 - 1], kind="table")


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(TypeError, match=r"isin .*dtype complex128.*float64"):
        isin([1j], [1])
    swapped = np.zeros(3, ">f8" if np.little_endian else "<f8")
    with pytest.raises(TypeError, match="byte-swapped"):
        isin(swapped, swapped)
    with pytest.raises(TypeError, match="masked"):
        isin(np.ma.masked_equal([1.0, 2.0], 1.0), [1.0])
