# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Locks between processes beside multiprocessing's, and beside a file lock: medians and ratios.

    python benchmarks/shared_locks.py [--rounds 41] [--loops 20000] [--only TEXT] [--json PATH]

The file lock is fasteners' InterProcessLock, if it is installed. Contended locks are taken by two
other processes at the same time. Wake-ups go to another process and back, with both processes on
one core and with each where the system puts it.
See side_by_side.py for how it is measured.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from side_by_side import Case, main

from nativeconc import shared

SPAWN = multiprocessing.get_context("spawn")
CORES = sorted(os.sched_getaffinity(0))


# --- alone ---------------------------------------------------------------------------------------


@functools.cache
def made(make: Callable[[], Any]) -> Any:
    return make()


def taken(lock: Any, loops: int) -> float:
    """Seconds for so many."""
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        with lock:
            pass
    return time.perf_counter() - start


def with_it(make: Callable[[], Any], loops: int) -> float:
    return taken(made(make), loops)


def file_lock() -> Any:
    fasteners = importlib.import_module("fasteners")
    return fasteners.InterProcessLock(Path(tempfile.mkdtemp()) / "lock")


# --- two processes at once -----------------------------------------------------------------------


def contender(connection: Connection, locks: dict[str, Any]) -> None:
    """Take the lock that is named so many times, and say how long it took."""
    while (message := connection.recv()) is not None:
        name, loops = message
        connection.send(taken(locks[name], loops))


class Peers:
    """Other processes that have all the locks, started before anything is timed."""

    def __init__(self, count: int, target: Callable[..., None], *arguments: Any) -> None:
        self.connections: list[Connection] = []
        self.processes = []
        for _ in range(count):
            ours, theirs = SPAWN.Pipe()
            process = SPAWN.Process(target=target, args=(theirs, *arguments))
            process.start()
            theirs.close()
            self.connections.append(ours)
            self.processes.append(process)
        atexit.register(self.stop)

    def stop(self) -> None:
        """Let them end."""
        for connection, process in zip(self.connections, self.processes, strict=True):
            connection.send(None)
            process.join()


@functools.cache
def contenders() -> Peers:
    locks = {"ours": shared.Lock(), "theirs": SPAWN.Lock()}
    peers = Peers(2, contender, locks)
    for name in locks:
        contended_by(peers, name, 100)
    return peers


def contended_by(peers: Peers, name: str, loops: int) -> float:
    for connection in peers.connections:
        connection.send((name, loops))
    times: list[float] = [connection.recv() for connection in peers.connections]
    return max(times)


def contended(name: str, loops: int) -> float:
    return contended_by(contenders(), name, loops)


# --- waking another process ----------------------------------------------------------------------


def ponger(connection: Connection, conditions: dict[str, Any], turn: Any) -> None:
    """Answer so many wake-ups of the condition that is named."""
    while (message := connection.recv()) is not None:
        name, loops, cores = message
        os.sched_setaffinity(0, cores)
        condition = conditions[name]
        with condition:
            connection.send("ready")
            for _ in range(loops):
                while turn[0] != 1:
                    condition.wait()
                turn[0] = 0
                condition.notify()


@functools.cache
def woken() -> tuple[Peers, dict[str, Any], Any]:
    conditions = {"ours": shared.Condition(), "theirs": SPAWN.Condition()}
    turn = shared.zeros(1, dtype=int)
    return Peers(1, ponger, conditions, turn), conditions, turn


def wake_ups(name: str, cores: list[int], loops: int) -> float:
    """Two wake-ups for each loop: there and back."""
    peers, conditions, turn = woken()
    (connection,) = peers.connections
    connection.send((name, loops, cores))
    connection.recv()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    condition = conditions[name]
    with condition:
        start = time.perf_counter()
        for _ in range(loops):
            turn[0] = 1
            condition.notify()
            while turn[0] != 0:
                condition.wait()
        elapsed = time.perf_counter() - start
    os.sched_setaffinity(0, before)
    return elapsed


# --- the comparison ------------------------------------------------------------------------------


def beside(name: str, ours: Any, theirs: Any, limit: float | None, **more: Any) -> Case:
    return Case(name, ours, theirs, "multiprocessing", limit, **more)


def waking(where: str, cores: list[int]) -> Case:
    return beside(
        f"wake another process and be woken, {where}",
        partial(wake_ups, "ours", cores),
        partial(wake_ups, "theirs", cores),
        0.6,
        scale=0.02,
        least=20,
    )


CASES = [
    beside("with Lock", partial(with_it, shared.Lock), partial(with_it, SPAWN.Lock), 0.6),
    beside("with RLock", partial(with_it, shared.RLock), partial(with_it, SPAWN.RLock), 0.6),
    beside(
        "with Semaphore",
        partial(with_it, shared.Semaphore),
        partial(with_it, SPAWN.Semaphore),
        0.6,
    ),
    beside(
        "with Lock, two processes contending",
        partial(contended, "ours"),
        partial(contended, "theirs"),
        1 / 1.5,
    ),
    waking("on one core", CORES[:1]),
    waking("unpinned", CORES),
]
if importlib.util.find_spec("fasteners") is not None:
    CASES.append(
        Case(
            "with Lock",
            partial(with_it, shared.Lock),
            partial(with_it, file_lock),
            "fasteners",
            0.1,
            scale=0.1,
        )
    )

if __name__ == "__main__":
    main(__doc__ or "", CASES)
