# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's own tests of histogram and bincount, from the installed package, run on ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.lib.tests import test_function_base, test_histograms

from nativeconc import kernels

# Every case that is left out, and why. None of them is about a dtype that the kernels take.
EXCLUDED = {
    "weights of complex and Decimal numbers": ("test_exotic_weights",),
    "elements and edges that are dates": ("test_datetime",),
    "a byte-swapped array (its numbers follow below)": ("test_gh_23110",),
    "half and long double beside float32 and float64 (the pair that is ours follows below)": (
        "test_precision",
    ),
}


def adopted(suite: type, name: str, *owners: Any) -> type:
    """NumPy's test class, with our function in the place of NumPy's."""
    ours = getattr(kernels, name)

    @pytest.fixture(autouse=True)
    def substitute(_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for owner in owners:
            monkeypatch.setattr(owner, name, ours)

    left_out = {case: None for cases in EXCLUDED.values() for case in cases if hasattr(suite, case)}
    return type(suite.__name__, (suite,), {"substitute": substitute, **left_out})


TestHistogram = adopted(test_histograms.TestHistogram, "histogram", test_histograms, np)
TestHistogramOptimBinNums = adopted(
    test_histograms.TestHistogramOptimBinNums, "histogram", test_histograms, np
)
TestBincount = adopted(test_function_base.TestBincount, "bincount", np)


def test_precision_of_the_types_that_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_histograms, "histogram", kernels.histogram)
    test_histograms.TestHistogram().do_precision(np.single, np.double)


def test_negative_subnormal_numbers() -> None:
    a, limits = np.array([-0.9e-308]), (-1e-308, -2e-313)
    ours, expected = kernels.histogram(a, 2, limits), np.histogram(a, 2, limits)
    np.testing.assert_array_equal(ours[0], expected[0])
    np.testing.assert_array_equal(ours[1], expected[1])


def test_what_is_left_out_exists() -> None:
    suites = (
        test_histograms.TestHistogram,
        test_histograms.TestHistogramOptimBinNums,
        test_function_base.TestBincount,
    )
    for cases in EXCLUDED.values():
        for case in cases:
            assert any(hasattr(suite, case) for suite in suites), case
