# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of conditions over those of nativeconc.shared.

A shared condition takes shared locks alone. So where a suite gives another lock, a shared one of
its kind stands in for it, and what is about other locks is left out.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest

import nativeconc as nc
from contracts.condition_contract import NativeConcConditionContract
from contracts.condition_waiters import Waiters
from nativeconc import shared
from nativeconc.reference import shared as reference_shared


class OverSharedLocks(NativeConcConditionContract):
    module: Any
    stand_ins: ClassVar[dict[int, tuple[Any, Any]]] = {}

    @classmethod
    def make(cls, lock: Any = None) -> Any:
        if lock is None:
            return cls.module.Condition()
        kind = cls.module.RLock if "RLock" in type(lock).__name__ else cls.module.Lock
        _, stand_in = cls.stand_ins.setdefault(id(lock), (lock, kind()))
        return cls.module.Condition(stand_in)

    # About locks that are no shared ones.
    test_a_lock_need_not_say_that_it_has_been_taken = None
    test_takes_its_lock_by_name = None
    test_needs_no_more_of_a_lock_than_acquire_and_release = None
    test_locked_needs_a_lock_that_knows = None
    test_works_over_a_semaphore = None
    test_works_over_another_condition = None
    test_shares_its_lock_with_others_who_use_it = None  # test_shares_a_shared_lock
    test_an_error_of_its_lock_comes_out = None
    test_what_is_no_lock_is_refused = None  # test_another_lock_is_refused
    test_what_is_no_lock_is_refused_clearly = None
    # A shared primitive is made once: others may have it.
    test_a_thread_in_its_lock_goes_on_when_it_is_initialised_again = None
    # A forked child holds nothing that would have to be made new.
    test_is_as_new_after_a_fork_if_told_so = None

    def test_repr_shows_the_lock_and_how_many_wait(self) -> None:
        condition = self.make()
        assert re.search(r"Condition\(<unlocked .*RLock.*>, 0\)>", repr(condition))
        waiters = Waiters(condition)
        waiters.add()
        assert ", 1)" in repr(condition)
        with condition:
            condition.notify()
        waiters.join()


class TestSharedCondition(OverSharedLocks):
    module = shared

    @pytest.mark.parametrize("lock", [nc.RLock(), nc.Lock(), 1, "lock"])
    def test_another_lock_is_refused(self, lock: Any) -> None:
        with pytest.raises(TypeError, match=r"must be a shared\.Lock or a shared\.RLock"):
            shared.Condition(lock)

    @pytest.mark.parametrize("kind", [shared.Lock, shared.RLock])
    def test_shares_a_shared_lock(self, kind: Any) -> None:
        lock = kind()
        first, second = shared.Condition(lock), shared.Condition(lock)
        with first:
            assert second.locked()
            assert lock.locked()
        with lock:
            assert first.locked()


class TestReferenceSharedCondition(OverSharedLocks):
    module = reference_shared
