# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The records of what threads hold: what they keep alive, and for how long."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import pytest

import nativeconc as nc
from nativeconc.deadlock import disable, enable, held


def holders_of(lock):
    return [hold.name for hold in held() if hold.lock is lock]


def in_thread(target, *args, name=None):
    """Run it in a thread of its own, to its end."""
    thread = threading.Thread(target=target, args=args, name=name)
    thread.start()
    thread.join()


def test_a_record_keeps_nothing_alive_once_tracking_has_ended():
    enable(stacks=True)
    lock = nc.Lock()
    lock.acquire()
    disable()
    lock.release()
    gone = weakref.ref(lock)
    del lock
    gc.collect()
    assert gone() is None


def test_what_was_held_before_enable_is_not_on_the_new_records():
    enable(stacks=True)
    lock = nc.Lock()
    lock.acquire()
    enable(stacks=True)
    assert not holders_of(lock)
    lock.release()
    with lock:
        assert len(holders_of(lock)) == 1
    assert not holders_of(lock)


def test_a_lock_that_an_ended_thread_left_locked_is_held_by_it():
    enable(stacks=True)
    lock = nc.Lock()
    in_thread(lock.acquire, name="leaver")
    in_thread(lambda: nc.Lock().acquire())  # whose record is made later
    assert holders_of(lock) == ["leaver"]
    lock.release()
    assert not holders_of(lock)


def test_who_holds_it_is_not_taken_for_a_thread_that_came_later(crew):
    # The system gives ids of threads out again.
    enable(stacks=True)
    lock, leave = nc.Lock(), threading.Event()
    in_thread(lock.acquire, name="leaver")
    for i in range(10):
        crew.start(leave.wait, name=f"later {i}")
    assert holders_of(lock) == ["leaver"]
    leave.set()
    crew.join()


def test_what_ended_threads_left_is_bounded():
    enable(stacks=True)
    left = []

    def leave():
        lock = nc.Lock()
        lock.acquire()
        left.append(weakref.ref(lock))

    for _ in range(1100):
        in_thread(leave)
    with nc.Lock():
        pass
    gc.collect()
    kept = [ref for ref in left if ref() is not None]
    assert 0 < len(kept) < len(left)
    assert kept == left[-len(kept) :]  # the first ones went


@pytest.fixture
def _no_switching():
    """This thread keeps the GIL, if there is one, unless it waits."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_no_switching")
@pytest.mark.parametrize("flag", ["order", "stacks"])
def test_a_lock_released_before_its_taker_could_note_it_is_not_held(crew, until, flag):
    enable("warn", **{flag: True})
    lock = nc.Lock()
    lock.acquire()
    crew.start(lock.acquire)
    until(lambda: lock.stats().waiters == 1)
    lock.release()
    # The waiter takes it without the GIL, which it needs to note it. While the lock is kept for the
    # waiter it is locked, too.
    while lock.stats().owner is None:
        pass
    lock.release()
    crew.join()
    assert not crew.errors
    assert not holders_of(lock)


def test_a_thread_that_changes_its_mind_about_tracking_is_no_fault(crew, scale):
    locks = [nc.Lock(name=str(i)) for i in range(3)]
    stop = threading.Event()

    def work():
        while not stop.is_set():
            with locks[0], locks[1], locks[2]:
                pass

    for _ in range(3):
        crew.start(work)
    for i in range(200 * scale):
        enable("warn", order=i % 2 == 0, stacks=True)
        if i % 3 == 0:
            disable()
        held()
    stop.set()
    crew.join()
    assert not crew.errors
    disable()
    assert held() == []
