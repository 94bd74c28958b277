# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of `stats()` over every primitive of both implementations."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import pytest

import nativeconc as nc
from contracts.stats_contract import (
    HandedOverContract,
    NoWaitContract,
    OwnerContract,
    StatsContract,
)
from nativeconc import reference

both = pytest.mark.parametrize("kinds", [nc, reference], ids=["native", "reference"])


class ForLocks(NoWaitContract):
    @staticmethod
    def close(primitive: Any) -> None:
        primitive.acquire()

    @staticmethod
    def open(primitive: Any) -> None:
        primitive.release()

    @staticmethod
    def wait(primitive: Any, seconds: float) -> None:
        if primitive.acquire(timeout=seconds):
            primitive.release()

    @staticmethod
    def attempt(primitive: Any) -> None:
        if primitive.acquire(False):
            primitive.release()


class ForConditions(StatsContract):
    @staticmethod
    def close(primitive: Any) -> None:
        pass  # whoever comes waits anyway

    @staticmethod
    def open(primitive: Any) -> None:
        with primitive:
            primitive.notify_all()

    @staticmethod
    def wait(primitive: Any, seconds: float) -> None:
        with primitive:
            primitive.wait(seconds)


class ForEvents(StatsContract):
    @staticmethod
    def close(primitive: Any) -> None:
        primitive.clear()

    @staticmethod
    def open(primitive: Any) -> None:
        primitive.set()

    @staticmethod
    def wait(primitive: Any, seconds: float) -> None:
        primitive.wait(seconds)


class ForBarriers(StatsContract):
    @staticmethod
    def close(primitive: Any) -> None:
        pass

    @staticmethod
    def open(primitive: Any) -> None:
        primitive.reset()

    @staticmethod
    def wait(primitive: Any, seconds: float) -> None:
        try:
            primitive.wait(seconds)
        except threading.BrokenBarrierError:
            if primitive.broken:
                primitive.reset()


class ForReaders(NoWaitContract):
    @staticmethod
    def close(primitive: Any) -> None:
        primitive.acquire_write()

    @staticmethod
    def open(primitive: Any) -> None:
        primitive.release_write()

    @staticmethod
    def wait(primitive: Any, seconds: float) -> None:
        if primitive.acquire_read(timeout=seconds):
            primitive.release_read()

    @staticmethod
    def attempt(primitive: Any) -> None:
        if primitive.acquire_read(False):
            primitive.release_read()


class ForWriters(NoWaitContract):
    @staticmethod
    def close(primitive: Any) -> None:
        primitive.acquire_read()

    @staticmethod
    def open(primitive: Any) -> None:
        primitive.release_read()

    @staticmethod
    def wait(primitive: Any, seconds: float) -> None:
        if primitive.acquire_write(timeout=seconds):
            primitive.release_write()

    @staticmethod
    def attempt(primitive: Any) -> None:
        if primitive.acquire_write(False):
            primitive.release_write()


class OwnerOfCondition(OwnerContract):
    """A condition's owner is who holds its lock."""

    @staticmethod
    def hold(primitive: Any) -> None:
        primitive.acquire()

    @staticmethod
    def let_go(primitive: Any) -> None:
        primitive.release()


class TestNativeLock(HandedOverContract, ForLocks):
    make = staticmethod(nc.Lock)


class TestNativeRLock(HandedOverContract, ForLocks):
    make = staticmethod(nc.RLock)


class TestNativeSemaphore(ForLocks):
    make = staticmethod(nc.Semaphore)


class TestNativeBoundedSemaphore(ForLocks):
    make = staticmethod(nc.BoundedSemaphore)


class TestNativeCondition(OwnerOfCondition, ForConditions):
    make = staticmethod(nc.Condition)


class TestNativeConditionOverLock(OwnerOfCondition, ForConditions):
    @staticmethod
    def make() -> Any:
        return nc.Condition(nc.Lock())


class TestNativeEvent(ForEvents):
    make = staticmethod(nc.Event)


class TestNativeBarrier(ForBarriers):
    @staticmethod
    def make() -> Any:
        return nc.Barrier(10)


class TestNativeReaders(HandedOverContract, ForReaders):
    make = staticmethod(nc.RWLock)


class TestNativeWriters(ForWriters):
    make = staticmethod(nc.RWLock)


class TestReferenceLock(HandedOverContract, ForLocks):
    make = staticmethod(reference.Lock)


class TestReferenceRLock(HandedOverContract, ForLocks):
    make = staticmethod(reference.RLock)


class TestReferenceSemaphore(ForLocks):
    make = staticmethod(reference.Semaphore)


class TestReferenceBoundedSemaphore(ForLocks):
    make = staticmethod(reference.BoundedSemaphore)


class TestReferenceCondition(OwnerOfCondition, ForConditions):
    make = staticmethod(reference.Condition)


class TestReferenceConditionOverLock(OwnerOfCondition, ForConditions):
    @staticmethod
    def make() -> Any:
        return reference.Condition(reference.Lock())


class TestReferenceEvent(ForEvents):
    make = staticmethod(reference.Event)


class TestReferenceBarrier(ForBarriers):
    @staticmethod
    def make() -> Any:
        return reference.Barrier(10)


class TestReferenceReaders(HandedOverContract, ForReaders):
    make = staticmethod(reference.RWLock)


class TestReferenceWriters(ForWriters):
    make = staticmethod(reference.RWLock)


@both
def test_a_semaphore_has_no_owner(kinds: ModuleType) -> None:
    for semaphore in (kinds.Semaphore(), kinds.BoundedSemaphore()):
        with semaphore:
            assert semaphore.stats().owner is None


@both
def test_a_reader_is_no_owner(kinds: ModuleType) -> None:
    rwlock = kinds.RWLock()
    with rwlock.read():
        assert rwlock.stats().owner is None
    with rwlock.write(), rwlock.read():
        assert rwlock.stats().owner == threading.get_ident()


@both
def test_a_condition_does_not_know_who_owns_a_lock_of_others(kinds: ModuleType) -> None:
    for lock in (threading.Lock(), threading.RLock(), kinds.Semaphore()):
        condition = kinds.Condition(lock)
        with condition:
            assert condition.stats().owner is None


@both
def test_waiting_for_the_lock_of_a_condition_is_no_wait_for_a_notify(kinds: ModuleType) -> None:
    lock = kinds.Lock()
    condition = kinds.Condition(lock)
    with lock:
        assert condition.acquire(timeout=0.01) is False
    assert condition.stats().waited == 0
    assert lock.stats().waited == 1


@both
def test_an_event_that_is_set_and_the_last_at_a_barrier_do_not_wait(kinds: ModuleType) -> None:
    event, barrier = kinds.Event(), kinds.Barrier(1)
    event.set()
    for _ in range(3):
        event.wait(10)
        barrier.wait(10)
    assert event.stats().waited == barrier.stats().waited == 0
    assert event.stats().owner is barrier.stats().owner is None


@both
def test_nothing_is_counted_for_an_owner_that_takes_its_own_again(kinds: ModuleType) -> None:
    rlock, rwlock = kinds.RLock(), kinds.RWLock()
    with rlock, rlock, rwlock.write(), rwlock.write(), rwlock.read():
        assert rlock.stats().waited == rwlock.stats().waited == 0
