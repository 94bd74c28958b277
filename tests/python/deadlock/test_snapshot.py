# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""find() and held()."""

from __future__ import annotations

import threading

import nativeconc as nc
from nativeconc.deadlock import enable, find, held


def test_held_tells_who_holds_what(crew):
    enable(stacks=True)
    rlock, lock, rwlock = nc.RLock(name="r"), nc.Lock(name="l"), nc.RWLock(name="rw")
    ready, leave = threading.Event(), threading.Event()

    def hold():
        with rlock, rlock, lock, rwlock.read():
            ready.set()
            leave.wait()

    thread = crew.start(hold, name="holder")
    ready.wait()
    ours = {id(lock) for lock in (rlock, lock, rwlock)}
    found = {hold.label.name: hold for hold in held() if id(hold.lock) in ours}
    leave.set()
    crew.join()
    assert set(found) == {"r", "l", "rw"}
    for hold in found.values():
        assert (hold.ident, hold.name) == (thread.ident, "holder")
        assert hold.took.function.endswith("hold")
        assert "thread 'holder'" in str(hold)
    assert found["rw"].mode == "read"
    assert found["r"].mode == found["l"].mode == "lock"
    assert not [hold for hold in held() if id(hold.lock) in ours]


def test_find_sees_nothing_where_there_is_nothing():
    with nc.RLock(), nc.Lock():
        assert find() == []


def test_a_reported_deadlock_is_none_any_more(ring):
    crew = ring([nc.RLock() for _ in range(3)])
    crew.join()
    assert len(crew.errors) == 1
    assert find() == []


def test_without_records_only_locks_that_are_waited_for_are_known(crew, until):
    free, wanted = nc.RLock(name="free"), nc.RLock(name="wanted")
    with free, wanted:
        assert not [hold for hold in held() if hold.lock is free or hold.lock is wanted]

        def wait():
            with wanted:
                pass

        crew.start(wait)
        until(lambda: any(hold.lock is wanted for hold in held()))
        assert not [hold for hold in held() if hold.lock is free]
    crew.join()


def test_enable_forgets_what_is_held_at_that_moment():
    early, late = nc.RLock(name="early"), nc.RLock(name="late")

    def known():
        return {hold.label.name for hold in held()} & {"early", "late"}

    with early:
        enable(stacks=True)
        with late:
            assert known() == {"late"}
            enable(stacks=True)
            assert known() == set()


def test_whether_a_deadlock_is_certain_is_what_the_core_says(monkeypatch):
    waiter = (1, "waiter", "waiting", nc.Lock(), "lock", "lock", None)
    owner = (2, "owner", "lost", None, "lock", "lock", None)
    monkeypatch.setattr(nc._core, "deadlock_find", lambda: [("lost", True, (waiter, owner))])
    (report,) = find()
    assert report.certain


def test_held_tells_who_is_inside_a_reader_writer_lock_from_who_waits(crew, until):
    lock, over = nc.RWLock(), threading.Event()

    def read():
        with lock.read():
            over.wait()

    def write():
        with lock.write():
            pass

    reader = crew.start(read, name="reader")
    until(lambda: not lock.acquire_write(blocking=False) or lock.release_write())
    crew.start(write, name="writer")
    until(lambda: lock.stats().waiters == 1)
    until(lambda: [hold for hold in held() if hold.lock is lock])
    holds = [hold for hold in held() if hold.lock is lock]
    over.set()
    crew.join()
    assert [(hold.ident, hold.mode) for hold in holds] == [(reader.ident, "read")]
