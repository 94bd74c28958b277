# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The reductions along axes: against their twins, bit for bit, and against NumPy."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nativeconc import kernels, reference

SUMS = ["sum", "nansum", "mean", "nanmean", "var", "nanvar", "std", "nanstd"]
EXTREMES = ["min", "max", "nanmin", "nanmax"]
ALL = SUMS + EXTREMES
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float32", "float64"]
THREADS = [1, 2, 3, 8, 64]

every_reduction = pytest.mark.parametrize("name", ALL)


def numbers(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype.startswith("float"):
        a = (rng.standard_normal(shape) * 10.0 ** rng.integers(-5, 6, shape)).astype(dtype)
        a[rng.random(shape) < 0.05] = np.nan
        return a
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def quietly(function: Any, *args: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(*args, **kwargs)


def same_bits(x: Any, y: Any) -> bool:
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    if x.dtype.kind == "f":  # one NaN is as good as another
        x, y = np.where(x != x, np.nan, x), np.where(y != y, np.nan, y)
    return x.tobytes() == y.tobytes()


def twin(name: str, a: np.ndarray[Any, Any], axis: int) -> np.ndarray[Any, Any]:
    """The twin's answer for each line, in the dtype that the kernel is to give."""
    lines = np.moveaxis(a, axis, -1)
    found = [getattr(reference, name)(line.tolist()) for line in lines.reshape(-1, lines.shape[-1])]
    return np.array(found).astype(a.dtype).reshape(lines.shape[:-1])


@every_reduction
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(3, 1), (3, 31), (2, 33), (2, 700), (1300, 2), (700, 70), (40, 2100), (5, 6, 7)]
)
def test_equals_the_twin_along_every_axis(name: str, dtype: str, shape: tuple[int, ...]) -> None:
    a = numbers(dtype, shape)
    for axis in range(a.ndim):
        expected = quietly(twin, name, a, axis)
        assert same_bits(quietly(getattr(kernels, name), a, axis), expected)
        found = quietly(getattr(kernels, name), a.copy("F"), axis, threads=3, gil="release")
        assert same_bits(found, expected)


@every_reduction
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
@pytest.mark.parametrize("shape", [(300_001,), (2, 150_000), (150_000, 2), (9000, 33), (900, 330)])
def test_threads_change_no_bit(name: str, dtype: str, shape: tuple[int, ...]) -> None:
    a = numbers(dtype, shape)
    kernel = getattr(kernels, name)
    for axis in (None, *range(a.ndim)):
        expected = quietly(kernel, a, axis, threads=1)
        for threads in THREADS:
            found = quietly(kernel, a, axis, threads=threads, gil="release")
            assert same_bits(found, expected)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], Any, bool]:
    """An array of any dtype, shape and layout, with axes to reduce."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=8))
    floats = {"min_value": -1000, "max_value": 1000, "allow_nan": False}
    elements = npst.from_dtype(dtype, **(floats if dtype.kind == "f" else {}))
    a = draw(npst.arrays(dtype, shape, elements=elements))
    if a.ndim > 0:
        index = draw(npst.basic_indices(a.shape, allow_newaxis=True, allow_ellipsis=False))
        a = np.asarray(a[index])
    a = a.transpose(draw(st.permutations(range(a.ndim))))
    axes = draw(st.sets(st.integers(0, a.ndim - 1))) if a.ndim else set()
    signs = [axis - a.ndim if draw(st.booleans()) else axis for axis in axes]
    axis = draw(st.sampled_from([None, tuple(signs), *signs[:1]]))
    return a, axis, draw(st.booleans())


@every_reduction
@given(case=layouts())
def test_agrees_with_numpy(name: str, case: tuple[np.ndarray[Any, Any], Any, bool]) -> None:
    a, axis, keepdims = case
    wide = a.astype(np.float64) if a.dtype == np.float32 else a
    try:
        expected = quietly(getattr(np, name), wide, axis=axis, keepdims=keepdims)
    except ValueError as error:
        with pytest.raises(type(error)):
            quietly(getattr(kernels, name), a, axis, keepdims=keepdims)
        return
    ours = quietly(getattr(kernels, name), a, axis, keepdims=keepdims)
    if name in SUMS and a.dtype.kind != "f" and "sum" not in name:
        assert ours.dtype == np.float64
    elif a.dtype != np.float32:
        assert ours.dtype == expected.dtype
    if name in EXTREMES or ("sum" in name and a.dtype.kind != "f"):
        np.testing.assert_array_equal(ours, expected)
    else:
        single = a.dtype == np.float32
        scale = 1e6 if "var" in name or "std" in name else 1e3
        if a.dtype.kind in "iu":
            scale = float(np.iinfo(a.dtype).max) ** (2 if "var" in name else 1)
        np.testing.assert_allclose(
            ours, expected, rtol=1e-6 if single else 1e-12, atol=scale * (1e-6 if single else 1e-13)
        )


@every_reduction
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_has_numpys_result_type(name: str, dtype: str) -> None:
    a = np.ones((3, 4), dtype)
    for axis in (None, 0, 1):
        ours, theirs = getattr(kernels, name)(a, axis), getattr(np, name)(a, axis)
        assert type(ours) is type(theirs)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_long_float32_mean_is_right() -> None:
    a = np.ones((2_000_000, 2), np.float32) * np.float32(0.1)
    np.testing.assert_array_equal(kernels.mean(a, 0), np.float32([0.1, 0.1]))


@every_reduction
def test_out_keepdims_and_lists(name: str) -> None:
    kernel = getattr(kernels, name)
    a = np.arange(12.0).reshape(3, 4)
    expected = getattr(np, name)(a, axis=0)
    out = np.empty(4)
    assert kernel(a, 0, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert kernel(a.tolist(), 1, keepdims=True).shape == (3, 1)
    overlapping = a[0]
    np.testing.assert_array_equal(kernel(a.copy(), 0), expected)
    kernel(a, 0, out=overlapping)
    np.testing.assert_array_equal(overlapping, expected)


@every_reduction
def test_refuses_what_it_cannot_do(name: str) -> None:
    kernel = getattr(kernels, name)
    a = np.ones((3, 4))
    with pytest.raises(np.exceptions.AxisError):
        kernel(a, 2)
    with pytest.raises(np.exceptions.AxisError):
        kernel(a, (0, -3))
    with pytest.raises(ValueError, match="duplicate value in 'axis'"):
        kernel(a, (1, -1))
    with pytest.raises(TypeError, match="axis must be None, an int or a tuple"):
        kernel(a, 1.0)
    with pytest.raises(ValueError, match="out must have the shape"):
        kernel(a, 0, out=np.empty(3))
    with pytest.raises(TypeError, match=r"out must be a numpy\.ndarray, not list"):
        kernel(a, 0, out=[0.0] * 4)
    with pytest.raises(TypeError, match="masked"):
        kernel(np.ma.masked_equal([1.0, 2.0], 1.0))
    with pytest.raises(TypeError, match="byte-swapped"):
        kernel(a.astype(a.dtype.newbyteorder()))
    with pytest.raises(TypeError, match="no native path"):
        kernel(a.astype(np.complex128))


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_of_nothing_need_an_initial(name: str) -> None:
    kernel = getattr(kernels, name)
    with pytest.raises(ValueError, match="zero-size array to reduction operation"):
        kernel(np.empty((0, 3)), 0)
    assert kernel(np.empty((0, 3)), 1).shape == (0,)
    np.testing.assert_array_equal(kernel(np.empty((0, 2)), 0, initial=5.0), [5.0, 5.0])
    for initial in (-1.0, 1.5, 9.0):
        expected = getattr(np, name)([1.0, 2.0], initial=initial)
        assert kernel([1.0, 2.0], initial=initial) == expected


def test_initial_is_added_to_a_sum() -> None:
    assert kernels.sum([1.0, 2.0], initial=10) == 13.0
    assert kernels.nansum([1.0, np.nan], initial=10) == 11.0
    with pytest.raises(ValueError, match="initial must be one number"):
        kernels.sum([1.0], initial=[1.0, 2.0])


@pytest.mark.parametrize(
    ("name", "a", "message"),
    [
        ("mean", [], "Mean of empty slice"),
        ("nanmean", [np.nan], "Mean of empty slice"),
        ("var", [], "Degrees of freedom <= 0 for slice$"),
        ("nanstd", [np.nan], r"Degrees of freedom <= 0 for slice\.$"),
        ("nanmin", [np.nan], "All-NaN slice"),
        ("nanmax", [np.nan, np.nan], "All-NaN slice"),
    ],
)
def test_too_little_gives_nan_and_numpys_warning(name: str, a: list[float], message: str) -> None:
    with pytest.warns(RuntimeWarning, match=message) as caught:
        assert np.isnan(getattr(kernels, name)(np.array(a)))
    assert caught[0].filename == __file__  # it points at the caller


def test_ddof_and_its_other_name() -> None:
    a = np.arange(10.0)
    assert kernels.var(a, ddof=1) == np.var(a, ddof=1)
    assert kernels.std(a, correction=1) == np.std(a, ddof=1)
    assert kernels.var(a, ddof=0.5) == np.var(a, ddof=0.5)
    with pytest.raises(ValueError, match="ddof and correction can't be provided simultaneously"):
        kernels.var(a, ddof=1, correction=1)
    with pytest.warns(RuntimeWarning):
        assert kernels.var(a, ddof=10) == np.inf


def test_an_infinity_is_not_mistaken_for_a_nan() -> None:
    a = np.array([np.inf, 1.0, np.nan])
    assert kernels.nanmax(a) == np.inf
    assert kernels.nansum(a) == np.inf
    assert np.isnan(quietly(kernels.nanvar, a))
    assert kernels.nanmin(np.array([np.nan, np.inf])) == np.inf


def test_any_byte_but_zero_is_true() -> None:
    a = np.array([2, 3, 0], np.uint8).view(np.bool_)
    for name in ("sum", "mean", "var", "min", "max"):
        assert getattr(kernels, name)(a) == getattr(np, name)(np.array([True, True, False]))


@every_reduction
def test_a_thread_with_a_small_stack_is_enough(name: str) -> None:
    before = threading.stack_size(160 * 1024)
    try:
        for a in (
            numbers("float64", (600, 300)),
            numbers("int32", (64, 300)).T,
            numbers("float32", (2000, 9)),
        ):
            expected = quietly(getattr(kernels, name), a, 0)
            with ThreadPoolExecutor(1) as executor:
                found = executor.submit(quietly, getattr(kernels, name), a, 0, threads=1).result()
            assert same_bits(found, expected)
    finally:
        threading.stack_size(before)
