# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Barging is allowed, starving is not."""

from __future__ import annotations

import threading
import time

import pytest

import nativeconc as nc

# A waiter is owed the lock after 1 ms, so it gets in after one or two of the hammer's turns. Seen
# from Python this checks the whole and proves little: a scheduler that runs a woken thread at once
# is kind to locks that owe nothing, too. The proof is with the state machine, in tests/cpp/sync.
PLENTY = 10_000
HOLD_S = 0.004


@pytest.mark.parametrize("kind", [nc.Lock, nc.Semaphore, nc.BoundedSemaphore])
def test_a_waiter_gets_in_while_another_thread_hammers(kind):
    primitive, turns, stop = kind(), 0, False
    started = threading.Event()

    def hammer():
        nonlocal turns
        primitive.acquire()
        started.set()
        while not stop and turns < PLENTY:
            time.sleep(HOLD_S)
            turns += 1
            # Free for an instant only.
            primitive.release()
            primitive.acquire()
        primitive.release()

    thread = threading.Thread(target=hammer)
    thread.start()
    started.wait()
    for _ in range(5):
        with primitive:
            pass
    reached = turns
    stop = True
    thread.join()
    assert reached < PLENTY


def test_all_of_many_waiters_get_in_while_another_thread_hammers():
    lock, stop, entered = nc.Lock(), False, [0] * 4

    def hammer():
        lock.acquire()
        while not stop:
            lock.release()
            lock.acquire()
        lock.release()

    def enter(i):
        for _ in range(10):
            with lock:
                entered[i] += 1

    hammerer = threading.Thread(target=hammer)
    waiters = [threading.Thread(target=enter, args=(i,)) for i in range(4)]
    hammerer.start()
    for waiter in waiters:
        waiter.start()
    for waiter in waiters:
        waiter.join()
    stop = True
    hammerer.join()
    assert entered == [10] * 4
    assert lock.locked() is False


def test_a_waiter_that_gives_up_leaves_nothing_reserved():
    # It waited long enough to be owed the lock; after it has gone the lock is anybody's.
    lock = nc.Lock()
    lock.acquire()
    for _ in range(20):
        waiter = threading.Thread(target=lock.acquire, kwargs={"timeout": 0.005})
        waiter.start()
        waiter.join()
    lock.release()
    assert lock.locked() is False
    assert lock.acquire(False) is True


def test_tries_take_a_free_semaphore_though_others_wait_for_their_turn():
    semaphore, stop = nc.Semaphore(2), False

    def use():
        while not stop:
            with semaphore:
                time.sleep(0.001)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while taken < 5:
        if semaphore.acquire(timeout=0.05):
            taken += 1
            semaphore.release()
    stop = True
    for thread in threads:
        thread.join()
    assert "value=2" in repr(semaphore)
