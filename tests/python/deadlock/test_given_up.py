# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A lock that Condition.wait could not take back is given back by nobody, however it was taken."""

from __future__ import annotations

import contextlib

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable

# Long enough for another thread to begin to wait.
A_WHILE = 0.15

# How a condition's lock may have been taken.
WAYS = {
    "with lock": lambda condition: condition._lock,
    "with condition": lambda condition: condition,
    "lock.timeout": lambda condition: condition._lock.timeout(100),
    "condition.timeout": lambda condition: condition.timeout(100),
    "acquire_all(lock)": lambda condition: nc.acquire_all(condition._lock),
    "acquire_all(condition)": lambda condition: nc.acquire_all(condition),
    "condition over condition": nc.Condition,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [nc.RLock, nc.Lock])
def test_the_lock_of_a_rival_is_left_alone(crew, make, way, until):
    enable(policy="raise", grace=0.02)
    other, lock = nc.RLock(name="other"), make(name="lock")
    condition = nc.Condition(lock)
    still_locked = []

    def loser():
        with other, WAYS[way](condition):
            while not still_locked:
                condition.wait(A_WHILE)

    def rival():
        until(lambda: condition.stats().waiters == 1)
        with lock:
            # Wants what the loser holds, before that one has waited long enough.
            with contextlib.suppress(nc.DeadlockError), other:
                still_locked.append(lock.locked())
            still_locked.append(lock.locked())

    crew.start(loser, name="loser")
    crew.start(rival, name="rival")
    crew.join()
    assert all(still_locked)
    for error in crew.errors.values():
        # Not a RuntimeError of the exit, which had nothing to give back.
        assert type(error) is nc.DeadlockError
    with lock, other:
        pass


def test_threading_s_condition_over_our_rlock_has_it_back_after_ctrl_c(run_script):
    run_script("""
        import signal, threading, time
        import nativeconc as nc

        lock = nc.RLock()
        condition = threading.Condition(lock)
        taken = threading.Event()

        def rival():
            with lock:
                taken.set()
                while lock.stats().waiters == 0:
                    time.sleep(0.001)
                time.sleep(0.02)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                time.sleep(0.1)

        try:
            with condition:
                threading.Thread(target=rival).start()
                while not taken.is_set():
                    condition.wait(0.01)
                condition.wait(0.01)
        except KeyboardInterrupt:
            print("interrupted")
        assert not lock.locked()
    """).check("interrupted\n")
