# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What is timed in the benchmarks of primitives: each makes a primitive, uses it, returns seconds.

What threads start and end by is threading's own, whatever is measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

CONTENDERS = 4

Make = Callable[[], Any]


# --- one thread ----------------------------------------------------------------------------------


def with_block(make: Make, loops: int) -> float:
    """`with primitive: pass`."""
    primitive = make()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        with primitive:
            pass
    return time.perf_counter() - start


def with_held(make: Make, loops: int) -> float:
    """The same by a thread that holds it already."""
    primitive = make()
    turns = range(loops)
    with primitive:
        start = time.perf_counter()
        for _ in turns:
            with primitive:
                pass
        return time.perf_counter() - start


def acquire_release(make: Make, loops: int) -> float:
    """`acquire(); release()`."""
    primitive = make()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        primitive.acquire()
        primitive.release()
    return time.perf_counter() - start


def try_taken(make: Make, loops: int) -> float:
    """A try of what is taken: `acquire(False)`."""
    primitive = make()
    primitive.acquire()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        primitive.acquire(False)
    seconds = time.perf_counter() - start
    primitive.release()
    return seconds


def notify_nobody(make: Make, loops: int) -> float:
    """`notify()` with nobody there."""
    condition = make()
    turns = range(loops)
    with condition:
        start = time.perf_counter()
        for _ in turns:
            condition.notify()
        return time.perf_counter() - start


def is_set(make: Make, loops: int) -> float:
    """`is_set()`."""
    event = make()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        event.is_set()
    return time.perf_counter() - start


def set_clear(make: Make, loops: int) -> float:
    """`set(); clear()` with nobody there."""
    event = make()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        event.set()
        event.clear()
    return time.perf_counter() - start


def wait_set(make: Make, loops: int) -> float:
    """`wait()` for what is set."""
    event = make()
    event.set()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        event.wait()
    return time.perf_counter() - start


# --- several threads -----------------------------------------------------------------------------


def run_together(bodies: Sequence[Callable[[], None]]) -> float:
    """Seconds from the moment they all may go until the last has ended."""
    ready = threading.Barrier(len(bodies) + 1)

    def after_the_start(body: Callable[[], None]) -> None:
        ready.wait()
        body()

    threads = [threading.Thread(target=after_the_start, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def contended(make: Make, loops: int) -> float:
    """Four threads share so many entries. The body adds to a counter."""
    primitive = make()
    each = loops // CONTENDERS
    counter = 0

    def enter() -> None:
        nonlocal counter
        for _ in range(each):
            with primitive:
                counter += 1

    seconds = run_together([enter] * CONTENDERS)
    if counter != each * CONTENDERS:
        raise AssertionError(f"{primitive!r} let two in at once: {counter}")
    return seconds


def ping_pong(make: Make, loops: int) -> float:
    """Two threads pass a turn back and forth under one condition; an operation is one turn."""
    condition = make()
    turn = 0

    def play(me: int) -> Callable[[], None]:
        def turns() -> None:
            nonlocal turn
            for _ in range(loops // 2):
                with condition:
                    while turn != me:
                        condition.wait()
                    turn = 1 - me
                    condition.notify()

        return turns

    return run_together([play(0), play(1)])


def two_locks(make: Make, loops: int) -> float:
    """The same with a bare lock for each direction: the least that such a turn can cost."""
    locks = (make(), make())
    for lock in locks:
        lock.acquire()

    def play(me: int) -> Callable[[], None]:
        mine, other = locks[me], locks[1 - me]

        def turns() -> None:
            for _ in range(loops // 2):
                mine.acquire()
                other.release()

        return turns

    locks[0].release()
    return run_together([play(0), play(1)])


def two_events(make: Make, loops: int) -> float:
    """The same with an event for each direction."""
    events = (make(), make())

    def play(me: int) -> Callable[[], None]:
        mine, other = events[me], events[1 - me]

        def turns() -> None:
            for _ in range(loops // 2):
                mine.wait()
                mine.clear()
                other.set()

        return turns

    events[0].set()
    return run_together([play(0), play(1)])


def barrier_rounds(make: Make, loops: int) -> float:
    """As many threads as it has parties pass a barrier; an operation is one round."""
    barrier = make()

    def rounds() -> None:
        for _ in range(loops):
            barrier.wait()

    return run_together([rounds] * barrier.parties)
