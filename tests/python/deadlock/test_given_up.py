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


@pytest.mark.parametrize("make", [nc.RLock, nc.Lock])
def test_a_with_inside_the_one_that_has_lost_the_lock_gives_back_its_own(crew, make, until):
    enable(policy="raise", grace=0.02)
    other, lock = nc.RLock(name="other"), make(name="lock")
    condition = nc.Condition(lock)
    cleaned_up = []

    def loser():
        with other, condition:
            try:
                while not crew.errors:
                    condition.wait(A_WHILE)
            except nc.DeadlockError:
                other.release()  # so that the rival comes to its end
                with condition:
                    cleaned_up.append(lock.locked())
                other.acquire()
                raise

    def rival():
        until(lambda: condition.stats().waiters == 1)
        with lock, other:
            pass

    crew.start(loser, name="loser")
    crew.start(rival, name="rival")
    crew.join()
    assert all(cleaned_up)
    assert len(crew.errors) == 1
    for error in crew.errors.values():
        assert type(error) is nc.DeadlockError
    with lock, other:
        pass


def test_a_warning_that_is_an_error_ends_the_wait(run_script):
    run_script("""
        import threading, time, warnings
        import nativeconc as nc

        warnings.simplefilter("error", nc.DeadlockWarning)
        nc.deadlock.enable(policy="warn", grace=0.02)
        other, condition = nc.RLock(), nc.Condition(nc.Lock())
        errors = []

        def note_errors(run):
            try:
                run()
            except nc.DeadlockWarning as error:
                errors.append(error)

        def loser():
            with other, condition:
                while not errors:
                    condition.wait(0.15)

        def rival():
            while condition.stats().waiters == 0:
                time.sleep(0.001)
            with condition, other:
                pass

        threads = [threading.Thread(target=note_errors, args=(run,)) for run in (loser, rival)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(errors) == 1
    """).check("")


def test_a_lock_that_does_nothing_but_raise_is_given_up():
    class Broken(nc.Lock):
        broken = False

        def acquire(self, *args, **kwargs):
            if self.broken:
                raise ValueError("broken")
            return super().acquire(*args, **kwargs)

    lock = Broken()
    condition = nc.Condition(lock)
    condition.acquire()
    lock.broken = True
    with pytest.raises(ValueError, match="broken"):
        condition.wait(0.01)
