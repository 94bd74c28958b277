# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What live detection leaves alone: time limits, signals, and locks that are just taken."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable, find

# Long enough for a thread to begin to wait, and for a grace of zero to pass many times.
A_WHILE = 0.15


@pytest.mark.parametrize("kind", [nc.RLock, nc.Lock])
def test_a_timed_wait_never_counts(crew, reports, kind, until):
    enable(grace=0)
    a, b, both = kind(name="a"), kind(name="b"), threading.Barrier(2)
    entered = []

    def patient():
        with a:
            both.wait()
            with b:
                entered.append("patient")

    def timed():
        with b:
            both.wait()
            until(lambda: b.stats().waiters == 1)
            assert a.acquire(timeout=A_WHILE) is False
            with pytest.raises(nc.LockTimeout), a.timeout(A_WHILE):
                pytest.fail("entered")
            with pytest.raises(nc.LockTimeout), nc.acquire_all(a, timeout=0.01):
                pytest.fail("entered")
            assert not find()

    crew.start(patient)
    crew.start(timed)
    crew.join()
    assert not crew.errors
    assert entered == ["patient"]
    assert not reports


def test_tries_never_count(crew, reports, until):
    a, b, both = nc.RLock(), nc.RLock(), threading.Barrier(2)

    def patient():
        with a:
            both.wait()
            with b:
                pass

    def trier():
        with b:
            both.wait()
            until(lambda: b.stats().waiters == 1)
            for _ in range(1000):
                assert a.acquire(False) is False

    crew.start(patient)
    crew.start(trier)
    crew.join()
    assert not crew.errors
    assert not reports


def test_a_thread_that_waits_on_its_own_plain_lock_is_not_reported(crew, reports, until):
    # That is how locks serve as signals.
    enable(grace=0)
    signal = nc.Lock()

    def wait_for_signal():
        signal.acquire()
        signal.acquire()

    thread = crew.start(wait_for_signal)
    until(lambda: signal.stats().waiters == 1)
    time.sleep(A_WHILE)
    assert thread.is_alive()
    assert not find()
    signal.release()
    crew.join()
    assert not crew.errors
    assert not reports


def test_waiting_without_a_cycle_is_not_reported(crew, reports):
    enable(grace=0)
    locks = [kind() for kind in (nc.RLock, nc.Lock) for _ in range(3)]
    release = threading.Event()

    def hold_all():
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            release.wait()

    def use(lock):
        with lock:
            pass

    crew.start(hold_all)
    while not all(lock.locked() for lock in locks):
        time.sleep(0.001)
    for lock in locks:
        crew.start(use, lock)
    time.sleep(A_WHILE)
    assert not find()
    release.set()
    crew.join()
    assert not crew.errors
    assert not reports


def test_locks_in_one_order_are_never_reported(crew, reports, scale):
    locks = [nc.RLock() for _ in range(4)]

    def work():
        for _ in range(300 * scale):
            with locks[0], locks[1], locks[2], locks[3]:
                pass
            with locks[1], locks[3]:
                time.sleep(0)

    for _ in range(6):
        crew.start(work)
    crew.join()
    assert not crew.errors
    assert not reports


def test_acquire_all_never_deadlocks_among_the_given(crew, reports, scale):
    enable(grace=0)
    locks = [nc.RLock(), nc.Lock(), nc.RLock(), nc.RWLock()]
    counter = [0]

    def work(given):
        for _ in range(100 * scale):
            with nc.acquire_all(*given):
                seen = counter[0]
                time.sleep(0)
                counter[0] = seen + 1

    for i in range(4):
        crew.start(work, locks[i:] + locks[:i])
        crew.start(work, (locks[i:] + locks[:i])[::-1])
    crew.join()
    assert not crew.errors
    assert counter == [800 * scale]
    assert not reports
