# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Objects whose __init__ runs again while other threads are inside: nothing in use goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import nativeconc as nc


def hammer(*calls: Callable[[], object]) -> None:
    """Each on a thread of its own, again and again."""
    errors: list[BaseException] = []
    together = threading.Barrier(len(calls))

    def repeat(call: Callable[[], object]) -> None:
        together.wait()
        end = time.monotonic() + 0.3
        try:
            while time.monotonic() < end:
                call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_condition_keeps_the_locks_that_are_in_use() -> None:
    condition = nc.Condition(nc.Lock())

    def use() -> None:
        # The lock may be another one by the time that it is given back.
        with contextlib.suppress(nc.LockTimeout, RuntimeError), condition.timeout(1e-5):
            repr(condition)
            condition.stats()

    hammer(use, use, lambda: condition.__init__(nc.Lock()))
    condition.__init__()
    with condition:
        assert condition.wait(0) is False


def test_a_barrier_keeps_the_action_and_the_timeout_that_are_in_use() -> None:
    barrier, ran = nc.Barrier(1), []

    def initialise() -> None:
        # New objects each time, which nobody else keeps.
        barrier.__init__(1, lambda: ran.append(None), float("1e3"))

    initialise()
    hammer(barrier.wait, barrier.wait, initialise)
    assert ran
