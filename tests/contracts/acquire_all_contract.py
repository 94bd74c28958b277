# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `acquire_all` does, whoever implements it."""

from __future__ import annotations

import concurrent.futures
import copy
import itertools
import multiprocessing
import pickle
import threading
from types import ModuleType
from typing import Any

import pytest

import nativeconc as nc
from contracts.acquire_all_locks import ByTimeoutAlone, OneOfMany, Traced, is_free
from contracts.blocking import OtherThread, blocked_in, wait_until
from nativeconc import reference


class AcquireAllContract:
    """`kinds` is the module that has `acquire_all`, `Lock`, `RLock` and so on."""

    kinds: ModuleType

    def all(self, *locks: Any, **kwargs: Any) -> Any:
        return self.kinds.acquire_all(*locks, **kwargs)

    def every_kind(self) -> list[Any]:
        """One of each: ours, the other implementation's, the standard library's, somebody's."""
        kinds = self.kinds
        return [
            kinds.Lock(),
            kinds.RLock(),
            kinds.Semaphore(),
            kinds.BoundedSemaphore(),
            kinds.Condition(),
            kinds.Condition(kinds.Lock()),
            threading.Lock(),
            threading.RLock(),
            threading.Semaphore(),
            threading.Condition(),
            nc.Lock(),
            nc.RLock(),
            nc.Semaphore(),
            nc.Condition(),
            reference.Lock(),
            reference.RLock(),
            reference.Semaphore(),
            reference.Condition(),
            multiprocessing.Lock(),
            Traced("lock", []),
            ByTimeoutAlone(),
        ]

    def test_takes_all_and_gives_all_back(self) -> None:
        locks = self.every_kind()
        with self.all(*locks) as entered:
            assert entered is None
            assert not any(is_free(lock) for lock in locks)
        assert all(is_free(lock) for lock in locks)

    def test_a_lock_that_says_no_without_a_time_limit_is_not_taken(self) -> None:
        lock = OneOfMany([])
        lock.acquire()
        with (
            pytest.raises(nc.LockTimeout, match=r"its acquire\(\) returned False"),
            self.all(lock),
        ):
            pytest.fail("entered")

    def test_one_lock_will_do(self) -> None:
        for lock in self.every_kind():
            with self.all(lock):
                assert not is_free(lock)
            assert is_free(lock)

    def test_no_lock_at_all_is_no_wait(self) -> None:
        for timeout in (None, 0, 1):
            with self.all(timeout=timeout) as entered:
                assert entered is None

    def test_gives_all_back_when_the_body_raises(self) -> None:
        locks = [self.kinds.Lock() for _ in range(3)]
        with pytest.raises(KeyError, match="mine"), self.all(*locks):
            raise KeyError("mine")
        assert not any(lock.locked() for lock in locks)

    def test_gives_back_in_reverse_order(self) -> None:
        log: list[str] = []
        with self.all(*[Traced(name, log) for name in "abc"]):
            assert sorted(log) == ["+a", "+b", "+c"]
            log.clear()
        assert log == ["-c", "-b", "-a"]

    def test_may_be_entered_again_and_by_many_threads(self) -> None:
        a, b, inside, worst = self.kinds.Lock(), self.kinds.RLock(), [], []
        both = self.all(a, b)

        def work() -> None:
            for _ in range(100):
                with both:
                    inside.append(None)
                    worst.append(len(inside))
                    inside.pop()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(work) for _ in range(4)]:
                job.result()
        assert len(worst) == 400
        assert set(worst) == {1}
        assert is_free(a)
        assert is_free(b)

    def test_may_be_entered_inside_itself_if_its_locks_may(self) -> None:
        locks = [self.kinds.RLock(), threading.RLock()]
        both = self.all(*locks)
        with both:
            with both:
                pass
            assert not any(is_free(lock) for lock in locks)
        assert all(is_free(lock) for lock in locks)

    def test_takes_nothing_before_it_is_entered(self) -> None:
        lock = self.kinds.Lock()
        entry = self.all(lock)
        assert not lock.locked()
        del entry
        assert not lock.locked()

    # --- all or none ----------------------------------------------------------------------------

    @pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
    def test_an_error_of_a_lock_comes_out_and_none_is_held(
        self, error: type[BaseException]
    ) -> None:
        for place in range(3):
            locks = [self.kinds.Lock(), self.kinds.RLock()]
            given: list[Any] = list(locks)
            given.insert(place, Traced("broken", [], error=error))
            with pytest.raises(error), self.all(*given):
                pass
            assert all(is_free(lock) for lock in locks)

    def test_an_error_of_a_release_comes_out_and_the_others_are_released(self) -> None:
        for place in range(3):
            log: list[str] = []
            locks = [Traced(name, log) for name in "abc"]
            locks[place].release_error = ZeroDivisionError
            with pytest.raises(ZeroDivisionError), self.all(*locks):
                pass
            assert not any(lock.locked() for lock in locks)

    def test_a_lock_that_was_released_inside_is_an_error_and_the_others_are_released(self) -> None:
        locks = [self.kinds.Lock() for _ in range(3)]
        with pytest.raises(RuntimeError, match="release unlocked lock"), self.all(*locks):
            locks[1].release()
        assert not any(lock.locked() for lock in locks)

    # --- which locks ----------------------------------------------------------------------------

    def test_the_same_lock_twice_is_refused_at_once(self) -> None:
        for lock in [*self.every_kind(), self.kinds.RWLock()]:
            with pytest.raises(ValueError, match="same lock twice"):
                self.all(lock, self.kinds.Lock(), lock)

    def test_equal_locks_are_not_the_same(self) -> None:
        class Equal(Traced):
            def __eq__(self, other: object) -> bool:
                return True

            def __hash__(self) -> int:
                return 1

        with self.all(Equal("a", []), Equal("b", [])):
            pass

    def test_a_condition_and_its_lock_are_the_same(self) -> None:
        lock = self.kinds.Lock()
        for locks in (
            (lock, self.kinds.Condition(lock)),
            (self.kinds.Condition(lock), self.kinds.Condition(lock)),
        ):
            for given in (locks, locks[::-1]):
                with pytest.raises(ValueError, match="same lock twice"):
                    self.all(*given, timeout=1)

    @pytest.mark.parametrize("thing", [None, 1, "lock", object(), threading.Event(), [], ()])
    def test_what_is_no_lock_is_refused_at_once(self, thing: object) -> None:
        lock = self.kinds.Lock()
        for given in ((thing,), (lock, thing), (thing, lock)):
            with pytest.raises(TypeError, match=type(thing).__name__):
                self.all(*given)
        assert not lock.locked()

    def test_wrong_arguments_are_refused(self) -> None:
        with pytest.raises(TypeError):
            self.all(self.kinds.Lock(), seconds=1)

    # --- readers and writers --------------------------------------------------------------------

    def test_an_rwlock_means_to_write(self, other: OtherThread) -> None:
        rw, lock = self.kinds.RWLock(), self.kinds.Lock()
        for entry in (self.all(rw, lock), self.all(lock, rw.write())):
            with entry:
                assert other(rw.acquire_read, False) is False
                rw.acquire_write()
                rw.release_write()
            assert other(rw.acquire_write, False) is True
            other(rw.release_write)

    def test_a_read_of_an_rwlock_lets_others_read(self, other: OtherThread) -> None:
        rw, lock = self.kinds.RWLock(), self.kinds.Lock()
        with self.all(lock, rw.read()):
            assert other(rw.acquire_write, False) is False
            assert other(rw.acquire_read, False) is True
            other(rw.release_read)
        assert other(rw.acquire_write, False) is True
        other(rw.release_write)

    @pytest.mark.parametrize("held", ["read", "write"])
    def test_waits_for_readers_and_writers(self, other: OtherThread, held: str) -> None:
        rw, lock = self.kinds.RWLock(), self.kinds.Lock()
        other(getattr(rw, f"acquire_{held}"))
        with pytest.raises(nc.LockTimeout), self.all(lock, rw, timeout=0.01):
            pass
        assert not lock.locked()

        def enter() -> str:
            with self.all(lock, rw):
                return "inside"

        with blocked_in(enter) as waiter:
            wait_until(lambda: rw.stats().waiters == 1)
            assert not waiter.is_done()
            assert not lock.locked()
            other(getattr(rw, f"release_{held}"))
            assert waiter.result() == "inside"

    def test_an_rwlock_and_a_side_of_it_are_the_same(self) -> None:
        rw = self.kinds.RWLock()
        ways = [lambda: rw, rw.read, rw.write]
        for one, two in itertools.product(ways, repeat=2):
            with pytest.raises(ValueError, match="same lock twice"):
                self.all(one(), self.kinds.Lock(), two())

    def test_an_entry_with_a_timeout_of_its_own_is_refused(self) -> None:
        rw, lock = self.kinds.RWLock(), self.kinds.Lock()
        for entry in (rw.read(1), rw.write(timeout=0), lock.timeout(1)):
            with pytest.raises(ValueError, match="timeout"):
                self.all(entry)

    def test_to_write_what_one_reads_is_a_deadlock_and_none_is_held(self) -> None:
        rw, lock = self.kinds.RWLock(), self.kinds.Lock()
        with rw.read():
            for locks in ((rw, lock), (lock, rw)):
                with pytest.raises(nc.DeadlockError), self.all(*locks):
                    pass
                assert not lock.locked()
        with self.all(rw, lock):
            pass

    # --- the object -----------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "duplicate", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"]
    )
    def test_cannot_be_copied_or_pickled(self, duplicate: Any) -> None:
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            duplicate(self.all(self.kinds.Lock()))

    def test_keeps_its_locks_alive(self) -> None:
        with self.all(self.kinds.Lock(), self.kinds.RWLock().read()):
            pass
