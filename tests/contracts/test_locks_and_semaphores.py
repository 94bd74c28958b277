# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites over every implementation: native, pure Python, and `threading`'s own.

That `threading` passes shows that a suite asks for no more than the standard library gives.
"""

from __future__ import annotations

import threading

import nativeconc as nc
from contracts.lock_contract import LockContract, NativeConcLockContract
from contracts.semaphore_contract import (
    BoundedContract,
    NativeConcBoundedContract,
    NativeConcUnboundedContract,
    UnboundedContract,
)
from contracts.timed_entry_contract import TimedEntryContract
from nativeconc import reference


class TestNativeLock(NativeConcLockContract):
    make = staticmethod(nc.Lock)


class TestReferenceLock(NativeConcLockContract):
    make = staticmethod(reference.Lock)


class TestThreadingLock(LockContract):
    make = staticmethod(threading.Lock)


class TestNativeSemaphore(NativeConcUnboundedContract):
    make = staticmethod(nc.Semaphore)


class TestReferenceSemaphore(NativeConcUnboundedContract):
    make = staticmethod(reference.Semaphore)


class TestThreadingSemaphore(UnboundedContract):
    make = staticmethod(threading.Semaphore)


class TestNativeBoundedSemaphore(NativeConcBoundedContract):
    make = staticmethod(nc.BoundedSemaphore)


class TestReferenceBoundedSemaphore(NativeConcBoundedContract):
    make = staticmethod(reference.BoundedSemaphore)


class TestThreadingBoundedSemaphore(BoundedContract):
    make = staticmethod(threading.BoundedSemaphore)


class TestNativeLockTimeout(TimedEntryContract):
    make = staticmethod(nc.Lock)


class TestNativeSemaphoreTimeout(TimedEntryContract):
    make = staticmethod(nc.Semaphore)


class TestNativeBoundedSemaphoreTimeout(TimedEntryContract):
    make = staticmethod(nc.BoundedSemaphore)


class TestReferenceLockTimeout(TimedEntryContract):
    make = staticmethod(reference.Lock)


class TestReferenceSemaphoreTimeout(TimedEntryContract):
    make = staticmethod(reference.Semaphore)


class TestReferenceBoundedSemaphoreTimeout(TimedEntryContract):
    make = staticmethod(reference.BoundedSemaphore)
