# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.quantile against its twin and numpy.quantile, exactly."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference
from nativeconc.kernels._quantile_methods import METHODS
from ordering import DTYPES, THREADS, Array, arrays, numbers

quantile = kernels.quantile
EVERY = sorted(METHODS)
AS_THEY_ARE = ["closest_observation", "higher", "inverted_cdf", "lower", "nearest"]
PARTS = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1 / 3, 0.1]), st.floats(0, 1))


def same_numbers(x: Any, y: Any) -> bool:
    """Of one type and shape, and equal; a NaN is a NaN."""
    x, y = np.asarray(x), np.asarray(y)
    is_float = x.dtype.kind == "f"
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=is_float)


def quietly(function: Any, *args: Any, **options: Any) -> Any:
    """Infinite elements make warnings of both."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


def methods_for(a: Array) -> list[str]:
    return AS_THEY_ARE if a.dtype.kind == "b" else EVERY


def numpy_quantile(a: Array, *args: Any, **options: Any) -> Any:
    """NumPy's, in a type in which differences of elements do not wrap around."""
    if a.dtype.kind == "i" and a.dtype.itemsize < 8:
        wide = quietly(np.quantile, a.astype(np.int64), *args, **options)
        return wide.astype(a.dtype) if wide.dtype == np.int64 else wide
    return quietly(np.quantile, a, *args, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 100, 65_535, 65_536, 300_001, 1_100_000])
@pytest.mark.parametrize("few", [False, True])
def test_equals_numpy_for_any_threads(dtype: str, n: int, few: bool) -> None:
    a = numbers(dtype, n, few=few)
    if dtype == "int64":
        a >>= 2  # NumPy's differences would wrap around
    if few and dtype.startswith("float"):
        a = a[~np.isnan(a)]
    if a.size == 0:
        return
    method = "nearest" if dtype == "bool" else "linear"
    q = [0.0, 0.001, 0.5, 0.9, 1.0]
    expected = numpy_quantile(a, q, method=method)
    for threads in THREADS if n > 100 else [1]:
        ours = quietly(quantile, a, q, method=method, threads=threads, gil="release")
        assert same_numbers(ours, expected)
    one = quietly(quantile, a, 0.9, method=method, gil="hold")
    assert same_numbers(one, numpy_quantile(a, 0.9, method=method))
    assert type(one) is type(expected[3] if dtype != "float32" else np.float32(0))


@pytest.mark.parametrize("method", EVERY)
@given(arrays(min_dims=1), st.data(), st.booleans())
def test_equals_numpy_along_any_axes(
    method: str, a: Array, data: st.DataObject, keepdims: bool
) -> None:
    if method not in methods_for(a) or a.size == 0:
        return
    if a.dtype == np.int64:
        a = a >> 2
    q: Any = data.draw(st.one_of(PARTS, st.lists(PARTS, max_size=4).map(np.array)))
    axes = data.draw(st.lists(st.integers(0, a.ndim - 1), min_size=1, unique=True).map(tuple))
    for axis in (axes, axes[0] - a.ndim, None):
        options = {"axis": axis, "method": method, "keepdims": keepdims}
        expected = numpy_quantile(a, q, **options)
        assert same_numbers(quietly(quantile, a, q, threads=3, **options), expected)
        out = np.empty_like(expected)
        if out.ndim:
            assert quietly(quantile, a, q, out=out, **options) is out
            assert same_numbers(out, expected)


@pytest.mark.parametrize("method", EVERY)
@given(arrays(), PARTS)
def test_equals_the_twin(method: str, a: Array, q: float) -> None:
    if method not in methods_for(a) or a.size == 0 or a.dtype.kind in "iu":
        return
    expected = reference.quantile(a.ravel().tolist(), q, method, dtype=str(a.dtype))
    ours = quietly(quantile, a, q, method=method)
    assert np.array_equal(float(ours), expected, equal_nan=True)


def test_integers_far_apart_do_not_wrap_around() -> None:
    assert quantile(np.int8([-128, 127]), 0.5) == -0.5
    assert quantile(np.array([-(2**63), 2**63 - 1]), 0.25) == -(2.0**62)


@given(arrays(min_dims=1), st.data())
def test_weighted_ones_equal_numpys(a: Array, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, a.ndim - 1))
    q = np.array(data.draw(st.lists(PARTS, min_size=1, max_size=3)))
    if a.size == 0:
        return
    for shape in (a.shape, a.shape[axis : axis + 1]):
        weights = np.random.default_rng(a.size).integers(0, 3, shape).astype(float)
        lanes = np.moveaxis(np.broadcast_to(weights, shape), axis if shape == a.shape else 0, -1)
        if not lanes.any(-1).all():
            continue
        options = {"axis": axis, "method": "inverted_cdf", "weights": weights}
        expected = quietly(np.quantile, a, q, **options)
        assert same_numbers(quantile(a, q, **options), expected)


@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 4)), min_size=1, max_size=20), PARTS)
def test_a_weighted_one_equals_the_twin(pairs: list[tuple[float, int]], q: float) -> None:
    values, weights = map(list, zip(*pairs, strict=True))
    total = sum(weights)
    if total & (total - 1) or total == 0:
        return  # so that no share is rounded
    ours = quantile(values, q, method="inverted_cdf", weights=weights)
    assert ours == reference.quantile(values, q, "inverted_cdf", weights=weights)


def test_what_q_is_decides_the_type() -> None:
    single = np.float32([1, 2, 4])
    for q, dtype in ((0.3, "f4"), (np.float32(0.3), "f4"), (np.float64(0.3), "f8"), ([0.3], "f8")):
        assert quantile(single, q).dtype == np.quantile(single, q).dtype == dtype
    assert type(quantile([1, 2, 3], 1)) is np.int64
    assert quantile([1, 2, 3], [[0.5], [1.0]]).tolist() == [[2.0], [3.0]]
    assert quantile([1, 2, 3], []).shape == (0,)


def test_never_writes_to_its_input() -> None:
    a = numbers("float64", 100_000)
    before = a.copy()
    quantile(a, [0.1, 0.7], overwrite_input=True)
    a.flags.writeable = False
    quantile(a, 0.2)
    assert np.array_equal(a, before)


def test_a_nan_gives_a_nan() -> None:
    a = np.arange(12.0).reshape(3, 4)
    a[1, 2] = np.nan
    for method in EVERY:
        assert (
            np.isnan(quantile(a, [0.1, 0.9], 1, method=method)).tolist()
            == [[False, True, False]] * 2
        )
        assert np.isnan(quantile(a, 0.1, method=method))


def test_refuses_what_numpy_refuses() -> None:
    a = np.zeros((2, 3))
    for q in (-0.1, 1.1, np.nan, [0.5, 2]):
        with pytest.raises(ValueError, match=r"Quantiles must be in the range \[0, 1\]"):
            quantile(a, q)
    for q in ("x", None, 1j, [object()]):
        with pytest.raises(TypeError, match="q must be a real number"):
            quantile(a, q)
    with pytest.raises(ValueError, match="q must be a scalar or 1d"):
        quantile(a, [[[0.5]]])
    with pytest.raises(ValueError, match=r"'median' is not a valid method: use one of .*linear"):
        quantile(a, 0.5, method="median")
    with pytest.raises(TypeError, match="between two bools"):
        quantile([True, False], 0.5)
    for axis in (2, -3, (0, 2)):
        with pytest.raises(np.exceptions.AxisError):
            quantile(a, 0.5, axis)
    with pytest.raises(ValueError, match="twice"):
        quantile(a, 0.5, (0, 0))
    with pytest.raises(ValueError, match="shape"):
        quantile(a, 0.5, 0, np.zeros(5))
    with pytest.raises(TypeError, match="Cannot cast"):
        quantile(a, 0.5, 0, np.zeros(3, int))
    for empty in ([], np.zeros((0, 3))):
        with pytest.raises(IndexError, match="no elements"):
            quantile(empty, 0.5, 0)
    with pytest.raises(TypeError, match=r"quantile .*dtype complex128.*float64"):
        quantile([1j], 0.5)


def test_refuses_wrong_weights() -> None:
    a = np.arange(6.0).reshape(2, 3)
    weighted = {"method": "inverted_cdf"}
    with pytest.raises(ValueError, match=r"Only method 'inverted_cdf' supports weights"):
        quantile(a, 0.5, weights=a)
    with pytest.raises(TypeError, match="Axis must be specified"):
        quantile(a, 0.5, weights=[1, 1], **weighted)
    with pytest.raises(ValueError, match="Shape of weights must be consistent"):
        quantile(a, 0.5, 1, weights=[1, 1], **weighted)
    with pytest.raises(ValueError, match=r"non-negative"):
        quantile(a, 0.5, 1, weights=[1, -1, 1], **weighted)
    for bad in ([0, 0, 0], [1, np.nan, 1], [1, np.inf, 1]):
        with pytest.raises(ValueError, match=r"NaN, inf or were all zero"):
            quantile(a, 0.5, 1, weights=bad, **weighted)
    with pytest.raises(TypeError, match="weights must be real"):
        quantile(a, 0.5, 1, weights=["a", "b", "c"], **weighted)
