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
