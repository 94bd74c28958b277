# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What processes do in turns, with a primitive between them.

It stands here, where the child of any start method can import it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

__all__ = ["METHODS", "add", "change_and_look", "is_locked", "meet", "run_in_processes"]

METHODS = ("fork", "spawn", "forkserver")


def run_in_processes(
    method: str, function: Callable[..., None], *arguments: tuple[Any, ...]
) -> None:
    """Calls it in one process for each tuple of arguments, and sees to it that all end well."""
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=function, args=those) for those in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def add(lock: Any, numbers: Any, turns: int) -> None:
    for _ in range(turns):
        with lock:
            numbers[1] = numbers[0]
            numbers[0] = numbers[1] + 1


def change_and_look(lock: Any, numbers: Any, turns: int) -> None:
    for _ in range(turns):
        with lock.write():
            numbers[0] += 1
            numbers[1] += 1
        with lock.read():
            assert numbers[0] == numbers[1]


def meet(barrier: Any, arrived: Any, me: int, rounds: int) -> None:
    for i in range(1, rounds + 1):
        arrived[me] = i
        barrier.wait(60)
        assert arrived.min() == i  # nobody goes on before all have come
        barrier.wait(60)


def is_locked(lock: Any) -> bool:
    return bool(lock.locked())
