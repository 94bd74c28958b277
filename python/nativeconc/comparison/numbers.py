# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Numbers as people read them, in at most a few digits."""

from __future__ import annotations

__all__ = ["milliseconds", "per_unit", "times", "word"]

_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def milliseconds(seconds: float) -> str:
    """A duration in milliseconds, without the unit: "<0.01", "0.08", "4.7", "132"."""
    ms = seconds * 1e3
    if ms < 0.005:
        return "<0.01"
    if ms < 0.995:
        return f"{ms:.2f}"
    return f"{ms:.1f}" if ms < 99.95 else f"{ms:,.0f}"


def times(factor: float) -> str:
    """A factor: "0.97x", "14.3x", "1,240x"."""
    if factor < 9.995:
        return f"{factor:.2f}x"
    return f"{factor:.1f}x" if factor < 99.95 else f"{factor:,.0f}x"


def per_unit(ns: float) -> str:
    """The time of one unit of work: "0.61 ns", "39.2 us", "1.20 s"."""
    value = ns
    for unit in ("ns", "us", "ms"):
        if value < 999.5:
            return f"{_three_digits(value)} {unit}"
        value /= 1000
    return f"{_three_digits(value)} s"


def word(number: int) -> str:
    """A small number in words, a larger one in digits."""
    return _WORDS[number] if number < len(_WORDS) else str(number)


def _three_digits(value: float) -> str:
    if value < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"
