# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a semaphore does, whoever implements it: all that `threading.Semaphore` documents.

`SemaphoreContract` holds for the bounded kind too; `UnboundedContract` and `BoundedContract` add
what differs, and the `NativeConc...` classes what nativeconc's promise beyond `threading`.
"""

from __future__ import annotations

import concurrent.futures
import math
import threading
import time
from typing import Any

import pytest

from contracts.blocking import blocked_in, run_in_thread

MOST = 2**31 - 1


class SemaphoreContract:
    @staticmethod
    def make(value: int = 1) -> Any:
        raise NotImplementedError

    def permits(self, semaphore: Any) -> int:
        """Counts the permits, by taking them all and giving them back."""
        taken = 0
        while semaphore.acquire(False):
            taken += 1
        if taken:
            semaphore.release(taken)
        return taken

    def drained(self, value: int = 1) -> Any:
        """A semaphore of so many permits, all of them taken."""
        semaphore = self.make(value)
        for _ in range(value):
            semaphore.acquire()
        return semaphore

    def test_starts_with_one_permit_unless_told(self) -> None:
        assert self.permits(type(self.make())()) == 1

    @pytest.mark.parametrize("value", [0, 1, 2, 7])
    def test_has_as_many_permits_as_it_was_given(self, value: int) -> None:
        assert self.permits(self.make(value)) == value

    def test_a_negative_value_is_refused(self) -> None:
        with pytest.raises(ValueError, match="value must be"):
            self.make(-1)

    def test_acquire_returns_true_and_takes_one(self) -> None:
        semaphore = self.make(3)
        assert semaphore.acquire() is True
        assert self.permits(semaphore) == 2

    def test_release_returns_none_and_gives_one(self) -> None:
        semaphore = self.drained(3)
        assert semaphore.release() is None
        assert self.permits(semaphore) == 1

    def test_release_gives_many_at_once(self) -> None:
        semaphore = self.drained(5)
        semaphore.release(3)
        assert self.permits(semaphore) == 3
        semaphore.release(n=2)
        assert self.permits(semaphore) == 5

    @pytest.mark.parametrize("n", [0, -1, -(2**40)])
    def test_release_of_less_than_one_is_refused(self, n: int) -> None:
        semaphore = self.drained(2)
        with pytest.raises(ValueError, match="n must be"):
            semaphore.release(n)
        assert self.permits(semaphore) == 0

    def test_try_of_a_drained_one_returns_false(self) -> None:
        semaphore = self.drained(2)
        assert semaphore.acquire(False) is False
        assert semaphore.acquire(blocking=False) is False
        assert semaphore.acquire(False, None) is False

    def test_any_thread_may_release(self) -> None:
        semaphore = self.drained()
        run_in_thread(semaphore.release)
        assert self.permits(semaphore) == 1

    def test_with_holds_one_for_the_body(self) -> None:
        semaphore = self.make(2)
        with semaphore as entered:
            assert entered is True
            assert self.permits(semaphore) == 1
            with semaphore:
                assert self.permits(semaphore) == 0
        assert self.permits(semaphore) == 2

    def test_with_gives_back_when_the_body_raises(self) -> None:
        semaphore = self.make(2)
        with pytest.raises(KeyError), semaphore:
            raise KeyError
        assert self.permits(semaphore) == 2

    def test_acquire_waits_until_release(self) -> None:
        semaphore = self.drained()
        with blocked_in(semaphore.acquire) as waiter:
            assert not waiter.is_done()
            semaphore.release()
            assert waiter.result() is True
        assert self.permits(semaphore) == 0

    def test_with_waits_until_release(self) -> None:
        semaphore = self.drained()

        def body() -> str:
            with semaphore:
                return "inside"

        with blocked_in(body) as waiter:
            assert not waiter.is_done()
            semaphore.release()
            assert waiter.result() == "inside"
        assert self.permits(semaphore) == 1

    def test_a_release_of_many_wakes_as_many(self) -> None:
        semaphore = self.drained(6)
        entered = []

        def enter() -> None:
            semaphore.acquire()
            entered.append(None)

        waiters = [threading.Thread(target=enter) for _ in range(6)]
        for waiter in waiters:
            waiter.start()
        for n, total in ((1, 1), (2, 3), (3, 6)):
            semaphore.release(n)
            while len(entered) < total:
                time.sleep(0.001)
            time.sleep(0.01)
            assert len(entered) == total
        for waiter in waiters:
            waiter.join()
        assert self.permits(semaphore) == 0

    def test_never_lets_more_in_than_it_has_permits(self) -> None:
        semaphore, guard = self.make(3), threading.Lock()
        inside, worst = 0, 0

        def work() -> None:
            nonlocal inside, worst
            for _ in range(100):
                with semaphore:
                    with guard:
                        inside += 1
                        worst = max(worst, inside)
                    time.sleep(0)
                    with guard:
                        inside -= 1

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for job in [pool.submit(work) for _ in range(8)]:
                job.result()
        assert worst <= 3
        assert inside == 0
        assert self.permits(semaphore) == 3

    @pytest.mark.parametrize("timeout", [0, 0.0, 0.02, 1e-9])
    def test_timed_acquire_of_a_drained_one_returns_false_and_not_early(
        self, timeout: float
    ) -> None:
        semaphore = self.drained()
        start = time.monotonic()
        assert semaphore.acquire(timeout=timeout) is False
        assert time.monotonic() - start >= timeout
        assert self.permits(semaphore) == 0

    def test_timed_acquire_of_a_free_one_returns_true(self) -> None:
        for timeout in (0, 0.01, 1, threading.TIMEOUT_MAX, None):
            semaphore = self.make()
            assert semaphore.acquire(True, timeout) is True
            assert self.permits(semaphore) == 0

    def test_timed_acquire_gets_a_permit_given_in_time(self) -> None:
        semaphore = self.drained()
        with blocked_in(lambda: semaphore.acquire(timeout=100)) as waiter:
            semaphore.release()
            assert waiter.result() is True

    def test_none_waits_for_ever(self) -> None:
        semaphore = self.drained()
        with blocked_in(lambda: semaphore.acquire(timeout=None)) as waiter:
            assert not waiter.is_done()
            semaphore.release()
            assert waiter.result() is True

    @pytest.mark.parametrize("timeout", [-1, -0.5, -1e9])
    def test_a_negative_timeout_does_not_wait(self, timeout: float) -> None:
        semaphore = self.drained()
        assert semaphore.acquire(timeout=timeout) is False
        semaphore.release()
        assert semaphore.acquire(timeout=timeout) is True

    @pytest.mark.parametrize("timeout", [0, 1, -1, 0.5])
    def test_a_try_with_a_timeout_is_refused(self, timeout: float) -> None:
        semaphore = self.make()
        with pytest.raises(ValueError, match="can't specify"):
            semaphore.acquire(False, timeout)
        assert self.permits(semaphore) == 1

    @pytest.mark.parametrize("timeout", ["1", b"1", [], object()])
    def test_timeouts_that_are_no_numbers_are_refused(self, timeout: object) -> None:
        semaphore = self.drained()
        with pytest.raises(TypeError):
            semaphore.acquire(timeout=timeout)
        assert self.permits(semaphore) == 0

    @pytest.mark.parametrize("timeout", [threading.TIMEOUT_MAX + 1e6, 1e100, math.inf])
    def test_timeouts_that_are_too_long_are_refused(self, timeout: float) -> None:
        semaphore = self.drained()
        with pytest.raises(OverflowError):
            semaphore.acquire(timeout=timeout)
        assert self.permits(semaphore) == 0

    def test_wrong_arguments_are_refused(self) -> None:
        semaphore = self.drained()
        for call in (
            lambda: semaphore.acquire(True, 1, 2),
            lambda: semaphore.acquire(block=True),
            lambda: semaphore.acquire(False, blocking=False),
            lambda: semaphore.release(1, 2),
            lambda: semaphore.release(count=1),
            lambda: semaphore.release(1, n=1),
        ):
            with pytest.raises(TypeError):
                call()
        assert self.permits(semaphore) == 0

    def test_repr_shows_the_value(self) -> None:
        semaphore = self.make(3)
        assert "value=3" in repr(semaphore)
        semaphore.acquire()
        assert "value=2" in repr(semaphore)


class UnboundedContract(SemaphoreContract):
    def test_may_grow_beyond_its_first_value(self) -> None:
        semaphore = self.make(1)
        semaphore.release()
        semaphore.release(3)
        assert self.permits(semaphore) == 5


class BoundedContract(SemaphoreContract):
    @pytest.mark.parametrize("value", [0, 1, 3])
    def test_a_release_too_many_is_refused_and_changes_nothing(self, value: int) -> None:
        semaphore = self.make(value)
        with pytest.raises(ValueError, match="Semaphore released too many times"):
            semaphore.release()
        assert self.permits(semaphore) == value

    def test_a_release_of_more_than_were_taken_gives_none_back(self) -> None:
        semaphore = self.make(3)
        semaphore.acquire()
        with pytest.raises(ValueError, match="Semaphore released too many times"):
            semaphore.release(2)
        assert self.permits(semaphore) == 2

    def test_repr_shows_the_bound(self) -> None:
        semaphore = self.make(3)
        semaphore.acquire()
        assert "value=2/3" in repr(semaphore)

    def test_is_a_semaphore(self) -> None:
        assert "Semaphore" in {base.__name__ for base in type(self.make()).__mro__[1:]}


class NativeConcSemaphoreContract(SemaphoreContract):
    """What both kinds of nativeconc promise beyond `threading`."""

    def test_nan_is_refused(self) -> None:
        for semaphore in (self.make(), self.drained()):
            before = self.permits(semaphore)
            with pytest.raises(ValueError, match="NaN"):
                semaphore.acquire(timeout=math.nan)
            assert self.permits(semaphore) == before

    def test_a_bad_timeout_is_refused_even_when_there_is_a_permit(self) -> None:
        for timeout, error in (("1", TypeError), (math.inf, OverflowError)):
            semaphore = self.make()
            with pytest.raises(error):
                semaphore.acquire(timeout=timeout)
            assert self.permits(semaphore) == 1

    @pytest.mark.parametrize("value", [1.0, "1", None, [1]])
    def test_a_value_that_is_no_int_is_refused(self, value: object) -> None:
        with pytest.raises(TypeError, match=f"value must be an int, not {type(value).__name__}"):
            self.make(value)  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", [MOST + 1, 2**63, 2**100, -(2**100)])
    def test_a_value_out_of_range_is_refused(self, value: int) -> None:
        with pytest.raises(ValueError, match=f"value must be from 0 to {MOST}, not {value}"):
            self.make(value)

    @pytest.mark.parametrize("n", [1.0, "1", None])
    def test_a_release_of_no_int_is_refused(self, n: object) -> None:
        semaphore = self.drained(2)
        with pytest.raises(TypeError, match=f"n must be an int, not {type(n).__name__}"):
            semaphore.release(n)
        assert self.permits(semaphore) == 0

    def test_a_release_out_of_range_is_refused(self) -> None:
        semaphore = self.drained(2)
        with pytest.raises(ValueError, match=f"n must be from 1 to {MOST}"):
            semaphore.release(2**31)
        assert self.permits(semaphore) == 0

    def test_what_has_an_index_counts_as_an_int(self) -> None:
        class Three:
            def __index__(self) -> int:
                return 3

        assert self.permits(self.make(Three())) == 3  # type: ignore[arg-type]

    def test_an_error_of_index_itself_comes_out(self) -> None:
        class Broken:
            def __index__(self) -> int:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.make(Broken())  # type: ignore[arg-type]


class NativeConcUnboundedContract(NativeConcSemaphoreContract, UnboundedContract):
    def test_refuses_more_permits_than_fit_and_changes_nothing(self) -> None:
        semaphore = self.make(MOST - 1)
        semaphore.release()
        with pytest.raises(OverflowError, match=f"cannot hold more than {MOST}"):
            semaphore.release()
        assert f"value={MOST}>" in repr(semaphore)


class NativeConcBoundedContract(NativeConcSemaphoreContract, BoundedContract):
    def test_the_largest_bound_is_a_bound_too(self) -> None:
        semaphore = self.make(MOST)
        with pytest.raises(ValueError, match="Semaphore released too many times"):
            semaphore.release()
        assert f"value={MOST}/{MOST}>" in repr(semaphore)
