# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a lock does, whoever implements it: every documented behaviour of `threading.Lock`.

A test class derives from `LockContract` (or from `NativeConcLockContract`, which adds what
nativeconc's locks promise beyond) and says in `make` how to create one.
"""

from __future__ import annotations

import concurrent.futures
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from contracts.blocking import blocked_in, run_in_thread
from contracts.name_contract import NameContract


class LockContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def test_is_born_unlocked(self) -> None:
        assert self.make().locked() is False

    def test_acquire_returns_true_and_locks(self) -> None:
        lock = self.make()
        assert lock.acquire() is True
        assert lock.locked() is True

    def test_release_returns_none_and_unlocks(self) -> None:
        lock = self.make()
        lock.acquire()
        assert lock.release() is None
        assert lock.locked() is False
        assert lock.acquire(False) is True

    def test_try_on_a_held_lock_returns_false_even_to_its_holder(self) -> None:
        lock = self.make()
        lock.acquire()
        assert lock.acquire(False) is False
        assert lock.acquire(blocking=False) is False
        assert lock.locked() is True

    def test_releasing_an_unlocked_lock_is_an_error_and_changes_nothing(self) -> None:
        lock = self.make()
        with pytest.raises(RuntimeError, match="release unlocked lock"):
            lock.release()
        assert lock.locked() is False
        lock.acquire()
        lock.release()
        with pytest.raises(RuntimeError, match="release unlocked lock"):
            lock.release()

    def test_another_thread_may_release(self) -> None:
        lock = self.make()
        lock.acquire()
        run_in_thread(lock.release)
        assert lock.locked() is False

    def test_with_holds_for_the_body_and_yields_true(self) -> None:
        lock = self.make()
        with lock as entered:
            assert entered is True
            assert lock.locked() is True
        assert lock.locked() is False

    def test_with_releases_when_the_body_raises_and_lets_the_error_out(self) -> None:
        lock = self.make()
        with pytest.raises(KeyError, match="mine"), lock:
            raise KeyError("mine")
        assert lock.locked() is False

    def test_leaving_with_a_lock_that_was_released_inside_is_an_error(self) -> None:
        lock = self.make()
        with pytest.raises(RuntimeError), lock:
            lock.release()

    def test_acquire_waits_until_release(self) -> None:
        lock = self.make()
        lock.acquire()
        with blocked_in(lock.acquire) as waiter:
            assert not waiter.is_done()
            lock.release()
            assert waiter.result() is True
        assert lock.locked() is True

    def test_with_waits_until_release(self) -> None:
        lock = self.make()
        lock.acquire()

        def body() -> bool:
            with lock:
                return lock.locked()

        with blocked_in(body) as waiter:
            assert not waiter.is_done()
            lock.release()
            assert waiter.result() is True
        assert lock.locked() is False

    def test_one_release_lets_one_waiter_in(self) -> None:
        lock = self.make()
        lock.acquire()
        entered = []

        def enter() -> None:
            lock.acquire()
            entered.append(None)

        waiters = [threading.Thread(target=enter) for _ in range(5)]
        for waiter in waiters:
            waiter.start()
        for i in range(5):
            lock.release()
            while len(entered) <= i:
                time.sleep(0.001)
            time.sleep(0.01)
            assert len(entered) == i + 1
        for waiter in waiters:
            waiter.join()
        assert lock.locked() is True

    @pytest.mark.parametrize("timeout", [0, 0.0, 0.02, 1e-9])
    def test_timed_acquire_of_a_held_lock_returns_false_and_not_early(self, timeout: float) -> None:
        lock = self.make()
        lock.acquire()
        start = time.monotonic()
        assert lock.acquire(timeout=timeout) is False
        assert time.monotonic() - start >= timeout
        assert lock.locked() is True

    def test_timed_acquire_of_a_free_lock_returns_true(self) -> None:
        for timeout in (0, 0.01, 1, threading.TIMEOUT_MAX, -1):
            lock = self.make()
            assert lock.acquire(True, timeout) is True
            assert lock.locked() is True

    def test_timed_acquire_gets_a_lock_that_is_released_in_time(self) -> None:
        lock = self.make()
        lock.acquire()
        with blocked_in(lambda: lock.acquire(timeout=100)) as waiter:
            lock.release()
            assert waiter.result() is True

    def test_a_timeout_leaves_the_lock_usable(self) -> None:
        lock = self.make()
        lock.acquire()
        for _ in range(20):
            assert run_in_thread(lambda: lock.acquire(timeout=0.001)) is False
        lock.release()
        assert run_in_thread(lambda: lock.acquire(timeout=100)) is True

    def test_minus_one_waits_for_ever(self) -> None:
        lock = self.make()
        lock.acquire()
        with blocked_in(lambda: lock.acquire(True, -1)) as waiter:
            assert not waiter.is_done()
            lock.release()
            assert waiter.result() is True

    def test_the_longest_timeout_waits(self) -> None:
        lock = self.make()
        lock.acquire()
        with blocked_in(lambda: lock.acquire(timeout=threading.TIMEOUT_MAX)) as waiter:
            assert not waiter.is_done()
            lock.release()
            assert waiter.result() is True

    def test_a_try_takes_minus_one_as_no_timeout(self) -> None:
        lock = self.make()
        assert lock.acquire(False, -1) is True
        assert lock.acquire(blocking=False, timeout=-1) is False

    @pytest.mark.parametrize("timeout", [-2, -0.5, -1.5, -1 - 1e-10, -1e-6, -math.inf, -1e300])
    def test_negative_timeouts_are_refused(self, timeout: float) -> None:
        self.check_refused(ValueError if timeout > -1e9 else (ValueError, OverflowError), timeout)

    @pytest.mark.parametrize("timeout", [0, 1, 0.5])
    def test_a_try_with_a_timeout_is_refused(self, timeout: float) -> None:
        lock = self.make()
        with pytest.raises(ValueError, match="can't specify a timeout for a non-blocking"):
            lock.acquire(False, timeout)
        assert lock.locked() is False

    def test_nan_is_refused(self) -> None:
        self.check_refused(ValueError, math.nan)

    @pytest.mark.parametrize("timeout", [threading.TIMEOUT_MAX + 1, 1e100, math.inf, 2**70])
    def test_timeouts_that_are_too_long_are_refused(self, timeout: float) -> None:
        self.check_refused(OverflowError, timeout)

    @pytest.mark.parametrize("timeout", ["1", b"1", [], object(), 1j])
    def test_timeouts_that_are_no_numbers_are_refused(self, timeout: object) -> None:
        self.check_refused(TypeError, timeout)

    def test_none_is_no_timeout_for_a_lock(self) -> None:
        self.check_refused(TypeError, None)

    def check_refused(self, error: Any, timeout: Any) -> None:
        for held in (False, True):
            lock = self.make()
            if held:
                lock.acquire()
            with pytest.raises(error):
                lock.acquire(timeout=timeout)
            assert lock.locked() is held

    def test_wrong_arguments_are_refused(self) -> None:
        lock = self.make()
        for call in (
            lambda: lock.acquire(True, 1, 2),
            lambda: lock.acquire(block=True),
            lambda: lock.acquire(True, blocking=True),
            lambda: lock.acquire(True, 1, timeout=1),
            lambda: lock.release(1),
            lambda: lock.locked(1),
        ):
            with pytest.raises(TypeError):
                call()
        assert lock.locked() is False

    def test_any_truth_value_may_say_whether_to_block(self) -> None:
        lock = self.make()
        lock.acquire()
        assert lock.acquire(0) is False

    def test_repr_says_whether_it_is_locked(self) -> None:
        lock = self.make()
        assert repr(lock).startswith("<unlocked ")
        lock.acquire()
        assert repr(lock).startswith("<locked ")
        assert f"{id(lock):x}" in repr(lock).lower()

    def test_locks_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(), self.make()
        assert a == a
        assert a != b
        assert len({a, b}) == 2

    def test_excludes(self) -> None:
        lock, inside, worst = self.make(), [], []

        def work(enter: Callable[[], Any]) -> None:
            for _ in range(200):
                with enter():
                    inside.append(None)
                    worst.append(len(inside))
                    inside.pop()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(work, lambda: lock) for _ in range(4)]:
                job.result()
        assert len(worst) == 800
        assert set(worst) == {1}
        assert lock.locked() is False

    def test_serves_a_condition(self) -> None:
        lock = self.make()
        condition = threading.Condition(lock)
        ready = []
        with condition:
            assert lock.locked()
            assert condition.wait(0.001) is False

            def announce() -> None:
                with condition:
                    ready.append(None)
                    condition.notify_all()

            announcer = threading.Thread(target=announce)
            announcer.start()
            assert condition.wait_for(lambda: ready, 100)
        announcer.join()
        assert not lock.locked()
        with pytest.raises(RuntimeError):
            condition.notify()

    def test_serves_as_a_signal_between_threads(self) -> None:
        # Taken twice by one thread: the second time it waits for somebody else's release.
        lock = self.make()
        lock.acquire()
        announcer = threading.Timer(0.01, lock.release)
        announcer.start()
        assert lock.acquire() is True
        announcer.join()


class NativeConcLockContract(NameContract, LockContract):
    """What the locks of nativeconc promise beyond `threading.Lock`."""
