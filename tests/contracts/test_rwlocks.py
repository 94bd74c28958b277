# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of reader-writer locks over every implementation."""

from __future__ import annotations

import nativeconc as nc
from contracts.rwlock_contract import RWLockContract
from contracts.rwlock_nesting_contract import RWLockNestingContract
from contracts.rwlock_order_contract import RWLockOrderContract
from nativeconc import reference


class TestNativeRWLock(RWLockContract):
    make = staticmethod(nc.RWLock)


class TestNativeRWLockOrder(RWLockOrderContract):
    make = staticmethod(nc.RWLock)


class TestReferenceRWLock(RWLockContract):
    make = staticmethod(reference.RWLock)


class TestReferenceRWLockOrder(RWLockOrderContract):
    make = staticmethod(reference.RWLock)


class TestNativeRWLockNesting(RWLockNestingContract):
    make = staticmethod(nc.RWLock)


class TestReferenceRWLockNesting(RWLockNestingContract):
    make = staticmethod(reference.RWLock)
