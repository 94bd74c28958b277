# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How `acquire_all` waits, whoever implements it: without a deadlock, and for so long at most."""

from __future__ import annotations

import concurrent.futures
import math
import random
import threading
import time
from types import ModuleType
from typing import Any

import pytest

import nativeconc as nc
from contracts.acquire_all_locks import ByTimeoutAlone, OneOfMany, is_free
from contracts.blocking import OtherThread, blocked_in, wait_until


class AcquireAllWaitContract:
    """`kinds` is the module that has `acquire_all`, `Lock`, `RLock` and so on."""

    kinds: ModuleType

    def all(self, *locks: Any, **kwargs: Any) -> Any:
        return self.kinds.acquire_all(*locks, **kwargs)

    # --- waiting --------------------------------------------------------------------------------

    @pytest.mark.parametrize("busy", [0, 1, 2])
    def test_waits_for_the_one_that_is_taken_and_holds_none_meanwhile(
        self, other: OtherThread, busy: int
    ) -> None:
        locks = [self.kinds.Lock(), self.kinds.RLock(), threading.Lock()]
        other(locks[busy].acquire)

        def enter() -> str:
            with self.all(*locks):
                return "inside"

        with blocked_in(enter) as waiter:
            if hasattr(locks[busy], "stats"):
                wait_until(lambda: locks[busy].stats().waiters == 1)
            wait_until(lambda: [is_free(lock) for lock in locks] == [i != busy for i in range(3)])
            assert not waiter.is_done()
            other(locks[busy].release)
            assert waiter.result() == "inside"
        assert all(is_free(lock) for lock in locks)

    def test_waits_for_one_after_the_other(self, other: OtherThread) -> None:
        locks = [self.kinds.Lock() for _ in range(4)]
        for lock in locks:
            other(lock.acquire)

        def enter() -> str:
            with self.all(*locks, timeout=100):
                return "inside"

        with blocked_in(enter) as waiter:
            for lock in locks:
                assert not waiter.is_done()
                other(lock.release)
                time.sleep(0.005)
            assert waiter.result() == "inside"
        assert not any(lock.locked() for lock in locks)

    def test_threads_that_name_the_locks_in_any_order_never_deadlock(self) -> None:
        locks = [self.kinds.Lock(), self.kinds.RLock(), self.kinds.Semaphore(), threading.Lock()]
        counts = [0] * len(locks)

        def work(seed: int) -> None:
            rng = random.Random(seed)
            for _ in range(60):
                chosen = rng.sample(range(len(locks)), rng.randrange(2, 5))
                with self.all(*[locks[i] for i in chosen]):
                    for i in chosen:
                        before = counts[i]
                        time.sleep(0)
                        counts[i] = before + 1

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(work, seed) for seed in range(4)]:
                job.result()
        expected = [0] * len(locks)
        for seed in range(4):
            rng = random.Random(seed)
            for _ in range(60):
                for i in rng.sample(range(len(locks)), rng.randrange(2, 5)):
                    expected[i] += 1
        assert counts == expected
        assert all(is_free(lock) for lock in locks)

    def test_philosophers_eat(self) -> None:
        forks, meals = [self.kinds.Lock() for _ in range(5)], [0] * 5

        def dine(i: int) -> None:
            for _ in range(50):
                with self.all(forks[i], forks[(i + 1) % 5]):
                    meals[i] += 1

        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            for job in [pool.submit(dine, i) for i in range(5)]:
                job.result()
        assert meals == [50] * 5

    # --- time -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("busy", [0, 1, 2])
    @pytest.mark.parametrize("timeout", [0, 0.02, 1e-9])
    def test_raises_lock_timeout_not_early_and_holds_none(
        self, other: OtherThread, busy: int, timeout: float
    ) -> None:
        locks, ran = [self.kinds.Lock(), self.kinds.RLock(), threading.Lock()], False
        other(locks[busy].acquire)
        start = time.monotonic()
        with pytest.raises(nc.LockTimeout) as caught, self.all(*locks, timeout=timeout):
            ran = True
        assert time.monotonic() - start >= timeout
        assert ran is False
        assert isinstance(caught.value, TimeoutError)
        for i, lock in enumerate(locks):
            assert is_free(lock) is (i != busy)
        other(locks[busy].release)

    def test_all_locks_share_one_deadline(self) -> None:
        # Two locks whose holders take turns: were the time counted anew after each step back, it
        # would never be up.
        a, b, stop = self.kinds.Lock(), self.kinds.Lock(), threading.Event()

        def hold_one_of_them() -> None:
            a.acquire()
            while not stop.wait(0.005):
                b.acquire()
                a.release()
                stop.wait(0.005)
                a.acquire()
                b.release()
            a.release()

        with blocked_in(hold_one_of_them):
            wait_until(a.locked)
            try:
                with pytest.raises(nc.LockTimeout), self.all(a, b, timeout=0.2):
                    pass
            finally:
                stop.set()

    @pytest.mark.parametrize("timeout", [0, 0.01])
    def test_a_lock_that_is_free_each_time_it_is_first_does_not_put_the_end_off(
        self, timeout: float
    ) -> None:
        taken: list[OneOfMany] = []
        tries = 1000 if timeout == 0 else 10**7
        with (
            pytest.raises(nc.LockTimeout),
            self.all(OneOfMany(taken, tries), OneOfMany(taken, tries), timeout=timeout),
        ):
            pass
        assert taken == []

    @pytest.mark.parametrize("timeout", [None, 100])
    def test_a_lock_need_not_know_more_than_a_timeout(
        self, other: OtherThread, timeout: float | None
    ) -> None:
        a, b = ByTimeoutAlone(), ByTimeoutAlone()
        other(b.acquire)

        def enter() -> str:
            with self.all(a, b, timeout=timeout):
                assert not is_free(a)
                assert not is_free(b)
                return "inside"

        with blocked_in(enter) as waiter:
            assert is_free(a)
            other(b.release)
            assert waiter.result() == "inside"
        assert is_free(a)
        assert is_free(b)

    @pytest.mark.parametrize("timeout", [0, 0.0, 0.5, True, threading.TIMEOUT_MAX])
    def test_needs_no_time_for_locks_that_are_free(self, timeout: float) -> None:
        a, b = self.kinds.Lock(), self.kinds.RWLock()
        with self.all(a, b, timeout=timeout):
            assert a.locked()
        assert not a.locked()

    @pytest.mark.parametrize(
        ("timeout", "error"),
        [
            (-1, ValueError),
            (-1e-9, ValueError),
            (-math.inf, ValueError),
            (math.nan, ValueError),
            (math.inf, OverflowError),
            (threading.TIMEOUT_MAX + 1, OverflowError),
            ("1", TypeError),
            ([], TypeError),
            (1j, TypeError),
        ],
    )
    def test_a_bad_timeout_is_refused_at_once(self, timeout: Any, error: Any) -> None:
        for locks in ((), (self.kinds.Lock(),)):
            with pytest.raises(error):
                self.all(*locks, timeout=timeout)
