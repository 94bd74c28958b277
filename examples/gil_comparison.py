# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the GIL costs: the same work in two threads, with the GIL held and with it released.

Run it: python examples/gil_comparison.py. It takes about ten seconds; the full comparison, with a
table for every kernel, is `nativeconc compare`.
"""

from __future__ import annotations

import hashlib

import nativeconc as nc


def pure_python() -> int:
    """A loop in Python: one thread at a time, the GIL changes hands every few milliseconds."""
    return sum(n * n for n in range(100_000))


def hash_in_c(data: bytes) -> str:
    """C code that lets go of the GIL while it works, as hashlib does for large data."""
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    # A kernel of ours, in every way there is to run it.
    result = nc.compare("count_primes", threads=(1, 2), budget=6)
    for row in result.rows():
        stall = f"{row.stall.median_s * 1e3:7.2f} ms" if row.stall else ""
        print(
            f"{row.way.label:22} {row.threads} thread(s)  {row.unit_ns:8.2f} ns a number  "
            f"{row.speedup:5.2f}x  a bystander waits {stall}"
        )
    print(result.verdict)
    print()

    # Anything callable: does it let other threads run?
    print(nc.compare(pure_python, threads=(1, 2), budget=2).verdict)
    print(nc.compare(hash_in_c, (bytes(4 << 20),), threads=(1, 2), budget=2).verdict)


if __name__ == "__main__":
    main()
