# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""CPython's own tests of locks, events and conditions, run over those of nativeconc.shared.

What a robust owner makes impossible is set to None, each with its reason; docs/shared_locks.md has
the same list. Nothing else is left out, nor changed, but for limits of time, and the repr of a
class whose module has a dot in its name.
"""

from __future__ import annotations

import re

from nativeconc import shared
from python.locks.test_cpython_lock_tests import lock_tests, patient


@patient
class TestSharedLock(lock_tests.LockTests):
    locktype = staticmethod(shared.Lock)

    test_different_thread = None  # another thread releases it
    test_reacquire = None  # another thread releases it
    test_at_fork_reinit = None  # a forked child holds nothing


@patient
class TestSharedRLock(lock_tests.RLockTests):
    locktype = staticmethod(shared.RLock)


@patient
class TestSharedEvent(lock_tests.EventTests):
    eventtype = staticmethod(shared.Event)

    test_at_fork_reinit = None  # a forked child waits for nothing
    test_reset_internal_locks = None  # the same, as it was called before

    def test_repr(self):
        event = self.eventtype()
        assert re.search(r"<nativeconc\.shared\.Event at .*: unset>", repr(event))
        event.set()
        assert re.search(r"<nativeconc\.shared\.Event at .*: set>", repr(event))


@patient
class TestSharedCondition(lock_tests.ConditionTests):
    condtype = staticmethod(shared.Condition)

    def test_acquire(self):
        # Over shared locks, where CPython's has one of threading's.
        condition = self.condtype()
        condition.acquire()
        condition.acquire()  # an RLock by default
        condition.release()
        condition.release()
        lock = shared.Lock()
        condition = self.condtype(lock)
        condition.acquire()
        assert not lock.acquire(False)
        condition.release()
        assert lock.acquire(False)
        assert not condition.acquire(False)
        lock.release()
        with condition:
            assert not lock.acquire(False)
