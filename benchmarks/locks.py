# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Locks and semaphores beside threading's: medians of interleaved rounds, and their ratios.

    python benchmarks/locks.py [--rounds 41] [--loops 20000] [--only TEXT] [--pin] [--json PATH]

Contended: four threads enter and leave one lock; the figure is the time for each entry, so a ratio
of 0.5 is twice the throughput. See side_by_side.py for how it is measured.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from side_by_side import Case, main
from workloads import Make, acquire_release, contended, try_taken, with_block, with_held

import nativeconc as nc


def one_thread(name: str, work: Any, ours: Make, theirs: Make, limit: float | None = None) -> Case:
    return Case(name, partial(work, ours), partial(work, theirs), limit=limit, minus_loop=True)


def four_threads(name: str, ours: Make, theirs: Make) -> Case:
    return Case(name, partial(contended, ours), partial(contended, theirs), scale=5)


CASES = (
    one_thread("with Lock", with_block, nc.Lock, threading.Lock),
    one_thread("Lock acquire/release", acquire_release, nc.Lock, threading.Lock),
    one_thread("Lock try", try_taken, nc.Lock, threading.Lock),
    one_thread("with RLock", with_block, nc.RLock, threading.RLock, limit=0.60),
    one_thread("with RLock, held already", with_held, nc.RLock, threading.RLock),
    one_thread("RLock acquire/release", acquire_release, nc.RLock, threading.RLock),
    one_thread("with Semaphore", with_block, nc.Semaphore, threading.Semaphore),
    one_thread("Semaphore acquire/release", acquire_release, nc.Semaphore, threading.Semaphore),
    one_thread("Semaphore try", try_taken, nc.Semaphore, threading.Semaphore),
    one_thread(
        "with BoundedSemaphore", with_block, nc.BoundedSemaphore, threading.BoundedSemaphore
    ),
    four_threads("with Lock, 4 threads", nc.Lock, threading.Lock),
    four_threads("with RLock, 4 threads", nc.RLock, threading.RLock),
    four_threads("with Semaphore, 4 threads", nc.Semaphore, threading.Semaphore),
)

if __name__ == "__main__":
    main(__doc__ or "", CASES)
