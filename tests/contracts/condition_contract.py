# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a condition does, whoever implements it: all that `threading.Condition` documents.

A test class derives from `ConditionContract` (or from `NativeConcConditionContract`) and says in
`make` how to create one, over a lock or, with None, over the condition's own.
"""

from __future__ import annotations

import gc
import math
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import nativeconc as nc
from contracts.blocking import OtherThread, blocked_in, wait_until
from contracts.condition_wait_contract import ConditionWaitContract
from contracts.condition_waiters import SaysNothing, Waiters, WithoutWith, any_lock, is_held
from nativeconc import reference


class ConditionContract(ConditionWaitContract):
    @staticmethod
    def make(lock: Any = None) -> Any:
        raise NotImplementedError

    # --- the lock -------------------------------------------------------------------------------

    @any_lock
    def test_acquire_takes_its_lock_and_release_gives_it_back(
        self, make_lock: Callable[[], Any]
    ) -> None:
        condition = self.make(make_lock())
        assert condition.acquire() is True
        assert is_held(condition)
        assert condition.release() is None
        assert not is_held(condition)
        assert condition.acquire(False) is True
        condition.release()

    @any_lock
    def test_with_holds_its_lock(self, make_lock: Callable[[], Any]) -> None:
        condition = self.make(make_lock())
        with condition as entered:
            assert entered is True
            assert is_held(condition)
        assert not is_held(condition)
        with pytest.raises(KeyError, match="mine"), condition:
            raise KeyError("mine")
        assert not is_held(condition)

    def test_shares_its_lock_with_others_who_use_it(self) -> None:
        lock = threading.Lock()
        one, two = self.make(lock), self.make(lock)
        with one:
            assert lock.locked()
            assert two.acquire(False) is False
            assert two.acquire(blocking=False) is False
            assert two.acquire(timeout=0.001) is False
            assert two.acquire(True, 0.001) is False
        with lock:
            assert is_held(one)

    def test_its_own_lock_may_be_taken_again_by_its_owner(self) -> None:
        condition = self.make()
        with condition, condition:
            assert condition.acquire(False) is True
            condition.release()
        assert not is_held(condition)

    def test_releasing_what_is_not_held_is_an_error(self) -> None:
        for lock in (None, threading.Lock()):
            with pytest.raises(RuntimeError):
                self.make(lock).release()

    def test_a_bad_timeout_of_its_lock_is_refused(self) -> None:
        condition = self.make()
        for timeout, error in ((-2, ValueError), (1e100, OverflowError), ("1", TypeError)):
            with pytest.raises(error):
                condition.acquire(timeout=timeout)
        with pytest.raises(ValueError, match="can't specify a timeout"):
            condition.acquire(False, 1)

    def test_a_lock_need_not_say_that_it_has_been_taken(self) -> None:
        condition = self.make(SaysNothing())
        waiters = Waiters(condition)
        waiters.add()
        with condition:
            assert is_held(condition)
            condition.notify()
        waiters.join()
        assert waiters.woken == [(0, True)]
        assert not is_held(condition)

    @pytest.mark.parametrize("make_lock", [threading.Lock, nc.Lock, nc.RLock, reference.RLock])
    def test_locked_says_whether_anyone_has_its_lock(
        self, other: OtherThread, make_lock: Callable[[], Any]
    ) -> None:
        condition = self.make(make_lock())
        if isinstance(condition, threading.Condition) and sys.version_info < (3, 14):
            pytest.skip("threading.Condition.locked() is new in Python 3.14")
        assert condition.locked() is False
        with condition:
            assert condition.locked() is True
        other(condition.acquire)
        assert condition.locked() is True
        other(condition.release)
        assert condition.locked() is False

    # --- the object -----------------------------------------------------------------------------

    def test_wrong_arguments_are_refused(self) -> None:
        condition = self.make()
        with condition:
            for call in (
                lambda: condition.wait(0, 1),
                lambda: condition.wait(seconds=0),
                lambda: condition.wait_for(),
                lambda: condition.wait_for(int, 0, 1),
                lambda: condition.wait_for(int, seconds=0),
                lambda: condition.wait_for("not callable", 0),
                lambda: condition.notify(1, 2),
                lambda: condition.notify(count=1),
                lambda: condition.notify_all(1),
                lambda: condition.release(1),
            ):
                with pytest.raises(TypeError):
                    call()
            assert is_held(condition)
        with pytest.raises(TypeError):
            type(condition)(None, None)
        with pytest.raises(TypeError):
            type(condition)(mutex=None)

    def test_takes_its_lock_by_name(self) -> None:
        lock = threading.Lock()
        with type(self.make())(lock=lock):
            assert lock.locked()

    def test_what_is_no_lock_is_refused(self) -> None:
        for lock in (0, "lock", object()):
            with pytest.raises((TypeError, AttributeError)):
                self.make(lock)

    def test_repr_shows_the_lock_and_how_many_wait(self) -> None:
        lock = threading.Lock()
        condition = self.make(lock)
        assert repr(condition) == f"<Condition({lock!r}, 0)>"
        waiters = Waiters(condition)
        waiters.add()
        assert repr(condition) == f"<Condition({lock!r}, 1)>"
        with condition:
            condition.notify()
        waiters.join()

    def test_conditions_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(), self.make()
        assert a == a
        assert a != b
        assert len({a, b}) == 2


class NativeConcConditionContract(ConditionContract):
    """What the conditions of nativeconc promise beyond `threading.Condition`."""

    def test_notifies_in_the_order_in_which_they_came(self) -> None:
        condition = self.make()
        waiters = Waiters(condition)
        for _ in range(4):
            waiters.add()
        for i in range(4):
            with condition:
                condition.notify()
            assert waiters.settled(i + 1) == list(range(i + 1))
        waiters.join()

    def test_no_notify_is_lost_to_one_whose_time_is_up(self) -> None:
        for _ in range(5):
            condition = self.make()
            waiters = Waiters(condition)
            waiters.add(0.02)
            waiters.add(100)
            with condition:
                time.sleep(0.04)  # the first one's time is up, but it cannot have the lock yet
                condition.notify()
            wait_until(lambda woken=waiters.woken: any(got for _, got in woken))
            with condition:
                condition.notify_all()
            waiters.join()

    def test_nan_is_refused(self) -> None:
        condition = self.make()
        with condition:
            for call in (condition.wait, lambda nan: condition.wait_for(lambda: False, nan)):
                with pytest.raises(ValueError, match="NaN"):
                    call(math.nan)
            assert is_held(condition)

    @pytest.mark.parametrize(
        ("timeout", "error"),
        [("1", TypeError), (1e100, OverflowError), (math.inf, OverflowError), (b"1", TypeError)],
    )
    def test_a_bad_timeout_is_refused_even_when_there_is_nothing_to_wait_for(
        self, timeout: Any, error: Any
    ) -> None:
        condition = self.make()
        with condition, pytest.raises(error):
            condition.wait_for(lambda: True, timeout)

    @pytest.mark.parametrize("n", ["1", 1.0, None, [1]])
    def test_a_notify_of_no_int_is_refused(self, n: object) -> None:
        condition = self.make()
        with condition, pytest.raises(TypeError, match=f"n must be an int, not {type(n).__name__}"):
            condition.notify(n)

    def test_any_int_will_do_for_notify(self) -> None:
        class Two:
            def __index__(self) -> int:
                return 2

        condition = self.make()
        waiters = Waiters(condition)
        for _ in range(5):
            waiters.add()
        for n, woken in ((-(2**100), 0), (Two(), 2), (True, 3), (2**100, 5)):
            with condition:
                condition.notify(n)
            assert len(waiters.settled(woken)) == woken
        waiters.join()

    @pytest.mark.parametrize("lock", [0, "lock", object(), threading.Event()])
    def test_what_is_no_lock_is_refused_clearly(self, lock: object) -> None:
        with pytest.raises(TypeError, match=f"acquire.* and release.*{type(lock).__name__}"):
            self.make(lock)

    def test_needs_no_more_of_a_lock_than_acquire_and_release(self) -> None:
        condition = self.make(WithoutWith())
        waiters = Waiters(condition)
        waiters.add()
        with condition:
            assert is_held(condition)
            condition.notify()
        waiters.join()

    def test_locked_needs_a_lock_that_knows(self) -> None:
        with pytest.raises(AttributeError, match="locked"):
            self.make(WithoutWith()).locked()
        assert self.make().locked() is False

    def test_a_thread_in_its_lock_goes_on_when_it_is_initialised_again(self) -> None:
        lock = nc.Lock()
        lock.acquire()
        condition, watched = self.make(lock), weakref.ref(lock)
        del lock
        with blocked_in(condition.__enter__) as waiter:
            condition.__init__()
            gc.collect()
            lock = watched()
            assert lock is not None
            with condition:
                pass
            lock.release()
            assert waiter.result() is True
        lock.release()

    def test_works_over_a_semaphore(self) -> None:
        for semaphore in (threading.Semaphore(), nc.Semaphore(), reference.BoundedSemaphore()):
            condition = self.make(semaphore)
            waiters = Waiters(condition)
            waiters.add()
            with condition:
                assert condition.acquire(False) is False
                condition.notify()
            waiters.join()
            assert not is_held(condition)

    def test_works_over_another_condition(self) -> None:
        inner = self.make()
        condition = self.make(inner)
        waiters = Waiters(condition)
        waiters.add()
        with inner, condition:
            assert is_held(condition)
            condition.notify()
        waiters.join()
        assert not is_held(inner)

    def test_an_error_of_its_lock_comes_out(self) -> None:
        class Broken:
            def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: ARG002
                raise ZeroDivisionError

            def release(self) -> None:
                raise ZeroDivisionError

        condition = self.make(Broken())
        for call in (condition.acquire, condition.release, condition.wait, condition.notify):
            with pytest.raises(ZeroDivisionError):
                call()

    def test_is_as_new_after_a_fork_if_told_so(self, other: OtherThread) -> None:
        condition = self.make()
        other(condition.acquire)
        condition._at_fork_reinit()
        assert not is_held(condition)
        waiters = Waiters(condition)
        waiters.add()
        with condition:
            condition.notify()
        waiters.join()
