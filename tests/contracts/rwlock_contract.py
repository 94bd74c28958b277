# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a reader-writer lock does, whoever implements it. (`threading` has none.)

`RWLockContract` is about who may be inside with whom. Each in a file of its own:
`RWLockNestingContract` is about reading and writing inside one's own, `RWLockOrderContract` about
who goes first.
"""

from __future__ import annotations

import concurrent.futures
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from contracts.blocking import OtherThread, blocked_in, run_in_thread
from contracts.name_contract import NameContract
from contracts.rwlock_sides import SIDES, acquire, both_sides, release, state


class RWLockContract(NameContract):
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def test_is_born_free(self) -> None:
        assert state(self.make()) == "free"

    def test_acquire_returns_true_and_release_none(self) -> None:
        lock = self.make()
        for side, held in (("read", "read"), ("write", "written")):
            assert acquire(lock, side) is True
            assert state(lock) == held
            assert release(lock, side) is None
            assert state(lock) == "free"

    def test_many_read_at_once(self) -> None:
        lock, all_inside = self.make(), threading.Barrier(8)

        def read() -> None:
            with lock.read():
                all_inside.wait()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for job in [pool.submit(read) for _ in range(8)]:
                job.result()
        assert state(lock) == "free"

    @both_sides
    def test_a_writer_keeps_everybody_out(self, other: OtherThread, side: str) -> None:
        lock = self.make()
        other(lock.acquire_write)
        assert acquire(lock, side, False) is False
        assert acquire(lock, side, blocking=False) is False
        other(lock.release_write)
        assert acquire(lock, side, False) is True

    def test_readers_keep_writers_out_until_the_last_has_left(self, other: OtherThread) -> None:
        lock = self.make()
        lock.acquire_read()
        other(lock.acquire_read)
        lock.release_read()
        assert lock.acquire_write(False) is False
        other(lock.release_read)
        assert lock.acquire_write(False) is True

    @pytest.mark.parametrize(
        ("held", "wanted"), [("read", "write"), ("write", "read"), ("write", "write")]
    )
    def test_whoever_may_not_go_in_waits(self, held: str, wanted: str) -> None:
        lock = self.make()
        acquire(lock, held)

        def enter() -> str:
            with getattr(lock, wanted)():
                return "inside"

        with blocked_in(enter) as waiter:
            assert not waiter.is_done()
            release(lock, held)
            assert waiter.result() == "inside"
        assert state(lock) == "free"

    # --- time -----------------------------------------------------------------------------------

    @both_sides
    @pytest.mark.parametrize("timeout", [0, 0.02, 1e-9])
    def test_a_timed_wait_returns_false_and_not_early(
        self, other: OtherThread, side: str, timeout: float
    ) -> None:
        lock = self.make()
        other(lock.acquire_write)
        start = time.monotonic()
        assert acquire(lock, side, timeout=timeout) is False
        assert time.monotonic() - start >= timeout
        assert acquire(lock, side, True, timeout) is False
        other(lock.release_write)
        assert state(lock) == "free"

    @both_sides
    @pytest.mark.parametrize("timeout", [0, 0.5, 100, threading.TIMEOUT_MAX, -1])
    def test_a_timed_acquire_of_a_free_lock_returns_true(self, side: str, timeout: float) -> None:
        lock = self.make()
        assert acquire(lock, side, True, timeout) is True
        assert state(lock) != "free"

    @pytest.mark.parametrize("timeout", [100, threading.TIMEOUT_MAX, -1])
    @pytest.mark.parametrize(("held", "wanted"), [("read", "write"), ("write", "read")])
    def test_a_timed_acquire_gets_a_lock_that_is_released_in_time(
        self, held: str, wanted: str, timeout: float
    ) -> None:
        lock = self.make()
        acquire(lock, held)
        with blocked_in(lambda: acquire(lock, wanted, timeout=timeout)) as waiter:
            assert not waiter.is_done()
            release(lock, held)
            assert waiter.result() is True

    def test_waits_whose_time_was_up_leave_it_usable(self, other: OtherThread) -> None:
        lock = self.make()
        for held, wanted in (("read", "write"), ("write", "read"), ("write", "write")):
            other(acquire, lock, held)
            for _ in range(10):
                assert acquire(lock, wanted, timeout=0.001) is False
            other(release, lock, held)
            assert state(lock) == "free"

    def check_refused(self, error: Any, timeout: Any, side: str) -> None:
        for held in (None, "read", "write"):
            lock = self.make()
            with OtherThread() as other:
                if held:
                    other(acquire, lock, held)
                before = state(lock)
                with pytest.raises(error):
                    acquire(lock, side, timeout=timeout)
                assert state(lock) == before
                if held:
                    other(release, lock, held)
            assert state(lock) == "free"

    @both_sides
    @pytest.mark.parametrize("timeout", [-2, -0.5, -1 - 1e-10, -math.inf, math.nan])
    def test_negative_timeouts_and_nan_are_refused(self, side: str, timeout: float) -> None:
        self.check_refused(ValueError, timeout, side)

    @both_sides
    @pytest.mark.parametrize("timeout", [threading.TIMEOUT_MAX + 1, math.inf, 2**70])
    def test_timeouts_that_are_too_long_are_refused(self, side: str, timeout: float) -> None:
        self.check_refused(OverflowError, timeout, side)

    @both_sides
    @pytest.mark.parametrize("timeout", ["1", b"1", [], 1j, None])
    def test_timeouts_that_are_no_numbers_are_refused(self, side: str, timeout: object) -> None:
        self.check_refused(TypeError, timeout, side)

    @both_sides
    @pytest.mark.parametrize("timeout", [0, 1, 0.5])
    def test_a_try_with_a_timeout_is_refused(self, side: str, timeout: float) -> None:
        lock = self.make()
        with pytest.raises(ValueError, match="can't specify a timeout for a non-blocking"):
            acquire(lock, side, False, timeout)
        assert acquire(lock, side, False, -1) is True

    # --- whose it is ----------------------------------------------------------------------------

    @both_sides
    @pytest.mark.parametrize("held", [None, *SIDES])
    def test_releasing_what_one_does_not_hold_is_an_error(
        self, other: OtherThread, side: str, held: str | None
    ) -> None:
        lock = self.make()
        if held:
            other(acquire, lock, held)
        before = state(lock)
        with pytest.raises(RuntimeError, match="this thread does not hold"):
            release(lock, side)
        assert state(lock) == before
        if held:
            other(release, lock, held)

    def test_reading_is_not_writing(self) -> None:
        lock = self.make()
        for held, wrong in (("read", "write"), ("write", "read")):
            acquire(lock, held)
            with pytest.raises(RuntimeError, match="this thread does not hold"):
                release(lock, wrong)
            release(lock, held)
            assert state(lock) == "free"

    def test_a_thread_that_gets_the_number_of_a_dead_one_does_not_hold_its_locks(self) -> None:
        for side in SIDES:
            lock = self.make()
            run_in_thread(lambda lock=lock, side=side: acquire(lock, side))
            for _ in range(10):  # thread numbers are used again, usually at once
                with pytest.raises(RuntimeError):
                    run_in_thread(lambda lock=lock, side=side: release(lock, side))
                assert run_in_thread(lambda lock=lock: lock.acquire_write(False)) is False

    # --- the object -----------------------------------------------------------------------------

    def test_wrong_arguments_are_refused(self) -> None:
        lock = self.make()
        calls: list[Callable[[], Any]] = [
            lambda: lock.release_read(1),
            lambda: lock.release_write(1),
            lambda: lock.downgrade(1),
        ]
        for side in SIDES:
            take, enter = getattr(lock, f"acquire_{side}"), getattr(lock, side)
            calls += [
                lambda take=take: take(True, 1, 2),
                lambda take=take: take(block=True),
                lambda take=take: take(True, blocking=True),
                lambda take=take: take(True, 1, timeout=1),
                lambda enter=enter: enter(1, 2),
                lambda enter=enter: enter(1, timeout=1),
                lambda enter=enter: enter(seconds=1),
            ]
        for call in calls:
            with pytest.raises(TypeError):
                call()
        assert state(lock) == "free"

    def test_repr_says_who_is_inside(self) -> None:
        lock = self.make()
        assert repr(lock).startswith("<unlocked ")
        with lock.read():
            assert repr(lock).startswith("<read-locked ")
        with lock.write():
            assert repr(lock).startswith("<write-locked ")
            with lock.read():
                assert repr(lock).startswith("<write-locked ")
        assert repr(lock).startswith("<unlocked ")
        assert f"RWLock object at {id(lock):#x}" in repr(lock)

    def test_locks_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(), self.make()
        assert a == a
        assert a != b
        assert len({a, b}) == 2

    def test_entries_release_when_the_body_raises(self) -> None:
        lock = self.make()
        for side in SIDES:
            with pytest.raises(KeyError, match="mine"), getattr(lock, side)():
                raise KeyError("mine")
            assert state(lock) == "free"

    @both_sides
    def test_one_entry_serves_many_threads(self, side: str) -> None:
        lock = self.make()
        entry, entered = getattr(lock, side)(), []

        def work() -> None:
            for _ in range(50):
                with entry:
                    entered.append(None)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(work) for _ in range(4)]:
                job.result()
        assert len(entered) == 200
        assert state(lock) == "free"

    def test_no_reader_ever_sees_a_writer_at_work(self) -> None:
        lock, accounts = self.make(), [100, 100]
        readers, seen = 0, set()
        guard = threading.Lock()

        def read() -> None:
            nonlocal readers
            for _ in range(100):
                with lock.read():
                    with guard:
                        readers += 1
                    seen.add(sum(accounts))
                    time.sleep(0)
                    with guard:
                        readers -= 1

        def write() -> None:
            for i in range(100):
                with lock.write():
                    assert readers == 0
                    accounts[0] -= i
                    time.sleep(0)
                    accounts[1] += i

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for job in [pool.submit(work) for work in [read, write] * 3]:
                job.result()
        assert seen == {200}
        assert state(lock) == "free"
