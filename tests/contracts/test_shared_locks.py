# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of locks over those of nativeconc.shared.

What their robust owners make impossible is set to None here, each with its reason; the same list
stands in docs/shared_locks.md. Nothing else is left out.
"""

from __future__ import annotations

import re
import threading

from contracts.lock_contract import NativeConcLockContract
from contracts.rlock_contract import NativeConcRLockContract
from nativeconc import shared
from nativeconc.reference import shared as reference_shared


class TestSharedLock(NativeConcLockContract):
    make = staticmethod(shared.Lock)

    # Only the thread that took it may release it: else a death could not be told from a signal.
    test_another_thread_may_release = None
    test_one_release_lets_one_waiter_in = None  # releases what another thread took
    test_serves_as_a_signal_between_threads = None


class TestSharedRLock(NativeConcRLockContract):
    make = staticmethod(shared.RLock)

    # A child that was forked never has what its parent holds: there is nothing to be made new.
    test_is_as_new_after_a_fork_if_told_so = None
    # A thread that ends with the lock leaves it in doubt: tests/python/shared/test_owner_death.py
    test_a_thread_that_gets_the_number_of_a_dead_one_does_not_own_its_locks = None

    def test_repr_tells_state_owner_and_count(self) -> None:
        lock = self.make()
        assert re.match(
            r"<unlocked nativeconc.shared.RLock object owner=0 pid=0 count=0", repr(lock)
        )
        with lock, lock:
            owner = threading.get_native_id()
            assert re.search(rf"^<locked .* owner={owner} pid=\d+ count=2 at", repr(lock))


class TestReferenceSharedLock(NativeConcLockContract):
    make = staticmethod(reference_shared.Lock)

    test_another_thread_may_release = None
    test_one_release_lets_one_waiter_in = None
    test_serves_as_a_signal_between_threads = None


class TestReferenceSharedRLock(NativeConcRLockContract):
    make = staticmethod(reference_shared.RLock)
