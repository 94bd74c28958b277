# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import math

import pytest

from nativeconc.comparison.spread import Spread


def test_spread_has_minimum_median_and_maximum() -> None:
    spread = Spread.of([3.0, 1.0, 2.0, 10.0])
    assert (spread.count, spread.min, spread.median, spread.max) == (4, 1.0, 2.5, 10.0)


def test_one_spoiled_sample_does_not_make_a_run_noisy() -> None:
    assert not Spread.of([1.0, 1.01, 1.02, 1.0, 9.0]).noisy


def test_samples_that_disagree_are_noisy() -> None:
    assert Spread.of([1.0, 1.3, 1.6, 0.9, 1.2]).noisy


def test_too_few_samples_cannot_show_their_spread() -> None:
    assert math.isnan(Spread.of([1.0]).relative)
    assert not Spread.of([1.0]).noisy
    assert not Spread.of([1.0, 5.0]).noisy


def test_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Spread.of([])
