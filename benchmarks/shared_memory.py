# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Shared memory beside multiprocessing.shared_memory, and beside pickles: medians and ratios.

    python benchmarks/shared_memory.py [--rounds 41] [--loops 20000] [--only TEXT] [--json PATH]

SharedMemory is used as its documentation says: created, closed and unlinked, with its resource
tracker. What another process made is attached to from here, so that it is really mapped each time.
The other end of the executor and of the pipe are children, started before anything is timed.
See side_by_side.py for how it is measured.
"""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, cast

import numpy as np
from side_by_side import Case, Run, main

from nativeconc import shared

NAME = f"benchmark-{os.getpid()}"
PAGE = 4096
MIB = 1 << 20
BIG = 10_000_000  # float64: 80 MB
SPAWN = multiprocessing.get_context("spawn")


def timed(operation: Callable[[], object], loops: int) -> float:
    """Seconds for so many."""
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        operation()
    return time.perf_counter() - start


# --- create, use, close --------------------------------------------------------------------------


def our_buffer(size: int) -> None:
    shared.Buffer(size).close()


def our_named_buffer(size: int) -> None:
    shared.Buffer(size, name=NAME).close()


def our_array() -> None:
    shared.Array((10,))


def our_touched(size: int) -> None:
    buffer = shared.Buffer(size)
    touch(buffer)
    buffer.close()


def their_memory(size: int) -> None:
    memory = SharedMemory(create=True, size=size)
    memory.close()
    memory.unlink()


def their_touched(size: int) -> None:
    memory = SharedMemory(create=True, size=size)
    touch(memory.buf)
    memory.close()
    memory.unlink()


def touch(buffer: Any) -> None:
    """Write to every page."""
    np.frombuffer(buffer, np.uint8)[::PAGE] = 1


# --- with another process ------------------------------------------------------------------------


def other_side(connection: Connection, name: str) -> None:
    """What the other process does: hold one segment of each kind, and send back what comes."""
    held = shared.Buffer(PAGE, name=name)
    theirs = SharedMemory(create=True, size=PAGE)
    connection.send(theirs.name)
    while (message := connection.recv()) is not None:
        connection.send(message)
    held.close()
    theirs.close()
    theirs.unlink()


@functools.cache
def other_process() -> tuple[Connection, str]:
    """Start it: our end of the pipe, and the name of its SharedMemory."""
    ours, its = SPAWN.Pipe()
    process = SPAWN.Process(target=other_side, args=(its, f"{NAME}-other"))
    process.start()
    its.close()

    def stop() -> None:
        ours.send(None)
        process.join()

    atexit.register(stop)
    return ours, ours.recv()


def our_attach(loops: int) -> float:
    other_process()
    name = f"{NAME}-other"
    return timed(lambda: cast("shared.Buffer", shared.attach(name)).close(), loops)


def their_attach(loops: int) -> float:
    _, name = other_process()
    return timed(lambda: SharedMemory(name).close(), loops)


def round_trip(make: Callable[[], Any], loops: int) -> float:
    """An array goes to the other process and comes back."""
    connection, _ = other_process()
    array = make()

    def send_and_receive() -> None:
        connection.send(array)
        connection.recv()

    return timed(send_and_receive, loops)


# --- through an executor -------------------------------------------------------------------------


@functools.cache
def executor() -> ProcessPoolExecutor:
    """One worker, started and with all imports done."""
    made = ProcessPoolExecutor(1, mp_context=SPAWN)
    for warm in (np.ones(10), shared.full((10,), 1.0)):
        made.submit(double, warm).result()
    return made


def double(array: Any) -> Any:
    """What the worker does: it changes the whole array in place, and returns it."""
    array *= 2
    return array


@functools.cache
def our_big() -> shared.Array:
    return shared.full((BIG,), 1.0)


@functools.cache
def their_big() -> np.ndarray[Any, Any]:
    return np.full((BIG,), 1.0)


def hand_over(make: Callable[[], Any], loops: int) -> float:
    array, workers = make(), executor()
    return timed(lambda: workers.submit(double, array).result(), loops)


def run(operation: Callable[..., None], *arguments: Any) -> Run:
    return partial(timed, partial(operation, *arguments))


def beside_memory(name: str, ours: Run, theirs: Run, limit: float | None, **more: Any) -> Case:
    return Case(name, ours, theirs, "SharedMemory", limit, scale=0.01, **more)


CASES = (
    beside_memory(
        "Buffer 4 KiB, create and close", run(our_buffer, PAGE), run(their_memory, PAGE), 0.4
    ),
    beside_memory("attach by name and close", our_attach, their_attach, 0.6),
    beside_memory(
        "Array of 10 numbers, create and drop", run(our_array), run(their_memory, 80), 0.1
    ),
    Case(
        "80 MB to a worker, doubled, and back",
        partial(hand_over, our_big),
        partial(hand_over, their_big),
        "pickled array",
        0.05,
        scale=0.00005,
        least=1,
    ),
    beside_memory(
        "named Buffer 4 KiB, create and close",
        run(our_named_buffer, PAGE),
        run(their_memory, PAGE),
        None,
    ),
    beside_memory(
        "1 MiB, create, touch, close", run(our_touched, MIB), run(their_touched, MIB), None
    ),
    Case(
        "80 MB, create, touch, close",
        run(our_touched, BIG * 8),
        run(their_touched, BIG * 8),
        "SharedMemory",
        scale=0.00005,
        least=1,
    ),
    Case(
        "10 numbers to a process and back",
        partial(round_trip, lambda: shared.zeros((10,))),
        partial(round_trip, lambda: np.zeros((10,))),
        "pickled array",
        scale=0.01,
    ),
)

if __name__ == "__main__":
    main(__doc__ or "", CASES)
