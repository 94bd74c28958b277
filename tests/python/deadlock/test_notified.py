# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A notified thread wants its lock back, from the notify on, whenever it is woken."""

from __future__ import annotations

import threading

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable


@pytest.mark.parametrize("make", [nc.RLock, nc.Lock])
def test_a_thread_that_notifies_and_then_waits_for_the_notified_one(crew, make, until, only_error):
    enable(policy="raise", grace=0.05)
    other = nc.RLock(name="other")
    condition = nc.Condition(make(name="condition"))

    def waiter():
        with other, condition:
            condition.wait()

    def notifier():
        until(lambda: condition.stats().waiters == 1)
        with condition:
            condition.notify()
            with other:
                pass

    crew.start(waiter, name="waiter")
    crew.start(notifier, name="notifier")
    crew.join()
    _, error = only_error(crew)
    assert type(error) is nc.DeadlockError
    with condition, other:
        pass


def test_a_thread_that_notifies_and_ends_without_giving_the_lock_back(crew, until, only_error):
    condition = nc.Condition(nc.RLock(name="condition"))

    def waiter():
        with condition:
            condition.wait()

    def notifier():
        until(lambda: condition.stats().waiters == 1)
        condition.acquire()
        condition.notify()

    crew.start(waiter, name="waiter")
    crew.start(notifier, name="notifier")
    crew.join()
    victim, error = only_error(crew)
    assert victim == "waiter"
    assert type(error) is nc.DeadlockError
    assert "notifier" in str(error)


def test_notified_threads_wait_for_no_more_than_the_critical_section(until):
    # Who is notified is woken when the lock is free, also if the notifier then does other things.
    condition = nc.Condition()
    woken = []

    def waiter():
        with condition:
            condition.wait()
            woken.append(1)

    threads = [threading.Thread(target=waiter) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: condition.stats().waiters == len(threads))
    with condition:
        condition.notify_all()
        assert not woken
    until(lambda: len(woken) == len(threads))
    for thread in threads:
        thread.join()
