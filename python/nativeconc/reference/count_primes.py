# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Counting primes in plain Python: the specification of `nativeconc.kernels.count_primes`."""

import math

_SEGMENT = 1 << 16


def count_primes(n: int) -> int:
    """Counts the primes up to and including `n`.

    Args:
        n: At least 0.

    Returns:
        How many primes p there are with p <= n.

    Raises:
        ValueError: `n` is negative.

    A sieve of Eratosthenes in segments, so that memory grows with the square root of `n` only (Bays
    and Hudson, "The segmented sieve of Eratosthenes", BIT 17, 1977).
    """
    if n < 0:
        raise ValueError(f"n must be at least 0, not {n}")
    if n < 2:
        return 0
    primes = _primes_up_to(math.isqrt(n))
    count = 0
    for low in range(2, n + 1, _SEGMENT):
        high = min(low + _SEGMENT, n + 1)
        is_prime = bytearray(b"\x01") * (high - low)
        for p in primes:
            first = max(p * p, -(-low // p) * p)  # smaller multiples have a smaller factor
            if first < high:
                is_prime[first - low :: p] = bytes(len(range(first, high, p)))
        count += is_prime.count(1)
    return count


def _primes_up_to(n: int) -> list[int]:
    is_prime = bytearray(b"\x01") * (n + 1)
    is_prime[:2] = bytes(len(is_prime[:2]))
    for p in range(2, math.isqrt(n) + 1):
        if is_prime[p]:
            is_prime[p * p :: p] = bytes(len(range(p * p, n + 1, p)))
    return [p for p in range(n + 1) if is_prime[p]]
