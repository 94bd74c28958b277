# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels that a comparison knows: one file a kernel, one line here."""

from __future__ import annotations

from nativeconc.comparison.cases import count_primes, mandelbrot, monte_carlo_pi
from nativeconc.comparison.cases import sum as sum_case
from nativeconc.comparison.cases.arrays import ARRAY_CASES
from nativeconc.comparison.cases.base import Call, Case, Inputs

__all__ = ["CASES", "SHOWN", "Call", "Case", "Inputs"]

# In the order in which they are shown: a limit by memory first, then by arithmetic.
CASES: dict[str, Case] = {
    case.name: case
    for case in (
        sum_case.CASE,
        mandelbrot.CASE,
        count_primes.CASE,
        monte_carlo_pi.CASE,
        *ARRAY_CASES,
    )
}

# What a comparison shows if it is not told what to compare.
SHOWN = ("sum", "mandelbrot", "count_primes", "monte_carlo_pi")
