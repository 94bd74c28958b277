# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Locks and semaphores beside threading's: medians of interleaved rounds, and their ratios.

    python benchmarks/locks.py [--rounds 41] [--loops 20000] [--json PATH]

Every round measures each pair one right after the other, in an order that turns round, so that
whatever else the machine does meets both alike. An empty loop is measured too and taken off the
uncontended figures. Contended: four threads enter and leave one lock; the figure is the time for
each entry, so a ratio of 0.5 is twice the throughput. `--pin` keeps all threads on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import nativeconc as nc

THREADS = 4

Measure = Callable[[Any, int], float]


def time_nothing(_: Any, loops: int) -> float:
    """The loop itself, s."""
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        pass
    return time.perf_counter() - start


def time_with(primitive: Any, loops: int) -> float:
    """`with primitive: pass`, s."""
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        with primitive:
            pass
    return time.perf_counter() - start


def time_acquire_release(primitive: Any, loops: int) -> float:
    """`acquire(); release()`, s."""
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        primitive.acquire()
        primitive.release()
    return time.perf_counter() - start


def time_try(primitive: Any, loops: int) -> float:
    """A try of what is taken: `acquire(False)`, s."""
    primitive.acquire()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        primitive.acquire(False)
    seconds = time.perf_counter() - start
    primitive.release()
    return seconds


def time_contended(primitive: Any, loops: int) -> float:
    """Four threads share so many entries, s. The body adds to a counter."""
    each = loops // THREADS
    ready = threading.Barrier(THREADS + 1)
    done = threading.Barrier(THREADS + 1)
    counter = 0

    def work() -> None:
        nonlocal counter
        turns = range(each)
        ready.wait()
        for _ in turns:
            with primitive:
                counter += 1
        done.wait()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    done.wait()
    seconds = time.perf_counter() - start
    for thread in threads:
        thread.join()
    if counter != each * THREADS:
        raise AssertionError(f"{primitive!r} let two in at once: {counter}")
    return seconds


# name, ours, theirs, what is timed, is the empty loop taken off
CASES: tuple[tuple[str, Callable[[], Any], Callable[[], Any], Measure, bool], ...] = (
    ("with Lock", nc.Lock, threading.Lock, time_with, True),
    ("Lock acquire/release", nc.Lock, threading.Lock, time_acquire_release, True),
    ("Lock try", nc.Lock, threading.Lock, time_try, True),
    ("with Semaphore", nc.Semaphore, threading.Semaphore, time_with, True),
    ("Semaphore acquire/release", nc.Semaphore, threading.Semaphore, time_acquire_release, True),
    (
        "with BoundedSemaphore",
        nc.BoundedSemaphore,
        threading.BoundedSemaphore,
        time_with,
        True,
    ),
    ("with Lock, 4 threads", nc.Lock, threading.Lock, time_contended, False),
    ("with Semaphore, 4 threads", nc.Semaphore, threading.Semaphore, time_contended, False),
)


def measure(rounds: int, loops: int) -> list[dict[str, Any]]:
    """One row for each case; times in ns an operation."""
    rows = []
    for name, ours, theirs, timed, minus_loop in CASES:
        n = loops * 5 if timed is time_contended else loops
        samples: dict[str, list[float]] = {"nativeconc": [], "threading": []}
        for i in range(rounds + 1):
            empty = time_nothing(None, n) if minus_loop else 0.0
            pair = [("nativeconc", ours), ("threading", theirs)]
            for who, make in pair if i % 2 else pair[::-1]:
                seconds = timed(make(), n) - empty
                if i > 0:  # the first round warms up
                    samples[who].append(seconds / n * 1e9)
        medians = {who: median(values) for who, values in samples.items()}
        rows.append(
            {
                "case": name,
                "nativeconc_ns": medians["nativeconc"],
                "threading_ns": medians["threading"],
                "ratio": medians["nativeconc"] / medians["threading"],
                "spread": {who: [min(values), max(values)] for who, values in samples.items()},
            }
        )
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--loops", type=int, default=20_000)
    parser.add_argument("--pin", action="store_true", help="all threads on one core")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args(argv)
    if arguments.pin:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    rows = measure(arguments.rounds, arguments.loops)
    print(f"Python {platform.python_version()}, {'GIL' if gil else 'no GIL'}; ns an operation")
    print(f"{'':28}{'nativeconc':>12}{'threading':>12}{'ratio':>8}")
    for row in rows:
        print(
            f"{row['case']:28}{row['nativeconc_ns']:12.1f}{row['threading_ns']:12.1f}"
            f"{row['ratio']:8.2f}"
        )
    if arguments.json:
        result = {
            "python": platform.python_version(),
            "gil": gil,
            "machine": platform.machine(),
            "cpus": len(os.sched_getaffinity(0)),
            "nativeconc": nc.__version__,
            "rounds": arguments.rounds,
            "loops": arguments.loops,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
