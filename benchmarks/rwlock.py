# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""RWLock beside fasteners and readerwriterlock, where they are installed: medians and ratios.

    python benchmarks/rwlock.py [--rounds 41] [--loops 20000] [--only TEXT] [--pin] [--json PATH]

Of readerwriterlock it is RWLockFair, which lets nobody starve, as ours does. Its readers' side is
made once for each thread and used again, as it advises, and so is ours beside it; fasteners makes
one for each use, and so do we beside it. See side_by_side.py for how it is measured.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from side_by_side import Case, Run, main
from workloads import CONTENDERS, Make, run_together, with_block

import nativeconc as nc


def installed(module: str, name: str) -> Any:
    """The class, or None."""
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        return None


FASTENERS = installed("fasteners", "ReaderWriterLock")
FAIR = installed("readerwriterlock.rwlock", "RWLockFair")


def made_each_time(side: str, make: Make, loops: int) -> float:
    """`with lock.read(): pass`."""
    enter = getattr(make(), side)
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        with enter():
            pass
    return time.perf_counter() - start


def readers_and_a_writer(make: Make, sides: Callable[[Any], tuple[Any, Any]], loops: int) -> float:
    """Three threads read; one writes, a tenth as often as each of them reads."""
    lock = make()
    each = loops // CONTENDERS
    inside = 0

    def read() -> None:
        reading, _ = sides(lock)
        for _ in range(each):
            with reading():
                if inside:
                    raise AssertionError(f"{lock!r} let a reader in beside a writer")

    def write() -> None:
        nonlocal inside
        _, writing = sides(lock)
        for _ in range(each // 10):
            with writing():
                inside += 1
                inside -= 1

    return run_together([read] * (CONTENDERS - 1) + [write])


def unless_missing(made: Any, run: Run) -> Run | None:
    return None if made is None else run


def our_sides(lock: Any) -> tuple[Any, Any]:
    return lock.read, lock.write


def fasteners_sides(lock: Any) -> tuple[Any, Any]:
    return lock.read_lock, lock.write_lock


def fair_sides(lock: Any) -> tuple[Any, Any]:
    reading, writing = lock.gen_rlock(), lock.gen_wlock()
    return lambda: reading, lambda: writing


def beside_fasteners(name: str, ours: Run, theirs: Run, limit: float | None, **more: Any) -> Case:
    return Case(name, ours, unless_missing(FASTENERS, theirs), "fasteners", limit, **more)


def beside_fair(name: str, ours: Run, theirs: Run, limit: float | None, **more: Any) -> Case:
    return Case(name, ours, unless_missing(FAIR, theirs), "readerwriterlock", limit, **more)


CASES = (
    beside_fasteners(
        "with RWLock.read()",
        partial(made_each_time, "read", nc.RWLock),
        partial(made_each_time, "read_lock", FASTENERS),
        0.1,
        minus_loop=True,
    ),
    beside_fair(
        "with RWLock.read(), made once",
        partial(with_block, lambda: nc.RWLock().read()),
        partial(with_block, lambda: FAIR().gen_rlock()),
        0.1,
        minus_loop=True,
    ),
    beside_fasteners(
        "with RWLock.write()",
        partial(made_each_time, "write", nc.RWLock),
        partial(made_each_time, "write_lock", FASTENERS),
        None,
        minus_loop=True,
    ),
    beside_fair(
        "with RWLock.write(), made once",
        partial(with_block, lambda: nc.RWLock().write()),
        partial(with_block, lambda: FAIR().gen_wlock()),
        None,
        minus_loop=True,
    ),
    beside_fasteners(
        "3 readers, 1 writer",
        partial(readers_and_a_writer, nc.RWLock, our_sides),
        partial(readers_and_a_writer, FASTENERS, fasteners_sides),
        None,
        scale=0.1,
    ),
    beside_fair(
        "3 readers, 1 writer",
        partial(readers_and_a_writer, nc.RWLock, our_sides),
        partial(readers_and_a_writer, FAIR, fair_sides),
        None,
        scale=0.1,
    ),
)

if __name__ == "__main__":
    main(__doc__ or "", CASES)
