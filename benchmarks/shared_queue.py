# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""shared.Queue beside multiprocessing.Queue: medians and ratios.

    python benchmarks/shared_queue.py [--rounds 41] [--loops 20000] [--pin] [--only TEXT]

The other end is a child, started before anything is timed; with --pin it runs on our core. A round
of one-way messages ends when the child has the last one. Big arrays are read at the other end, a
number of each page. See side_by_side.py for how it is measured.
"""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from side_by_side import Case, main

from nativeconc import shared

SPAWN = multiprocessing.get_context("spawn")
BIG = 10_000_000  # float64: 80 MB
SMALL = 1000  # 8 KB
PAGE = 512  # float64
BATCH = 100
MESSAGE = {"task": 17, "name": "resize", "size": (640, 480)}


# --- the other end --------------------------------------------------------------------------------


def take_one_by_one(queue: Any, count: int) -> None:
    for _ in range(count):
        queue.get()


def take_in_batches(queue: Any, count: int) -> None:
    while count > 0:
        count -= len(queue.get_many(BATCH))


def take_and_read(queue: Any, count: int) -> None:
    for _ in range(count):
        array = queue.get()
        array[::PAGE].max()
        del array


def send_back(queue: Any, count: int, answers: Any) -> None:
    for _ in range(count):
        answers.put(queue.get())


def other_side(connection: Connection, queues: dict[str, Any]) -> None:
    """What the child does: as it is told, and say when it is done."""
    while (order := connection.recv()) is not None:
        function, name, count, *more = order
        connection.send("ready")
        function(queues[name], count, *(queues[other] for other in more))
        connection.send("done")


@functools.cache
def other_process() -> tuple[Connection, dict[str, Any]]:
    """Start it: our end of the pipe, and the queues."""
    ours, its = SPAWN.Pipe()
    capacity = 400_000_000
    queues = {
        "nativeconc": shared.Queue(capacity),
        "nativeconc back": shared.Queue(capacity),
        "mp": SPAWN.Queue(),
        "mp back": SPAWN.Queue(),
    }
    process = SPAWN.Process(target=other_side, args=(its, queues))
    process.start()

    def stop() -> None:
        ours.send(None)
        process.join()

    atexit.register(stop)
    return ours, queues


# --- this end -------------------------------------------------------------------------------------


def one_way(
    name: str, function: Callable[..., None], put: Callable[[Any, int], None], loops: int
) -> float:
    """Seconds until the child has taken so many."""
    connection, queues = other_process()
    connection.send((function, name, loops))
    connection.recv()
    start = time.perf_counter()
    put(queues[name], loops)
    connection.recv()
    return time.perf_counter() - start


def put_one_by_one(make: Callable[[], Any], queue: Any, count: int) -> None:
    message = make()
    for _ in range(count):
        queue.put(message)


def put_in_batches(queue: Any, count: int) -> None:
    for size in batches(count):
        queue.put_many([MESSAGE] * size)


def batches(count: int) -> Iterator[int]:
    for start in range(0, count, BATCH):
        yield min(BATCH, count - start)


def round_trip(name: str, loops: int) -> float:
    """A message goes to the child and comes back."""
    connection, queues = other_process()
    there, back = queues[name], queues[f"{name} back"]
    connection.send((send_back, name, loops, f"{name} back"))
    connection.recv()
    turns: Iterable[int] = range(loops)
    start = time.perf_counter()
    for _ in turns:
        there.put(MESSAGE)
        back.get()
    elapsed = time.perf_counter() - start
    connection.recv()
    return elapsed


def message() -> Any:
    return MESSAGE


@functools.cache
def shared_array(size: int) -> shared.Array:
    return shared.full((size,), 1.0)


@functools.cache
def ordinary_array(size: int) -> np.ndarray[Any, Any]:
    return np.full((size,), 1.0)


def small(name: str) -> Any:
    return partial(one_way, name, take_one_by_one, partial(put_one_by_one, message))


def by_reference(size: int) -> Any:
    make = partial(shared_array, size)
    return partial(one_way, "nativeconc", take_one_by_one, partial(put_one_by_one, make))


def snapshot(name: str, size: int) -> Any:
    make = partial(ordinary_array, size)
    return partial(one_way, name, take_and_read, partial(put_one_by_one, make))


BESIDE = "mp.Queue"
CASES = (
    Case("small messages", small("nativeconc"), small("mp"), BESIDE, 0.35, scale=0.25),
    Case(
        "small messages in batches of 100",
        partial(one_way, "nativeconc", take_in_batches, put_in_batches),
        small("mp"),
        BESIDE,
        0.1,
        scale=0.25,
    ),
    Case(
        "round trip of a small message",
        partial(round_trip, "nativeconc"),
        partial(round_trip, "mp"),
        BESIDE,
        0.5,
        scale=0.05,
    ),
    Case(
        "80 MB shared.Array by reference",
        by_reference(BIG),
        by_reference(SMALL),
        "8 KB by reference",
        2.0,
        scale=0.01,
    ),
    Case(
        "80 MB shared.Array by reference",
        by_reference(BIG),
        partial(
            one_way,
            "mp",
            take_one_by_one,
            partial(put_one_by_one, partial(ordinary_array, BIG)),
        ),
        "pickled, mp.Queue",
        0.002,
        scale=0.0001,
        least=2,
    ),
    Case(
        "80 MB ordinary array",
        snapshot("nativeconc", BIG),
        snapshot("mp", BIG),
        BESIDE,
        0.15,
        scale=0.0001,
        least=2,
    ),
    Case(
        "1 MB ordinary array",
        snapshot("nativeconc", 125_000),
        snapshot("mp", 125_000),
        BESIDE,
        scale=0.005,
    ),
    Case(
        "80 KB ordinary array",
        snapshot("nativeconc", 10_000),
        snapshot("mp", 10_000),
        BESIDE,
        scale=0.02,
    ),
)

if __name__ == "__main__":
    main(__doc__ or "", CASES)
