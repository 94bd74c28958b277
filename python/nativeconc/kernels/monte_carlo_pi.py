# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pi from random points."""

from __future__ import annotations

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, integer, require_cpu


def monte_carlo_pi(
    n: int,
    seed: int = 0,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> float:
    """Estimate pi from n random points in the unit square.

    The result depends on n and seed alone: sample i is a function of i and the seed, so it does not
    matter which thread draws it. The standard error is about 1.64 / sqrt(n).

    Args:
        n: How many points, from 1 to 2**53.
        seed: From 0 to 2**64 - 1.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        4 times the share of the points with x*x + y*y < 1. Sample i takes four 32-bit words w0..w3
        from Philox4x32-10 with counter (i's low word, i's high word, 0, 0) and the seed's low and
        high word as key; x is ((w1 << 32 | w0) >> 11) * 2**-53, and y the same of w3 and w2.

    Raises:
        TypeError: n or seed is not an int.
        ValueError: n, seed, `threads`, `gil` or `device` is out of range.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC11).
    """
    n = integer("n", n, 1, _core.MONTE_CARLO_PI_LIMIT)
    seed = integer("seed", seed, 0, 2**64 - 1)
    require_cpu(device, "monte_carlo_pi")
    return _core.monte_carlo_pi(n, seed, threads, gil)
