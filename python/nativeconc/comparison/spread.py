# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Minimum, median and maximum of repeated measurements, and whether they agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

__all__ = ["NOISE_LIMIT", "Spread", "middle_range"]

# A middle half that spreads over more than this share of the median cannot tell 1.8 from 2.1.
NOISE_LIMIT = 0.15


@dataclass(frozen=True, slots=True)
class Spread:
    """How repeated measurements of one thing are distributed.

    Attributes:
        count: How many measurements there were.
        min: The smallest.
        median: The middle one.
        max: The largest.
        middle: The first and the third quartile: the middle half lies between them.
    """

    count: int
    min: float
    median: float
    max: float
    middle: tuple[float, float]

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Summarise `samples`, at least one.

        Raises:
            ValueError: There is no sample.
        """
        if not samples:
            raise ValueError("a spread needs at least one sample")
        return cls(len(samples), min(samples), median(samples), max(samples), middle_range(samples))

    @property
    def relative(self) -> float:
        """The width of the middle half over the median; nan with fewer than two samples."""
        if self.count < 2 or self.median == 0:
            return math.nan
        return (self.middle[1] - self.middle[0]) / self.median

    @property
    def noisy(self) -> bool:
        """Whether the samples disagree too much to conclude anything from their median.

        The middle half is looked at, so that one sample spoiled by something else on the machine
        does not condemn the others. One or two samples cannot show their spread: not noisy.
        """
        return self.count >= 3 and self.relative > NOISE_LIMIT


def middle_range(samples: Sequence[float]) -> tuple[float, float]:
    """The first and third quartile of `samples` (of one sample: twice that sample)."""
    if len(samples) < 2:
        return (samples[0], samples[0])
    first, _, third = quantiles(samples, n=4, method="inclusive")
    return (first, third)
