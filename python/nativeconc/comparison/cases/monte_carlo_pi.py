# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""kernels.monte_carlo_pi against the pure-Python twin and NumPy's Philox generator."""

from __future__ import annotations

import numpy as np

from nativeconc import kernels, reference
from nativeconc.comparison.cases.base import Case
from nativeconc.comparison.ways import Way

__all__ = ["CASE", "numpy_monte_carlo_pi"]


def numpy_monte_carlo_pi(n: int, seed: int) -> float:
    """The estimate from `n` points drawn by NumPy's own Philox generator (other points)."""
    draw = np.random.Generator(np.random.Philox(seed))
    x, y = draw.random(n), draw.random(n)
    return 4.0 * int(np.count_nonzero(x * x + y * y < 1.0)) / n


def _seeds(units: int, n: int) -> list[tuple[int, int]]:
    return [(units, seed) for seed in range(n)]


CASE = Case(
    name="monte_carlo_pi",
    title="pi from {units} random points",
    unit="sample",
    functions={
        Way.PYTHON: reference.monte_carlo_pi,
        Way.NUMPY: numpy_monte_carlo_pi,
        Way.HELD: kernels.monte_carlo_pi,
        Way.RELEASED: kernels.monte_carlo_pi,
        Way.POOL: kernels.monte_carlo_pi,
    },
    inputs=_seeds,
    smallest=64,
    numpy_way="np.random.Philox, count x * x + y * y < 1",
)
