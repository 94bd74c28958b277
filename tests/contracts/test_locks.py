# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of locks over every implementation.

That `threading` passes shows that a suite asks for no more than the standard library gives.
"""

from __future__ import annotations

import threading

import nativeconc as nc
from contracts.lock_contract import LockContract, NativeConcLockContract
from contracts.rlock_contract import NativeConcRLockContract, RLockContract
from nativeconc import reference


class TestNativeLock(NativeConcLockContract):
    make = staticmethod(nc.Lock)


class TestNativeRLock(NativeConcRLockContract):
    make = staticmethod(nc.RLock)


class TestReferenceLock(NativeConcLockContract):
    make = staticmethod(reference.Lock)


class TestReferenceRLock(NativeConcRLockContract):
    make = staticmethod(reference.RLock)


class TestThreadingLock(LockContract):
    make = staticmethod(threading.Lock)


class TestThreadingRLock(RLockContract):
    make = staticmethod(threading.RLock)
