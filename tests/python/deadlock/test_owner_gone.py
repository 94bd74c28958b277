# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Locks whose owner has ended, or was lost in a fork: an error that names it, and no hang."""

from __future__ import annotations

import threading

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable


@pytest.mark.parametrize("stacks", [True, False])
def test_an_owner_that_has_ended_is_found_and_named(crew, stacks):
    enable(stacks=stacks)
    lock = nc.RLock(name="savings")
    crew.start(lock.acquire, name="forgetful")
    crew.join()
    with pytest.raises(nc.DeadlockError, match="its owner thread 'forgetful' has ended") as caught:
        lock.acquire()
    report = caught.value.report
    assert report.kind == "exited"
    assert report.certain
    waiter, owner = report.parties
    assert waiter.name == threading.current_thread().name
    assert waiter.wants.name == "savings"
    assert (owner.name, owner.fate, owner.wants, owner.holds.name) == (
        *("forgetful", "exited", None, "savings"),
    )
    assert (owner.took is not None) == stacks
    assert lock.acquire(False) is False
    assert lock.acquire(timeout=0.01) is False


def test_an_owner_that_ends_while_others_wait_is_found(crew, until):
    lock, leave = nc.RLock(name="savings"), threading.Event()

    def forget():
        lock.acquire()
        leave.wait()

    crew.start(forget, name="forgetful")
    until(lock.locked)
    for i in range(3):
        crew.start(lock.acquire, name=f"waiter {i}")
    until(lambda: lock.stats().waiters == 3)
    leave.set()
    crew.join()
    assert set(crew.errors) == {"waiter 0", "waiter 1", "waiter 2"}
    for error in crew.errors.values():
        assert isinstance(error, nc.DeadlockError)
        assert error.report.parties[1].name == "forgetful"


@pytest.mark.parametrize("mode", ["read", "write"])
def test_an_owner_of_a_reader_writer_lock_that_has_ended_is_found(crew, mode):
    rwlock = nc.RWLock(name="config")
    crew.start(getattr(rwlock, f"acquire_{mode}"), name="forgetful")
    crew.join()
    with pytest.raises(nc.DeadlockError, match="'forgetful' has ended") as caught, rwlock.write():
        pytest.fail("entered")
    assert caught.value.report.parties[1].holds_mode == mode


def test_a_thread_with_the_id_of_an_ended_owner_does_not_own_its_lock():
    # Ids are given out again; ours are not.
    lock, entered = nc.RLock(), []
    owner = threading.Thread(target=lock.acquire)
    owner.start()
    owner.join()

    def enter():
        entered.append(lock.acquire(False))

    for _ in range(50):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert entered == [False] * 50
