# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pi from random points, in plain Python: specifies `nativeconc.kernels.monte_carlo_pi`."""

_MASK = 0xFFFFFFFF


def monte_carlo_pi(n: int, seed: int = 0) -> float:
    """Estimates pi from `n` random points in the unit square.

    Args:
        n: How many points, at least 1.
        seed: 0 .. 2**64 - 1. The same seed gives the same points.

    Returns:
        4 times the share of the points with x*x + y*y < 1.

    Raises:
        ValueError: `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    inside = 0
    for i in range(n):
        w0, w1, w2, w3 = philox4x32_10((i & _MASK, i >> 32, 0, 0), (seed & _MASK, seed >> 32))
        x = ((w1 << 32 | w0) >> 11) * 2.0**-53
        y = ((w3 << 32 | w2) >> 11) * 2.0**-53
        inside += x * x + y * y < 1.0
    return 4 * inside / n


def philox4x32_10(
    counter: tuple[int, int, int, int], key: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Four random 32-bit words as a function of a counter and a key, each of 32-bit words.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC11).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0 = 0xD2511F53 * c0
        p1 = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & _MASK, p0 >> 32 ^ c3 ^ k1, p0 & _MASK
        k0 = k0 + 0x9E3779B9 & _MASK
        k1 = k1 + 0xBB67AE85 & _MASK
    return c0, c1, c2, c3
