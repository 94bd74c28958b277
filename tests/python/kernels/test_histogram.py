# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.histogram against its twin and against numpy.histogram, exactly."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nativeconc import kernels, reference

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES = ["float32", "float64", *INTEGERS]
THREADS = [1, 2, 3, 8, 64]


def numbers(dtype: str, n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    random = np.random.default_rng([n, seed])
    if dtype.startswith("float"):
        return random.standard_normal(n).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, n, dtype=dtype, endpoint=True)


def same(ours: Any, theirs: Any) -> bool:
    """Equal to the last bit, and of one dtype. Which zero an edge is, is a matter of chance."""
    return all(
        x.dtype == y.dtype and x.shape == y.shape and (x + 0).tobytes() == (y + 0).tobytes()
        for x, y in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 7, 1023, 1025, 300_000])
@pytest.mark.parametrize("bins", [1, 10, 1000, 70_000])
def test_counts_as_numpy_does_for_any_threads(dtype: str, n: int, bins: int) -> None:
    a = numbers(dtype, n)
    try:
        expected = np.histogram(a, bins)
    except ValueError:  # too many bins for the range
        with pytest.raises(ValueError, match="Too many bins"):
            kernels.histogram(a, bins)
        return
    for threads in THREADS:
        assert same(kernels.histogram(a, bins, threads=threads, gil="release"), expected)
    assert same(kernels.histogram(a, bins, gil="hold"), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "limits",
    [
        (0, 1),
        (0.25, 0.75),
        (-1.5, 300.5),
        (-3, 7),
        (np.float64(0.1), np.float64(0.7)),
        (np.float32(0.1), np.float32(0.7)),
        (5, 5),
        (0, 2**62),
        (-(2.0**62), 2.0**63),
    ],
)
def test_takes_ranges_as_numpy_does(dtype: str, limits: Any) -> None:
    a = numbers(dtype, 5000)
    if not dtype.startswith("float"):
        a = np.concatenate([a, np.arange(100).astype(dtype)])
    for bins in (1, 9, 100):
        assert same(kernels.histogram(a, bins, limits), np.histogram(a, bins, limits))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elements_on_the_edges_and_beside_them(dtype: str) -> None:
    for bins, low, high in ((10, 0.0, 1.0), (100, -0.1, 0.3), (7, 1e-3, 1e9), (49, 0.0, 49.0)):
        edges = np.histogram_bin_edges(np.empty(0, dtype), bins, (low, high)).astype(dtype)
        around = [np.nextafter(edges, side) for side in edges.dtype.type((-np.inf, np.inf))]
        a = np.concatenate([edges, *around])
        assert same(kernels.histogram(a, bins, (low, high)), np.histogram(a, bins, (low, high)))
        assert same(kernels.histogram(a, edges), np.histogram(a, edges))


def test_neighbours_of_one_number() -> None:
    for base in (1.0, 1e15, -3e-300, 2.0**52):
        a = np.float64(base) + np.spacing(base) * np.arange(200)
        for bins in (3, 10, 199):
            assert same(kernels.histogram(a, bins), np.histogram(a, bins))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("edge_dtype", ["float32", "float64", "int64", "uint64", "int8"])
def test_uneven_edges(dtype: str, edge_dtype: str) -> None:
    a = numbers(dtype, 20_000)
    for n in (1, 2, 3, 9, 200):
        edges = np.sort(numbers(edge_dtype, n, seed=1))
        for threads in (1, 3):
            assert same(kernels.histogram(a, edges, threads=threads), np.histogram(a, edges))


def test_uneven_edges_of_special_values() -> None:
    inf, nan = np.inf, np.nan
    a = np.array([-inf, -1.0, -0.0, 0.0, 1.0, 1.0, 2.0, 5.0, inf, nan, nan])
    for edges in (
        [-inf, 0, inf],
        [0, 0, 1, 1, 1, 2],
        [1, 1],
        [0, 1, nan],
        [0, nan, nan],
        [nan, nan],
        [0],
        [nan],
        [],
        [5, inf, inf],
    ):
        for threads in (1, 2):
            ours = kernels.histogram(a, edges, threads=threads)
            assert same(ours, np.histogram(a, edges)), edges
    limits = np.iinfo(np.int64)
    b = np.array([limits.min, -1, 0, limits.max, limits.max])
    for whole in ([limits.min, 0, limits.max], [0, limits.max], [limits.max] * 3, [limits.min]):
        assert same(kernels.histogram(b, np.array(whole)), np.histogram(b, np.array(whole)))


@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_weights_in_even_bins_have_numpys_bits(dtype: str) -> None:
    a = numbers("float64", 200_001)
    w = numbers(dtype, a.size, 1) if dtype != "bool" else numbers("int8", a.size, 1) > 100
    # Where NumPy's float sums of a block do not fit the integers, its result is undefined.
    if w.dtype.kind in "iu":
        w = w % 2 if w.itemsize < 4 else w // 2**20
    for bins in (1, 10, 2000) if w.itemsize >= 4 or dtype == "bool" else (2000,):
        expected = np.histogram(a, bins, weights=w)
        for threads in THREADS:
            assert same(kernels.histogram(a, bins, weights=w, threads=threads), expected)
        assert same(
            kernels.histogram(a, bins, (-1, 1), weights=w),
            np.histogram(a, bins, (-1, 1), weights=w),
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_in_uneven_bins(dtype: str) -> None:
    a = numbers("float64", 200_001)
    w = numbers(dtype, a.size, 1)
    edges = np.sort(numbers("float64", 50, 2))
    ours = kernels.histogram(a, edges, weights=w)
    expected = np.histogram(a, edges, weights=w)
    if dtype.startswith("float"):
        assert ours[0].dtype == w.dtype
        tolerance = 1e-9 if dtype == "float64" else 1.0  # NumPy's: differences of running sums
        np.testing.assert_allclose(ours[0], expected[0], atol=tolerance)
        exact = [
            float(w[(a >= low) & (a < high)].astype(float).sum())
            for low, high in itertools.pairwise(edges)
        ]
        np.testing.assert_allclose(ours[0], exact, rtol=1e-6, atol=1e-9)
    else:
        assert same(ours, expected)
    for threads in THREADS:
        assert same(kernels.histogram(a, edges, weights=w, threads=threads), ours)


@given(
    st.lists(st.floats(-4, 4, width=32), max_size=60),
    st.one_of(st.integers(1, 12), st.lists(st.floats(-4, 4), min_size=1, max_size=8).map(sorted)),
    st.sampled_from([None, (-1.0, 1.0), (0.1, 0.7), (2.0, 2.0)]),
    st.sampled_from(["float64", "float32"]),
)
def test_equals_the_twin(values: list[float], bins: Any, limits: Any, dtype: str) -> None:
    try:
        expected, edges = reference.histogram(values, bins, limits, dtype=dtype)
    except ValueError:
        with pytest.raises(ValueError, match="bins"):
            kernels.histogram(np.array(values, dtype), bins, limits)
        return
    a = np.array(values, dtype)
    for threads in (1, 2):
        ours = kernels.histogram(a, bins, limits, threads=threads)
        assert ours[0].tolist() == expected
        assert ours[1].tolist() == edges
        assert same(ours, np.histogram(a, bins, limits))


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.floats(-1e6, 1e6)), max_size=50),
    st.sampled_from([1, 4, [-5, 0, 0, 3]]),
    st.booleans(),
)
def test_equals_the_twin_with_weights(pairs: list[Any], bins: Any, whole: bool) -> None:
    values = [x for x, _ in pairs]
    weights = [int(w) if whole else w for _, w in pairs]
    a, w = np.array(values, np.int64), np.array(weights, np.int64 if whole else np.float64)
    expected, edges = reference.histogram(values, bins, weights=weights, dtype="int64")
    ours = kernels.histogram(a, bins, weights=w)
    assert ours[0].tolist() == expected
    assert ours[1].tolist() == edges


@given(
    npst.arrays(
        np.float64,
        npst.array_shapes(min_dims=0, max_dims=3, min_side=0),
        elements=st.floats(-1e300, 1e300),
    ),
    st.booleans(),
    st.integers(1, 5),
)
def test_takes_any_layout(a: np.ndarray[Any, Any], fortran: bool, bins: int) -> None:
    if fortran:
        a = np.asfortranarray(a)
    if a.ndim:
        a = a[::-2].T
    a.flags.writeable = False
    w = np.arange(a.size, dtype=np.float64).reshape(a.shape)
    try:
        expected = np.histogram(a, bins, weights=w)
    except ValueError:
        with pytest.raises(ValueError, match="finite-sized bins"):
            kernels.histogram(a, bins)
        return
    assert same(kernels.histogram(a, bins), np.histogram(a, bins))
    assert same(kernels.histogram(a, bins, weights=w), expected)


@pytest.mark.parametrize("estimator", ["auto", "fd", "doane", "scott", "stone", "rice", "sturges"])
def test_takes_numpys_estimators(estimator: str) -> None:
    for dtype in ("float64", "float32", "int16"):
        a = numbers(dtype, 3000)
        assert same(kernels.histogram(a, estimator), np.histogram(a, estimator))
    limits = (-0.5, 1.0)
    b = numbers("float64", 3000)
    assert same(kernels.histogram(b, estimator, limits), np.histogram(b, estimator, limits))


def test_density() -> None:
    a, w = numbers("float64", 10_000), np.abs(numbers("float64", 10_000, 1))
    for bins in (10, [-1.0, 0.0, 0.5]):
        assert same(kernels.histogram(a, bins, density=True), np.histogram(a, bins, density=True))
    ours = kernels.histogram(a, 10, None, True, w)
    assert same(ours, np.histogram(a, 10, None, True, w))


def test_takes_what_asarray_takes() -> None:
    for a in ([1, 2, 1], [[1, 2], [1, 0]], 3, [], [0.5], np.float32(2)):
        assert same(kernels.histogram(a), np.histogram(a))
    assert same(kernels.histogram([1, 2, 1], [0, 1, 2, 3]), np.histogram([1, 2, 1], [0, 1, 2, 3]))
    a = np.array([True, False, True])
    with pytest.warns(RuntimeWarning, match="Converting input from bool"):
        ours = kernels.histogram(a)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert same(ours, np.histogram(a))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([1.0, np.nan],), ValueError),
        (([1.0, np.inf],), ValueError),
        (([1.0], 0), ValueError),
        (([1.0], -3), ValueError),
        (([1.0], 2.5), TypeError),
        (([1.0], None), TypeError),
        (([1.0], "nobody"), ValueError),
        (([1.0], [[1, 2]]), ValueError),
        (([1.0], [2, 1]), ValueError),
        (([1.0], 3, (1, 0)), ValueError),
        (([1.0], 3, (0, np.inf)), ValueError),
        (([1.0], 3, (np.nan, 1)), ValueError),
        (([1.0], 3, None, None, [1.0, 2.0]), ValueError),
        (([1.0], "auto", None, None, [1.0]), TypeError),
    ],
)
def test_raises_what_numpy_raises(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as theirs:
        np.histogram(*arguments)
    with pytest.raises(error) as ours:
        kernels.histogram(*arguments)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "complex128", "object"])
def test_refuses_other_dtypes_and_lists_its_own(dtype: str) -> None:
    for bins in (3, [0, 1]):
        with pytest.raises(TypeError, match=r"histogram has no native path.*float32"):
            kernels.histogram(np.zeros(3, dtype), bins)
    with pytest.raises(TypeError, match=r"histogram has no native path.*int8"):
        kernels.histogram(np.zeros(3), weights=np.zeros(3, dtype))
    with pytest.raises(TypeError, match="histogram has no native path for edges"):
        kernels.histogram(np.zeros(3), np.array([0, 1], "longdouble"))


def test_refuses_what_it_cannot_do() -> None:
    with pytest.raises(TypeError, match="byte-swapped"):
        kernels.histogram(np.zeros(3, ">f8"))
    with pytest.raises(TypeError, match="masked"):
        kernels.histogram(np.ma.masked_equal([1.0, 2.0], 1.0))
    with pytest.raises(ValueError, match="NaN is larger"):
        kernels.histogram([1.0], [0.0, np.nan, 1.0])
    with pytest.raises(TypeError, match="bool"):
        kernels.histogram([1.0], [0.0, 1.0], weights=[True])


def test_negative_subnormal_numbers() -> None:
    a, limits = np.array([-0.9e-308]), (-1e-308, -2e-313)
    ours, expected = kernels.histogram(a, 2, limits), np.histogram(a, 2, limits)
    np.testing.assert_array_equal(ours[0], expected[0])
    np.testing.assert_array_equal(ours[1], expected[1])
