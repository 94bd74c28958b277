# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""where=, mean=, dtype=, initial= and out= of the reductions, against NumPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nativeconc import kernels

SUMS = ["sum", "nansum"]
MEANS = ["mean", "nanmean"]
SPREADS = ["var", "std", "nanvar", "nanstd"]
EXTREMES = ["min", "max", "nanmin", "nanmax"]
ALL = SUMS + MEANS + SPREADS + EXTREMES
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
DTYPES = ["bool", *INTEGERS, *FLOATS]
THREADS = [1, 2, 3, 8, 64]

every_reduction = pytest.mark.parametrize("name", ALL)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def quietly(function: Any, *args: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(*args, **kwargs)


def on_both(name: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Ours and NumPy's answer: values, or the type of the error."""
    answers = []
    for module in (kernels, np):
        try:
            answers.append(quietly(getattr(module, name), *args, **kwargs))
        except Exception as error:
            answers.append(error)
    return answers[0], answers[1]


def assert_same(name: str, *args: Any, **kwargs: Any) -> None:
    ours, theirs = on_both(name, *args, **kwargs)
    if isinstance(theirs, Exception):
        # NumPy's own kinds of TypeError tell about ufuncs.
        assert isinstance(ours, TypeError if isinstance(theirs, TypeError) else type(theirs))
        return
    if isinstance(ours, Exception):
        raise ours
    assert type(ours) is type(theirs)
    assert ours.dtype == theirs.dtype
    if ours.dtype.kind == "f":
        single = ours.dtype == np.float32 or np.asarray(args[0]).dtype == np.float32
        tolerance = 1e-4 if single else 1e-10
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(ours, theirs)


@st.composite
def masked_cases(draw: st.DrawFn) -> dict[str, Any]:
    """An array of small numbers, an axis, and a mask of that shape or one that broadcasts to it."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
    numbers = st.integers(0, 1) if dtype.kind == "b" else st.integers(0, 9)
    if dtype.kind == "f":
        numbers = st.one_of(st.sampled_from([np.nan, np.inf, -0.0]), st.integers(-9, 9))
    flat = draw(st.lists(numbers, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    a = np.array(flat, dtype).reshape(shape).transpose(draw(st.permutations(range(len(shape)))))
    mask_shape = [1 if draw(st.booleans()) else n for n in a.shape]
    mask = draw(npst.arrays(np.bool_, tuple(mask_shape[draw(st.integers(0, len(shape))) :])))
    axis = draw(st.sampled_from([None, *range(a.ndim), tuple(range(a.ndim))]))
    return {"a": a, "axis": axis, "where": mask, "keepdims": draw(st.booleans())}


@every_reduction
@given(case=masked_cases())
def test_where_agrees_with_numpy(name: str, case: dict[str, Any]) -> None:
    a = case.pop("a")
    if name in EXTREMES:
        case["initial"] = 5
    assert_same(name, a, **case)


@every_reduction
@given(case=masked_cases())
def test_where_looks_at_nothing_else(name: str, case: dict[str, Any]) -> None:
    a = case.pop("a")
    if name in EXTREMES:
        case["initial"] = 1
    elsewhere = a.copy("K")
    other = a.dtype.type(np.nan if a.dtype.kind == "f" else 1)
    np.copyto(elsewhere, other, where=~case["where"])
    ours = quietly(getattr(kernels, name), a, **case)
    np.testing.assert_array_equal(ours, quietly(getattr(kernels, name), elsewhere, **case))


@every_reduction
def test_where_that_leaves_all_changes_nothing(name: str) -> None:
    a = np.random.default_rng(1).standard_normal((40, 300))
    keywords = {"initial": 0.0} if name in EXTREMES else {}
    for axis in (None, 0, 1):
        plain = getattr(kernels, name)(a, axis, **keywords)
        found = getattr(kernels, name)(a, axis, where=np.ones(300, bool), **keywords)
        np.testing.assert_array_equal(found, plain)


@every_reduction
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_threads_and_layout_change_no_bit(name: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    a = (rng.standard_normal((700, 330)) * 100).astype(dtype)
    keywords: dict[str, Any] = {"where": rng.random((700, 330)) < 0.7}
    if name in EXTREMES:
        keywords["initial"] = 3
    if name in SPREADS:
        keywords["mean"] = np.float64(0.25)
    for axis in (None, 0, 1):
        expected = getattr(kernels, name)(a, axis, **keywords, threads=1)
        for threads in THREADS:
            found = getattr(kernels, name)(a, axis, **keywords, threads=threads, gil="release")
            assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
        wide = np.zeros((1400, 990), dtype)
        wide[::2, ::3] = a
        spread_out = getattr(kernels, name)(wide[::2, ::3], axis, **keywords, gil="hold")
        assert np.asarray(spread_out).tobytes() == np.asarray(expected).tobytes()


@every_reduction
def test_where_that_does_not_fit(name: str) -> None:
    kernel, a = getattr(kernels, name), np.ones((3, 4))
    keywords = {"initial": 0} if name in EXTREMES else {}
    with pytest.raises(ValueError, match=r"where must broadcast to the array's shape, \(3, 4\)"):
        kernel(a, where=np.ones(3, bool), **keywords)
    with pytest.raises(ValueError, match="where must broadcast"):
        kernel(a, where=np.ones((2, 3, 4), bool), **keywords)
    with pytest.raises(TypeError, match="an array of bool, not of int64"):
        kernel(a, where=np.ones(4, np.int64), **keywords)
    with pytest.raises(TypeError, match="no native path for dtype complex128"):
        kernel(a.astype(complex), where=[True, False, True, False], **keywords)


@pytest.mark.parametrize("name", EXTREMES)
def test_where_of_extremes_needs_an_initial(name: str) -> None:
    with pytest.raises(ValueError, match="does not have an identity, so to use a where mask"):
        getattr(kernels, name)(np.ones(3), where=[True, False, True])


@pytest.mark.parametrize("name", ["nanmin", "nanmax"])
def test_initial_stands_in_for_nan_without_a_warning(name: str) -> None:
    assert getattr(kernels, name)(np.array([np.nan]), initial=2.0) == 2.0
    with pytest.warns(RuntimeWarning, match="All-NaN slice encountered"):
        assert np.isnan(getattr(kernels, name)(np.array([np.nan]), initial=np.nan))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mean", "Mean of empty slice"),
        ("nanmean", "Mean of empty slice"),
        ("var", "Degrees of freedom <= 0 for slice$"),
        ("nanvar", r"Degrees of freedom <= 0 for slice\.$"),
        ("std", "Degrees of freedom <= 0 for slice$"),
        ("nanstd", r"Degrees of freedom <= 0 for slice\.$"),
    ],
)
def test_nothing_left_gives_nan_and_one_warning(name: str, message: str) -> None:
    with pytest.warns(RuntimeWarning, match=message) as caught:
        found = getattr(kernels, name)(np.ones((2, 2)), 1, where=[[True], [False]])
    np.testing.assert_array_equal(np.isnan(found), [False, True])
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", SUMS + MEANS + SPREADS)
@every_dtype
@pytest.mark.parametrize("masked", [False, True])
def test_dtype_agrees_with_numpy(name: str, dtype: str, masked: bool) -> None:
    rng = np.random.default_rng(3)
    for target in DTYPES:
        a = rng.integers(0, 2 if dtype == "bool" else 11, (6, 5)).astype(dtype)
        if dtype in FLOATS and target in FLOATS:
            a += rng.random((6, 5)).astype(dtype)
            a[1, 2] = np.nan
        where = rng.random((6, 5)) < 0.8 if masked else True
        # Of several variances in an integer type NumPy takes no root: it is an error there.
        for axis in (None,) if "std" in name and target not in FLOATS else (None, 0, 1):
            assert_same(name, a, axis=axis, dtype=target, where=where)


@pytest.mark.parametrize("name", SUMS)
def test_integers_wrap_around_in_the_dtype(name: str) -> None:
    a = np.arange(250, dtype=np.int64) * 12345678901234567
    for target in INTEGERS:
        assert_same(name, a, dtype=target)
        assert_same(name, a, dtype=target, initial=7)


def test_double_precision_is_used_for_single() -> None:
    a = np.full(100_000, 0.1, np.float32)
    exact = float(a[0])
    assert kernels.mean(a, dtype=np.float64) == pytest.approx(exact, rel=1e-14)
    assert kernels.sum(a, dtype=np.float64) == pytest.approx(exact * a.size, rel=1e-14)
    out = np.empty(())
    kernels.sum(a, out=out)
    assert out == pytest.approx(exact * a.size, rel=1e-14)
    # Adding up in single precision would lose every one of them.
    big = np.array([2.0**24] + [1.0] * 64)
    assert kernels.sum(big, dtype=np.float32) == np.float32(2.0**24 + 64)


def test_too_large_for_single_is_infinite() -> None:
    assert kernels.sum([1e300], dtype=np.float32) == np.inf


@pytest.mark.parametrize("name", SUMS + MEANS + SPREADS)
@pytest.mark.parametrize("target", ["complex128", "float16", ">f8", "O", "U1"])
def test_a_dtype_without_a_native_path_is_refused(name: str, target: str) -> None:
    with pytest.raises(TypeError, match=r"has no native path for dtype=|must be inexact"):
        getattr(kernels, name)(np.ones(3), dtype=target)


@pytest.mark.parametrize("name", ["nanmean", "nanvar", "nanstd"])
def test_nan_forms_refuse_integers_for_floats(name: str) -> None:
    with pytest.raises(TypeError, match="If a is inexact, then dtype must be inexact"):
        getattr(kernels, name)(np.ones(3), dtype=np.int64)
    with pytest.raises(TypeError, match="If a is inexact, then out must be inexact"):
        getattr(kernels, name)(np.ones(3), out=np.zeros((), np.int64))


@pytest.mark.parametrize("name", SUMS + MEANS + SPREADS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "bool"])
@pytest.mark.parametrize("out", DTYPES)
def test_out_of_another_dtype_agrees_with_numpy(name: str, dtype: str, out: str) -> None:
    a = np.array([[1, 0, 1], [1, 1, 1]], dtype)
    results = []
    for module in (kernels, np):
        target = np.zeros(2, out)
        try:
            assert quietly(getattr(module, name), a, axis=1, out=target) is target
        except TypeError:
            # NumPy converts some to whatever it is given; here it must be of the same kind.
            assert out not in FLOATS
            return
        results.append(target)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


@pytest.mark.parametrize("name", SPREADS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_a_known_mean_is_used(name: str, dtype: str) -> None:
    a = (np.random.default_rng(4).random((4, 5, 6)) * 8).astype(dtype)
    for axis in (None, 0, 1, (0, 2)):
        mean = np.mean(a, axis=axis, keepdims=True)
        ours = getattr(kernels, name)(a, axis, mean=mean)
        plain = getattr(kernels, name)(a, axis)
        np.testing.assert_allclose(ours, plain, rtol=1e-5 if dtype == "float32" else 1e-12)
        assert_same(name, a, axis=axis, mean=mean + 1, ddof=1)
        assert_same(name, a, axis=axis, mean=0.5, keepdims=True, where=a > 0)


@pytest.mark.parametrize("name", SPREADS)
def test_a_mean_that_does_not_fit(name: str) -> None:
    kernel, a = getattr(kernels, name), np.ones((3, 4))
    with pytest.raises(ValueError, match=r"mean must broadcast to the array's shape, \(3, 4\)"):
        kernel(a, 1, mean=np.ones(3))
    with pytest.raises(TypeError, match="takes no mean of complex128"):
        kernel(a, mean=1j)


@pytest.mark.parametrize("name", EXTREMES)
@given(case=masked_cases(), initial=st.integers(0, 9))
def test_initial_agrees_with_numpy(name: str, case: dict[str, Any], initial: int) -> None:
    a = case.pop("a")
    del case["where"]
    assert_same(name, a, initial=initial, **case)
