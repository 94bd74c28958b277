# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Counting primes."""

from __future__ import annotations

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, integer, require_cpu


def count_primes(
    n: int,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> int:
    """Count the primes up to and including n.

    Takes about 0.3 seconds for 10**9 on one core; memory is a few hundred KiB a thread.

    Args:
        n: From 0 to 10**12.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        How many primes p there are with p <= n.

    Raises:
        TypeError: n is not an int.
        ValueError: n is negative or too large, or `threads`, `gil` or `device` is out of range.
        MemoryError: There is no memory for the sieve.

    Source: the segmented sieve of Eratosthenes, Bays and Hudson, BIT 17 (1977), on a wheel of 30.
    """
    n = integer("n", n, 0, _core.COUNT_PRIMES_LIMIT)
    require_cpu(device, "count_primes")
    return _core.count_primes(n, threads, gil)
