# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a reentrant lock does, whoever implements it: all that `threading.RLock` documents."""

from __future__ import annotations

import concurrent.futures
import math
import threading
import time
from typing import Any

import pytest

from contracts.blocking import OtherThread, blocked_in, run_in_thread, wait_until
from contracts.name_contract import NameContract


def is_free(lock: Any) -> bool:
    """Could another thread take it?"""

    def try_it() -> bool:
        if lock.acquire(False):
            lock.release()
            return True
        return False

    return bool(run_in_thread(try_it))


class RLockContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def test_is_born_free(self) -> None:
        assert is_free(self.make())

    def test_acquire_returns_true_and_keeps_others_out(self) -> None:
        lock = self.make()
        assert lock.acquire() is True
        assert not is_free(lock)

    def test_its_owner_may_take_it_again_in_every_way(self) -> None:
        lock = self.make()
        ways = [
            lambda: lock.acquire(),
            lambda: lock.acquire(False),
            lambda: lock.acquire(blocking=False, timeout=-1),
            lambda: lock.acquire(True, 0),
            lambda: lock.acquire(timeout=10),
            lambda: lock.acquire(timeout=threading.TIMEOUT_MAX),
            lock.__enter__,
        ]
        for way in ways:
            assert way() is True
        for _ in ways:
            assert not is_free(lock)
            assert lock.release() is None
        assert is_free(lock)

    def test_may_be_taken_very_often(self) -> None:
        lock = self.make()
        for _ in range(10_000):
            lock.acquire()
        for _ in range(9_999):
            lock.release()
        assert not is_free(lock)
        lock.release()
        assert is_free(lock)

    def test_releasing_a_free_lock_is_an_error(self) -> None:
        lock = self.make()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
                lock.release()
            with lock:
                assert not is_free(lock)
        assert is_free(lock)

    def test_only_its_owner_may_release(self) -> None:
        lock = self.make()
        lock.acquire()
        with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
            run_in_thread(lock.release)
        assert not is_free(lock)
        lock.release()
        assert is_free(lock)

    def test_a_try_of_another_thread_returns_false(self) -> None:
        lock = self.make()
        with OtherThread() as other:
            other(lock.acquire)
            assert lock.acquire(False) is False
            assert lock.acquire(blocking=False) is False
            other(lock.release)
            assert lock.acquire(False) is True

    def test_with_yields_true_and_may_be_nested(self) -> None:
        lock = self.make()
        with lock as outer:
            with lock as inner:
                assert outer is inner is True
                assert not is_free(lock)
            assert not is_free(lock)
        assert is_free(lock)

    def test_with_releases_when_the_body_raises_and_lets_the_error_out(self) -> None:
        lock = self.make()
        with pytest.raises(KeyError, match="mine"), lock, lock:
            raise KeyError("mine")
        assert is_free(lock)

    def test_leaving_with_a_lock_that_was_released_inside_is_an_error(self) -> None:
        lock = self.make()
        with pytest.raises(RuntimeError, match="un-acquired"), lock:
            lock.release()

    def test_acquire_waits_until_the_last_release(self) -> None:
        lock = self.make()
        lock.acquire()
        lock.acquire()

        def enter() -> str:
            with lock:
                return "inside"

        with blocked_in(enter) as waiter:
            lock.release()
            time.sleep(0.01)
            assert not waiter.is_done()
            lock.release()
            assert waiter.result() == "inside"
        assert is_free(lock)

    def test_one_release_lets_one_waiter_in(self) -> None:
        lock, entered, go = self.make(), [], threading.Semaphore(0)

        def enter() -> None:
            with lock:
                entered.append(None)
                go.acquire()

        lock.acquire()
        waiters = [threading.Thread(target=enter) for _ in range(4)]
        for waiter in waiters:
            waiter.start()
        lock.release()
        for i in range(4):
            wait_until(lambda i=i: len(entered) > i)
            time.sleep(0.01)
            assert len(entered) == i + 1
            go.release()
        for waiter in waiters:
            waiter.join()
        assert is_free(lock)

    @pytest.mark.parametrize("timeout", [0, 0.0, 0.02, 1e-9])
    def test_timed_acquire_of_a_held_lock_returns_false_and_not_early(self, timeout: float) -> None:
        lock = self.make()
        with OtherThread() as other:
            other(lock.acquire)
            start = time.monotonic()
            assert lock.acquire(timeout=timeout) is False
            assert time.monotonic() - start >= timeout
            other(lock.release)
        assert is_free(lock)

    @pytest.mark.parametrize("timeout", [0, 0.01, 1, threading.TIMEOUT_MAX, -1])
    def test_timed_acquire_of_a_free_lock_returns_true(self, timeout: float) -> None:
        lock = self.make()
        assert lock.acquire(True, timeout) is True
        assert not is_free(lock)

    @pytest.mark.parametrize("timeout", [100, threading.TIMEOUT_MAX, -1])
    def test_timed_acquire_gets_a_lock_that_is_released_in_time(self, timeout: float) -> None:
        lock = self.make()
        lock.acquire()
        with blocked_in(lambda: lock.acquire(True, timeout)) as waiter:
            assert not waiter.is_done()
            lock.release()
            assert waiter.result() is True

    def test_a_timeout_leaves_the_lock_usable(self) -> None:
        lock = self.make()
        lock.acquire()
        for _ in range(20):
            assert run_in_thread(lambda: lock.acquire(timeout=0.001)) is False
        lock.release()
        assert is_free(lock)

    @pytest.mark.parametrize("timeout", [-2, -0.5, -1.5, -1 - 1e-10, -1e-6])
    def test_negative_timeouts_are_refused(self, timeout: float) -> None:
        self.check_refused(ValueError, timeout)

    @pytest.mark.parametrize("timeout", [-math.inf, -1e300])
    def test_very_negative_timeouts_are_refused(self, timeout: float) -> None:
        self.check_refused((ValueError, OverflowError), timeout)

    def test_nan_is_refused(self) -> None:
        self.check_refused(ValueError, math.nan)

    @pytest.mark.parametrize("timeout", [threading.TIMEOUT_MAX + 1, 1e100, math.inf, 2**70])
    def test_timeouts_that_are_too_long_are_refused(self, timeout: float) -> None:
        self.check_refused(OverflowError, timeout)

    @pytest.mark.parametrize("timeout", ["1", b"1", [], object(), 1j, None])
    def test_timeouts_that_are_no_numbers_are_refused(self, timeout: object) -> None:
        self.check_refused(TypeError, timeout)

    def check_refused(self, error: Any, timeout: Any) -> None:
        lock = self.make()
        with pytest.raises(error):
            lock.acquire(timeout=timeout)
        assert is_free(lock)
        lock.acquire()
        with pytest.raises(error):
            run_in_thread(lambda: lock.acquire(timeout=timeout))
        with pytest.raises(error):  # of its owner, too, who would not have to wait
            lock.acquire(timeout=timeout)
        lock.release()
        assert is_free(lock)

    @pytest.mark.parametrize("timeout", [0, 1, 0.5])
    def test_a_try_with_a_timeout_is_refused(self, timeout: float) -> None:
        lock = self.make()
        for held in (False, True):
            with pytest.raises(ValueError, match="can't specify a timeout for a non-blocking"):
                lock.acquire(False, timeout)
            assert is_free(lock) is not held
            lock.acquire()

    def test_wrong_arguments_are_refused(self) -> None:
        lock = self.make()
        for call in (
            lambda: lock.acquire(True, 1, 2),
            lambda: lock.acquire(block=True),
            lambda: lock.acquire(True, blocking=True),
            lambda: lock.acquire(True, 1, timeout=1),
            lambda: lock.release(1),
        ):
            with pytest.raises(TypeError):
                call()
        assert is_free(lock)

    def test_repr_tells_state_owner_and_count(self) -> None:
        lock = self.make()
        assert repr(lock).startswith("<unlocked ")
        assert "count=0" in repr(lock)
        lock.acquire()
        lock.acquire()
        assert repr(lock).startswith("<locked ")
        assert "count=2" in repr(lock)
        assert f"owner={threading.get_ident()}" in repr(lock)
        assert f"{id(lock):x}" in repr(lock).lower()

    def test_locks_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(), self.make()
        assert a == a
        assert a != b
        assert len({a, b}) == 2

    def test_excludes(self) -> None:
        lock, inside, worst = self.make(), [], []

        def work() -> None:
            for _ in range(200):
                with lock, lock:
                    inside.append(None)
                    worst.append(len(inside))
                    inside.pop()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(work) for _ in range(4)]:
                job.result()
        assert len(worst) == 800
        assert set(worst) == {1}
        assert is_free(lock)

    def test_serves_a_condition_which_gives_back_all_levels(self) -> None:
        lock = self.make()
        condition, ready = threading.Condition(lock), []

        def announce() -> None:
            with condition:
                ready.append(None)
                condition.notify_all()

        with condition, lock, condition:
            announcer = threading.Thread(target=announce)
            announcer.start()
            assert condition.wait_for(lambda: ready, 100)
            for _ in range(2):
                lock.release()
                assert not is_free(lock)
            lock.acquire()
            lock.acquire()
        announcer.join()
        assert is_free(lock)
        with pytest.raises(RuntimeError):
            condition.notify()

    # What conditions and CPython's own tests ask for, though it is not documented.

    def test_tells_its_owner_that_it_is_owned_and_how_often(self) -> None:
        lock = self.make()
        assert lock._is_owned() is False
        assert lock._recursion_count() == 0
        lock.acquire()
        lock.acquire()
        assert lock._is_owned() is True
        assert lock._recursion_count() == 2
        assert run_in_thread(lock._is_owned) is False
        assert run_in_thread(lock._recursion_count) == 0

    def test_may_be_given_back_altogether_and_taken_as_often(self) -> None:
        lock = self.make()
        for _ in range(3):
            lock.acquire()
        saved = lock._release_save()
        assert is_free(lock)
        lock._acquire_restore(saved)
        assert lock._recursion_count() == 3
        for _ in range(3):
            assert not is_free(lock)
            lock.release()
        assert is_free(lock)

    def test_taking_it_as_often_waits_until_it_is_free(self) -> None:
        lock = self.make()
        lock.acquire()
        saved = lock._release_save()
        with OtherThread() as other:
            other(lock.acquire)
            threading.Timer(0.02, other.submit, [lock.release]).start()
            lock._acquire_restore(saved)
            assert lock._is_owned()
        lock.release()
        assert is_free(lock)

    def test_only_its_owner_may_give_it_back_altogether(self) -> None:
        lock = self.make()
        with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
            lock._release_save()

    def test_is_as_new_after_a_fork_if_told_so(self) -> None:
        lock = self.make()
        with OtherThread() as other:
            other(lock.acquire)
            lock._at_fork_reinit()
        assert is_free(lock)
        with lock:
            assert lock._recursion_count() == 1


class NativeConcRLockContract(NameContract, RLockContract):
    """What the locks of nativeconc promise beyond `threading.RLock`."""

    def test_says_whether_it_is_locked(self) -> None:
        lock = self.make()
        assert lock.locked() is False
        with lock, lock:
            assert lock.locked() is True
            assert run_in_thread(lock.locked) is True
        assert lock.locked() is False

    def test_giving_back_what_another_thread_has_changes_nothing(self) -> None:
        lock = self.make()
        lock.acquire()
        with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
            run_in_thread(lock._release_save)
        assert lock._recursion_count() == 1

    def test_a_thread_that_gets_the_number_of_a_dead_one_does_not_own_its_locks(self) -> None:
        lock = self.make()
        run_in_thread(lock.acquire)
        for _ in range(20):  # thread numbers are used again, usually at once
            assert run_in_thread(lambda: (lock._is_owned(), lock.acquire(False))) == (False, False)
            with pytest.raises(RuntimeError):
                run_in_thread(lock.release)
