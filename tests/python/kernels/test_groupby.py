# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.groupby against its twin, bit for bit, and against numpy.unique."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nativeconc import kernels, reference
from ordering import DTYPES, THREADS, Array, numbers, same

groupby = kernels.groupby
HOW = ["sum", "mean", "min", "max", "count"]
every_how = pytest.mark.parametrize("how", HOW)


def result_dtype(values: Array, how: str) -> Any:
    if how in ("min", "max"):
        return values.dtype
    if how == "count":
        return np.dtype(np.int64)
    if values.dtype.kind == "f":
        return values.dtype
    if how == "mean":
        return np.dtype(np.float64)
    return np.dtype(np.uint64 if values.dtype.kind == "u" else np.int64)


def wrapped(results: list[Any], dtype: Any) -> Array:
    """As an array of the dtype; integers wrap around."""
    if dtype.kind in "iu" and dtype.itemsize == 8:
        return np.array([int(each) % 2**64 for each in results], np.uint64).view(dtype)
    with np.errstate(over="ignore"):
        return np.array(results, dtype)


def check_with_twin(keys: Array, values: Array, how: str, **options: Any) -> None:
    ours = groupby(keys, values, how, **options)
    twins = reference.groupby(keys.tolist(), values.tolist(), how)
    dtype = result_dtype(values, how)
    assert ours[0].dtype == keys.dtype
    assert ours[1].dtype == dtype
    assert np.array_equal(ours[0], np.array(twins[0], keys.dtype), equal_nan=keys.dtype.kind == "f")
    expected = wrapped(twins[1], dtype)
    assert np.array_equal(ours[1], expected, equal_nan=dtype.kind == "f")
    if dtype.kind == "f":
        numbers_only = ~np.isnan(expected)
        signs = np.signbit(ours[1]) == np.signbit(expected)
        assert signs[numbers_only & ((expected != 0) | (how in ("min", "max")))].all()


@st.composite
def columns(draw: st.DrawFn) -> tuple[Array, Array]:
    n = draw(st.integers(0, 60))
    both = []
    for few in (draw(st.booleans()), False):
        dtype = np.dtype(draw(st.sampled_from(DTYPES)))
        elements = npst.from_dtype(dtype)
        if few:
            elements = st.sampled_from(draw(st.lists(elements, min_size=1, max_size=4)))
        column = draw(npst.arrays(dtype, 2 * n, elements=elements))
        both.append(column[::2] if draw(st.booleans()) else column[n - 1 :: -1][:n])
    return both[0][:n], both[1][:n]


@every_how
@given(columns())
def test_equals_the_twin(how: str, pair: tuple[Array, Array]) -> None:
    keys, values = pair
    check_with_twin(keys, values, how)
    check_with_twin(keys, values, how, threads=3, gil="release")


KEYS = {
    "few": lambda random, n: random.integers(0, 5, n),
    "some": lambda random, n: random.integers(-500, 500, n).astype(np.int32),
    "a million": lambda random, n: random.integers(0, 1_000_000, n),
    "wide": lambda random, n: random.integers(-(2**62), 2**62, n),
    "wide but few": lambda random, n: random.integers(0, 100, n) * (2**55) - 2**61,
    "floats": lambda random, n: np.round(random.standard_normal(n), 2) + 0.0,
    "sorted": lambda _, n: np.arange(n) // 7,
    "one": lambda _, n: np.full(n, 2**63 - 1),
    "mostly one": lambda random, n: np.where(
        random.random(n) < 0.9, 5, random.integers(-(2**62), 2**62, n)
    ),
    "far ends": lambda _, n: np.where(np.arange(n) % 2 == 0, -(2**63), 2**63 - 1),
}


@every_how
@pytest.mark.parametrize("pattern", KEYS)
@pytest.mark.parametrize("n", [1000, 70_000, 600_001, 1_200_000])
def test_is_right_and_the_same_for_any_threads(pattern: str, n: int, how: str) -> None:
    random = np.random.default_rng(n)
    keys = KEYS[pattern](random, n)
    values = random.integers(-1000, 1000, n) if how != "mean" else random.standard_normal(n)
    found, results = groupby(keys, values, how, gil="hold")
    for threads in THREADS if n == 600_001 else (2,):
        again = groupby(keys, values, how, threads=threads, gil="release")
        assert same(again[0], found)
        assert same(again[1], results)
    expected, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    assert same(found, expected)
    if how == "count":
        assert np.array_equal(results, counts)
    elif how == "sum":
        assert np.array_equal(results, np.bincount(which, values))
    elif how == "mean":
        np.testing.assert_allclose(results, np.bincount(which, values) / counts, atol=1e-12)
    else:
        in_order = np.lexsort((values, which))
        ends = np.cumsum(counts)
        assert np.array_equal(results, values[in_order][ends - (counts if how == "min" else 1)])


@pytest.mark.parametrize("dtype", DTYPES)
@every_how
def test_takes_every_dtype(dtype: str, how: str) -> None:
    for few in (True, False):
        check_with_twin(numbers(dtype, 3000, few=few), numbers("float64", 3000), how)
        check_with_twin(np.arange(3000) % 17, numbers(dtype, 3000, few=few), how)


def test_zeros_are_one_key_and_nans_another() -> None:
    keys = np.array([np.nan, 0.0, -0.0, -np.nan, 1.0])
    found, results = groupby(keys, [1, 2, 3, 4, 5])
    assert found.tolist()[:2] == [0.0, 1.0]
    assert math.copysign(1, found[0]) == 1
    assert math.isnan(found[2])
    assert results.tolist() == [5, 5, 5]


def test_sums_lose_nothing_to_cancellation() -> None:
    values = np.tile([1e16, 1.0, -1e16], 1000)
    assert groupby(np.zeros(3000, int), values)[1].tolist() == [1000.0]


def test_of_nothing_is_nothing() -> None:
    found, results = groupby(np.array([], np.int8), np.array([], np.float32), "mean")
    assert same(found, np.array([], np.int8))
    assert same(results, np.array([], np.float32))


def test_may_be_read_only_and_strided() -> None:
    keys, values = np.arange(20_000)[::-2] % 9, np.arange(20_000.0).reshape(-1, 2)[:, 1]
    keys.flags.writeable = values.flags.writeable = False
    check_with_twin(keys, values, "sum", threads=2)


def test_results_outlive_the_call() -> None:
    for n in (10, 100_000):
        found, results = groupby(np.arange(n), np.ones(n))
        found += 1
        results += 1
        assert results.sum() == 2 * n
        assert found.flags.owndata or found.base is not None


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="same length, not 3 and 2"):
        groupby([1, 2, 3], [1, 2])
    for keys, values in (([[1]], [1]), ([1], [[1]]), (1, [1])):
        with pytest.raises(ValueError, match="one-dimensional"):
            groupby(keys, values)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"how must be 'sum', .* not 'median'"):
        groupby([1], [1], "median")  # type: ignore[arg-type]
    for how in (None, 3):
        with pytest.raises(TypeError, match="how must be 'sum'"):
            groupby([1], [1], how)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"groupby .*dtype complex128.*float64"):
        groupby([1j], [1])
    with pytest.raises(TypeError, match="byte-swapped"):
        groupby([1], np.zeros(1, ">f8"))
    with pytest.raises(TypeError, match="masked"):
        groupby(np.ma.masked_equal([1, 2], 1), [1, 2])
