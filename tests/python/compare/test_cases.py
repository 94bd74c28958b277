# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every way of a case does the same job: at a small size they agree."""

from __future__ import annotations

import numpy as np
import pytest

from nativeconc import kernels, reference
from nativeconc.comparison.cases import CASES
from nativeconc.comparison.cases.count_primes import numpy_count_primes
from nativeconc.comparison.cases.mandelbrot import numpy_mandelbrot
from nativeconc.comparison.cases.monte_carlo_pi import numpy_monte_carlo_pi
from nativeconc.comparison.ways import NATIVE_WAYS, Way


def results(case, way, units, n=3):
    return [call(2) for call in case.calls(way, case.inputs_for(way)(units, n))]


def parts(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("name", CASES)
def test_every_way_of_every_kernel_runs(name) -> None:
    case = CASES[name]
    units = case.rounded(case.smallest)
    for way in case.ways:
        assert 1 <= len(results(case, way, units)) <= 3
    assert set(case.ways) == set(Way) - {Way.CALLABLE}


@pytest.mark.parametrize("name", CASES)
def test_native_ways_agree_exactly(name) -> None:
    case = CASES[name]
    units = case.rounded(1000)
    one, *others = [results(case, way, units) for way in NATIVE_WAYS]
    for other in others:
        for a, b in zip(one, other, strict=True):
            for x, y in zip(parts(a), parts(b), strict=True):
                np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ["sum", "mandelbrot", "count_primes"])
def test_pure_python_agrees_with_native(name) -> None:
    case = CASES[name]
    units = case.rounded(1000)
    for ours, theirs in zip(
        results(case, Way.RELEASED, units), results(case, Way.PYTHON, units), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_numpy_ways_are_right() -> None:
    frame = ((-2.0, 0.5), (-1.25, 1.25), (31, 17), 50)
    np.testing.assert_array_equal(numpy_mandelbrot(*frame), reference.mandelbrot(*frame))
    for n in (0, 1, 2, 3, 4, 30, 1000, 7919):
        assert numpy_count_primes(n) == reference.count_primes(n)
    assert numpy_monte_carlo_pi(100_000, 1) == pytest.approx(np.pi, abs=0.05)


def test_every_kernel_has_a_case() -> None:
    assert {kernel.name for kernel in kernels.table()} == set(CASES)


def test_a_case_names_its_kernel_and_counts_in_its_unit() -> None:
    for name, case in CASES.items():
        assert case.name == name
        assert callable(getattr(kernels, name))
        assert case.title.format(units="9") != case.title
        assert case.unit
        assert case.numpy_way


def test_a_sum_reads_different_memory_in_different_calls() -> None:
    first, second = CASES["sum"].inputs(1 << 12, 2)
    assert not np.shares_memory(first[0], second[0])


def test_images_are_square() -> None:
    assert CASES["mandelbrot"].rounded(1000) == 31 * 31
