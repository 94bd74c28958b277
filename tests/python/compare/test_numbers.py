# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import pytest

from nativeconc.comparison.numbers import milliseconds, per_unit, times, word


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "<0.01"),
        (0.000004, "<0.01"),
        (0.00008, "0.08"),
        (0.0047, "4.7"),
        (0.0999, "99.9"),
        (0.132, "132"),
        (12.3456, "12,346"),
    ],
)
def test_milliseconds(seconds, text) -> None:
    assert milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("factor", "text"), [(0.97, "0.97x"), (1.9, "1.90x"), (14.31, "14.3x"), (1240.0, "1,240x")]
)
def test_factors(factor, text) -> None:
    assert times(factor) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0.61, "0.61 ns"),
        (39_200.0, "39.2 us"),
        (5e6, "5.00 ms"),
        (1.2e9, "1.20 s"),
        (999.9, "1.00 us"),
    ],
)
def test_times_of_a_unit(ns, text) -> None:
    assert per_unit(ns) == text


def test_small_numbers_are_words() -> None:
    assert word(2) == "two"
    assert word(64) == "64"
