# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""patch_threading(): what threading hands out afterwards."""

from __future__ import annotations

import threading

import pytest

import nativeconc as nc
from nativeconc.deadlock import patch_threading, unpatch_threading

NAMES = ["Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier"]
ORIGINALS = {name: getattr(threading, name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_each_name_becomes_our_class_and_returns(name):
    patch_threading()
    assert getattr(threading, name) is getattr(nc, name)
    unpatch_threading()
    assert getattr(threading, name) is ORIGINALS[name]


def test_patching_twice_is_patching_once():
    patch_threading()
    patch_threading()
    unpatch_threading()
    assert {name: getattr(threading, name) for name in NAMES} == ORIGINALS
    unpatch_threading()
    assert {name: getattr(threading, name) for name in NAMES} == ORIGINALS


def test_it_can_be_patched_again():
    for _ in range(3):
        patch_threading()
        assert type(threading.Lock()) is nc.Lock
        unpatch_threading()
        assert type(threading.Lock()) is type(ORIGINALS["Lock"]())


def test_nothing_else_in_threading_changes():
    before = dict(vars(threading))
    patch_threading()
    changed = {name for name, value in vars(threading).items() if before.get(name) is not value}
    assert changed == set(NAMES)
    unpatch_threading()
    assert dict(vars(threading)) == before


def test_a_name_that_somebody_else_replaced_meanwhile_is_left_alone():
    def their_own():
        return ORIGINALS["Lock"]()

    patch_threading()
    threading.Lock = their_own
    try:
        unpatch_threading()
        assert threading.Lock is their_own
        assert threading.RLock is ORIGINALS["RLock"]
    finally:
        threading.Lock = ORIGINALS["Lock"]


def test_what_was_there_before_is_what_returns(monkeypatch):
    class TheirEvent(ORIGINALS["Event"]):
        pass

    monkeypatch.setattr(threading, "Event", TheirEvent)
    patch_threading()
    assert threading.Event is nc.Event
    unpatch_threading()
    assert threading.Event is TheirEvent


def test_locks_made_before_and_after_go_on_working():
    before = [threading.Lock(), threading.RLock(), threading.Condition()]
    patch_threading()
    between = [threading.Lock(), threading.RLock(), threading.Condition()]
    unpatch_threading()
    for lock in before + between:
        with lock:
            pass
        assert lock.acquire(False)
        lock.release()


def test_the_names_can_be_called_subclassed_and_asked_about():
    patch_threading()
    for make in (threading.Lock, threading.RLock):
        lock = make()
        assert isinstance(lock, make)
        assert isinstance(make, type)
        assert type(make()) is type(lock)

    class Mine(threading.Event):
        pass

    assert isinstance(Mine(), threading.Event)
    assert isinstance(threading.BoundedSemaphore(2), threading.Semaphore)
    assert threading.BrokenBarrierError is nc.BrokenBarrierError
    assert threading.Barrier(2, action=None, timeout=None).parties == 2


def test_many_threads_may_patch_and_unpatch(crew):
    together = threading.Barrier(4)

    def flip():
        together.wait()
        for _ in range(200):
            patch_threading()
            unpatch_threading()

    for _ in range(4):
        crew.start(flip)
    crew.join()
    assert not crew.errors
    unpatch_threading()
    assert {name: getattr(threading, name) for name in NAMES} == ORIGINALS
