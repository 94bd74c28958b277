# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Deadlocks of a thread that wants the lock of its condition back."""

from __future__ import annotations

import contextlib
import sys
import threading
import time

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable, find

# Long enough for a thread to begin to wait, and for a grace of zero to pass many times.
A_WHILE = 0.15


def test_taking_a_condition_s_lock_again_can_be_the_deadlock(crew, check_chain, only_error):
    # After its wait the thread wants the lock again, which the other one holds.
    for _ in range(5):
        other = nc.RLock(name="other")
        condition, waiting = nc.Condition(nc.RLock(name="condition")), threading.Event()
        causes, done = [], threading.Event()

        def waiter(other=other, condition=condition, waiting=waiting, causes=causes, done=done):
            with other:
                try:
                    with condition:
                        waiting.set()
                        while not done.is_set():  # the taker may be late
                            condition.wait(A_WHILE)
                finally:
                    error = sys.exc_info()[1]
                    causes.append(error and error.__context__)

        def taker(other=other, condition=condition, waiting=waiting, done=done):
            waiting.wait()
            try:
                with condition, other:
                    pass
            finally:
                done.set()

        crew.errors.clear()
        crew.start(waiter, name="waiter")
        crew.start(taker, name="taker")
        crew.join()
        _, error = only_error(crew)
        # Not a RuntimeError of the `with`, which had nothing to give back.
        assert type(error) is nc.DeadlockError
        assert causes == [None]
        check_chain(error.report, [other, condition._lock])
        with condition, other:
            pass


@pytest.mark.parametrize("depth", [1, 3])
def test_the_cause_stays_visible_however_deep_the_lock_was_held(crew, depth, only_error):
    other = nc.RLock(name="other")
    condition, waiting, done = nc.Condition(), threading.Event(), threading.Event()
    left = []

    def waiter():
        with other, contextlib.ExitStack() as stack:
            for _ in range(depth):
                stack.enter_context(condition)
            waiting.set()
            try:
                while not done.is_set():  # the taker may be late
                    condition.wait(A_WHILE)
            finally:
                left.append(condition._lock._is_owned())

    def taker():
        waiting.wait()
        try:
            with condition:
                # Its wait comes first, so the circle is closed by the one who wakes up.
                other.acquire()
                other.release()
        finally:
            done.set()

    crew.start(waiter, name="waiter")
    crew.start(taker, name="taker")
    crew.join()
    victim, error = only_error(crew)
    assert type(error) is nc.DeadlockError
    assert left == [victim != "waiter"]
    with condition, other:
        pass


def test_waiting_for_a_notify_is_no_edge(crew, reports, until):
    # Anybody may notify, so nobody is waited for: not even who has the condition's lock meanwhile.
    enable(grace=0)
    a, condition = nc.Lock(), nc.Condition()

    def waiter():
        a.acquire()
        with condition:
            condition.wait()

    def notifier():
        with condition, a:
            condition.notify()

    crew.start(waiter)
    until(lambda: condition.stats().waiters == 1)
    crew.start(notifier)
    until(lambda: a.stats().waiters == 1 or crew.errors)
    time.sleep(A_WHILE)
    assert not find()
    assert not crew.errors
    a.release()  # any thread may
    crew.join()
    assert not crew.errors
    assert not reports
