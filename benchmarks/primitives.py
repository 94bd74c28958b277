# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Condition, Event and Barrier beside threading's: medians of interleaved rounds, their ratios.

    python benchmarks/primitives.py [--rounds 41] [--loops 20000] [--only TEXT] [--json PATH]

A turn passes between two threads; `pinned` keeps all threads on one core, where most of
the cost is the switch between threads, and a turn by two bare locks is the least there can be. See
side_by_side.py for how it is measured.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import workloads
from side_by_side import Case, main
from workloads import Make

import nativeconc as nc


def one_thread(name: str, work: Any, ours: Make, theirs: Make, limit: float | None = None) -> Case:
    return Case(name, partial(work, ours), partial(work, theirs), limit=limit, minus_loop=True)


def both_ways(name: str, work: Any, ours: Make, theirs: Make, pinned: float | None) -> list[Case]:
    """Between threads, pinned (with that limit) and not."""
    runs = partial(work, ours), partial(work, theirs)
    return [
        Case(name, *runs, limit=pinned, scale=0.1, pinned=True),
        Case(name, *runs, scale=0.1),
    ]


CASES = (
    one_thread("with Condition", workloads.with_block, nc.Condition, threading.Condition),
    one_thread(
        "Condition.notify, no waiter", workloads.notify_nobody, nc.Condition, threading.Condition
    ),
    *both_ways("Condition turn", workloads.ping_pong, nc.Condition, threading.Condition, 0.8),
    Case(
        "two threading.Locks / Condition",
        partial(workloads.two_locks, threading.Lock),
        partial(workloads.ping_pong, threading.Condition),
        beside="its Condition",
        scale=0.1,
        pinned=True,
    ),
    Case(
        "two nc.Locks / Condition",
        partial(workloads.two_locks, nc.Lock),
        partial(workloads.ping_pong, threading.Condition),
        beside="its Condition",
        scale=0.1,
        pinned=True,
    ),
    one_thread("Event.is_set", workloads.is_set, nc.Event, threading.Event, limit=0.8),
    one_thread("Event.set, clear", workloads.set_clear, nc.Event, threading.Event, limit=0.4),
    one_thread("Event.wait, set", workloads.wait_set, nc.Event, threading.Event),
    *both_ways("Event turn", workloads.two_events, nc.Event, threading.Event, None),
    *both_ways(
        "Barrier round, 2 threads",
        workloads.barrier_rounds,
        partial(nc.Barrier, 2),
        partial(threading.Barrier, 2),
        0.6,
    ),
    *both_ways(
        "Barrier round, 4 threads",
        workloads.barrier_rounds,
        partial(nc.Barrier, 4),
        partial(threading.Barrier, 4),
        0.6,
    ),
)

if __name__ == "__main__":
    main(__doc__ or "", CASES)
