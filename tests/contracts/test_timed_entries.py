# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of `timeout()` and of `RWLock`'s entries over every implementation."""

from __future__ import annotations

import threading
from typing import Any

import nativeconc as nc
from contracts.blocking import blocked_in
from contracts.timed_entry_contract import (
    EntryContract,
    NotReentrantEntryContract,
    ReentrantEntryContract,
)
from nativeconc import reference


class RWLockEntryContract(EntryContract):
    """Who holds it in the tests writes."""

    @staticmethod
    def acquire(primitive: Any, blocking: bool = True) -> Any:
        return primitive.acquire_write(blocking)

    @staticmethod
    def release(primitive: Any) -> None:
        primitive.release_write()

    def test_none_waits_for_ever(self) -> None:
        primitive = self.make()
        primitive.acquire_write()

        def enter() -> bool:
            with self.entry(primitive, None) as entered:
                return entered

        with blocked_in(enter) as waiter:
            assert not waiter.is_done()
            primitive.release_write()
            assert waiter.result() is True
        assert self.is_free(primitive)


class ReadContract(RWLockEntryContract):
    @staticmethod
    def entry(primitive: Any, seconds: Any) -> Any:
        return primitive.read(seconds)

    def test_may_be_entered_again(self) -> None:
        primitive = self.make()
        entry = primitive.read(timeout=0)
        for _ in range(3):
            with entry, entry:
                assert not self.is_free(primitive)
            assert self.is_free(primitive)


class WriteContract(RWLockEntryContract):
    @staticmethod
    def entry(primitive: Any, seconds: Any) -> Any:
        return primitive.write(timeout=seconds)


class TestNativeLockTimeout(NotReentrantEntryContract):
    make = staticmethod(nc.Lock)


class TestNativeSemaphoreTimeout(NotReentrantEntryContract):
    make = staticmethod(nc.Semaphore)


class TestNativeBoundedSemaphoreTimeout(NotReentrantEntryContract):
    make = staticmethod(nc.BoundedSemaphore)


class TestNativeRLockTimeout(ReentrantEntryContract):
    make = staticmethod(nc.RLock)


class TestNativeConditionTimeout(ReentrantEntryContract):
    make = staticmethod(nc.Condition)


class TestNativeConditionOverLockTimeout(NotReentrantEntryContract):
    @staticmethod
    def make() -> Any:
        return nc.Condition(nc.Lock())


class TestNativeConditionOverThreadingLockTimeout(NotReentrantEntryContract):
    @staticmethod
    def make() -> Any:
        return nc.Condition(threading.Lock())


class TestNativeRead(ReadContract):
    make = staticmethod(nc.RWLock)


class TestNativeWrite(WriteContract):
    make = staticmethod(nc.RWLock)


class TestReferenceLockTimeout(NotReentrantEntryContract):
    make = staticmethod(reference.Lock)


class TestReferenceSemaphoreTimeout(NotReentrantEntryContract):
    make = staticmethod(reference.Semaphore)


class TestReferenceBoundedSemaphoreTimeout(NotReentrantEntryContract):
    make = staticmethod(reference.BoundedSemaphore)


class TestReferenceRLockTimeout(ReentrantEntryContract):
    make = staticmethod(reference.RLock)


class TestReferenceConditionTimeout(ReentrantEntryContract):
    make = staticmethod(reference.Condition)


class TestReferenceConditionOverLockTimeout(NotReentrantEntryContract):
    @staticmethod
    def make() -> Any:
        return reference.Condition(reference.Lock())


class TestReferenceConditionOverThreadingLockTimeout(NotReentrantEntryContract):
    @staticmethod
    def make() -> Any:
        return reference.Condition(threading.Lock())


class TestReferenceRead(ReadContract):
    make = staticmethod(reference.RWLock)


class TestReferenceWrite(WriteContract):
    make = staticmethod(reference.RWLock)
