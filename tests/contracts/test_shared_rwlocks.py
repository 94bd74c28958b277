# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of reader-writer locks over those of nativeconc.shared."""

from __future__ import annotations

from contracts.rwlock_contract import RWLockContract
from contracts.rwlock_nesting_contract import RWLockNestingContract
from contracts.rwlock_order_contract import RWLockOrderContract
from nativeconc import shared
from nativeconc.reference import shared as reference_shared


class TestSharedRWLock(RWLockContract):
    make = staticmethod(shared.RWLock)

    # A thread that ends while it writes leaves the lock in doubt, and one that reads is released:
    # tests/python/shared/test_rwlocks_between_processes.py
    test_a_thread_that_gets_the_number_of_a_dead_one_does_not_hold_its_locks = None


class TestSharedRWLockOrder(RWLockOrderContract):
    make = staticmethod(shared.RWLock)


class TestSharedRWLockNesting(RWLockNestingContract):
    make = staticmethod(shared.RWLock)


class TestReferenceSharedRWLock(RWLockContract):
    make = staticmethod(reference_shared.RWLock)


class TestReferenceSharedRWLockOrder(RWLockOrderContract):
    make = staticmethod(reference_shared.RWLock)


class TestReferenceSharedRWLockNesting(RWLockNestingContract):
    make = staticmethod(reference_shared.RWLock)
