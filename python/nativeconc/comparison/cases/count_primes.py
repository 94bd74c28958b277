# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""kernels.count_primes against the pure-Python twin and a sieve in NumPy."""

from __future__ import annotations

import math

import numpy as np

from nativeconc import kernels, reference
from nativeconc.comparison.cases.base import Case
from nativeconc.comparison.ways import Way

__all__ = ["CASE", "numpy_count_primes"]


def numpy_count_primes(n: int) -> int:
    """How many primes are <= n: the sieve of Eratosthenes with one strided store a prime."""
    if n < 2:
        return 0
    prime = np.ones(n + 1, dtype=np.bool_)
    prime[:2] = False
    prime[4::2] = False
    for divisor in range(3, math.isqrt(n) + 1, 2):
        if prime[divisor]:
            prime[divisor * divisor :: 2 * divisor] = False
    return int(np.count_nonzero(prime))


def _limits(units: int, _n: int) -> list[tuple[int]]:
    return [(units,)]


CASE = Case(
    name="count_primes",
    title="primes up to {units}",
    unit="number",
    functions={
        Way.PYTHON: reference.count_primes,
        Way.NUMPY: numpy_count_primes,
        Way.HELD: kernels.count_primes,
        Way.RELEASED: kernels.count_primes,
        Way.POOL: kernels.count_primes,
    },
    inputs=_limits,
    smallest=10_000,
    numpy_way="sieve of booleans, sieve[p * p :: 2 * p] = False",
)
