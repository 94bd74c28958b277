# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a barrier does, whoever implements it: all that `threading.Barrier` documents."""

from __future__ import annotations

import concurrent.futures
import math
import threading
import time
from collections.abc import Callable
from threading import BrokenBarrierError
from typing import Any

import pytest

from contracts.blocking import Call, run_in_thread, wait_until


def results_of(calls: list[Call]) -> tuple[list[Any], int]:
    """What the calls returned, sorted, and how many found the barrier broken."""
    returned, broken = [], 0
    for call in calls:
        try:
            returned.append(call.result())
        except BrokenBarrierError:
            broken += 1
    return sorted(returned), broken


class BarrierContract:
    @staticmethod
    def make(parties: int, action: Any = None, timeout: Any = None) -> Any:
        raise NotImplementedError

    def waiting(self, barrier: Any, n: int, timeout: float | None = None) -> list[Call]:
        """So many threads that wait at the barrier by now."""
        before = barrier.n_waiting
        calls = [Call(lambda: barrier.wait(timeout)) for _ in range(n)]
        wait_until(lambda: barrier.n_waiting == before + n)
        return calls

    def test_knows_its_parties_and_state(self) -> None:
        barrier = self.make(3)
        assert barrier.parties == 3
        assert barrier.n_waiting == 0
        assert barrier.broken is False
        for name in ("parties", "n_waiting", "broken"):
            with pytest.raises(AttributeError):
                setattr(barrier, name, 1)

    def test_lets_all_go_on_when_all_have_come(self) -> None:
        barrier = self.make(4)
        calls = self.waiting(barrier, 3)
        time.sleep(0.02)
        assert not any(call.is_done() for call in calls)
        index = barrier.wait()
        returned, broken = results_of(calls)
        assert sorted([index, *returned]) == [0, 1, 2, 3]  # each has a number of its own
        assert broken == 0
        assert barrier.n_waiting == 0
        assert barrier.broken is False

    def test_may_be_passed_again_and_again(self) -> None:
        n, rounds = 5, 50
        barrier, arrived, indices = self.make(n), [0] * rounds, [[] for _ in range(rounds)]
        guard = threading.Lock()

        def walk() -> None:
            for i in range(rounds):
                with guard:
                    arrived[i] += 1
                index = barrier.wait()
                assert arrived[i] == n  # nobody goes on before all have come
                with guard:
                    indices[i].append(index)

        with concurrent.futures.ThreadPoolExecutor(n) as pool:
            for job in [pool.submit(walk) for _ in range(n)]:
                job.result()
        assert all(sorted(found) == list(range(n)) for found in indices)

    def test_more_threads_than_parties_pass_in_groups(self) -> None:
        barrier, passed = self.make(3), []
        threads = [
            threading.Thread(target=lambda: passed.append(barrier.wait())) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(passed) == sorted([0, 1, 2] * 4)

    def test_a_barrier_for_one_never_waits(self) -> None:
        barrier = self.make(1)
        for timeout in (None, 0, -1, 10):
            assert barrier.wait(timeout) == 0
        assert barrier.broken is False

    # --- the action -----------------------------------------------------------------------------

    def test_the_last_one_runs_the_action_before_anyone_goes_on(self) -> None:
        runs, by = [], []

        def action() -> None:
            time.sleep(0.01)
            by.append(threading.get_ident())
            runs.append(None)

        barrier = self.make(3, action)

        def walk() -> tuple[int, int, int]:
            index = barrier.wait()
            return index, len(runs), threading.get_ident()

        for i in range(1, 4):
            results = [call.result() for call in [Call(walk) for _ in range(3)]]
            assert {seen for _, seen, _ in results} == {i}
            assert by[-1] in {ident for _, _, ident in results}
        assert len(runs) == 3

    def test_what_the_action_returns_does_not_matter(self) -> None:
        assert self.make(1, lambda: "ignored").wait() == 0

    @pytest.mark.parametrize("error", [KeyError, SystemExit, KeyboardInterrupt])
    def test_an_error_of_the_action_breaks_the_barrier(self, error: type[BaseException]) -> None:
        def action() -> None:
            raise error("mine")

        barrier = self.make(3, action)
        calls = self.waiting(barrier, 2)
        with pytest.raises(error, match="mine"):
            barrier.wait()
        assert results_of(calls) == ([], 2)
        assert barrier.broken is True
        with pytest.raises(BrokenBarrierError):
            barrier.wait()

    def test_time_spent_in_the_action_breaks_nothing_and_lets_nobody_go(self) -> None:
        def come_in_time(seconds: float) -> bool:
            started, ended = [], []

            def action() -> None:
                started.append(None)
                time.sleep(seconds + 0.2)
                ended.append(None)

            barrier = self.make(3, action)
            calls = [Call(lambda: (barrier.wait(seconds), len(ended))) for _ in range(2)]
            wait_until(lambda: barrier.n_waiting == 2 or barrier.broken)
            try:
                barrier.wait()
            except BrokenBarrierError:
                assert not started
                return False
            assert sorted(call.result() for call in calls) == [(0, 1), (1, 1)]
            assert barrier.broken is False
            return True

        # This thread may come when the others' time is up already: then they get more.
        assert any(come_in_time(seconds) for seconds in (0.5, 4, 30))

    # --- time -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("timeout", [0.02, 1e-9, 0, -1])
    def test_breaks_when_the_time_is_up_and_not_early(self, timeout: float) -> None:
        barrier = self.make(2)
        start = time.monotonic()
        with pytest.raises(BrokenBarrierError):
            barrier.wait(timeout)
        assert time.monotonic() - start >= timeout
        assert barrier.broken is True
        assert barrier.n_waiting == 0

    def test_breaks_for_those_who_have_more_time_too(self) -> None:
        barrier = self.make(4)
        calls = self.waiting(barrier, 2)
        with pytest.raises(BrokenBarrierError):
            barrier.wait(timeout=0.02)
        assert results_of(calls) == ([], 2)

    def test_its_own_timeout_holds_unless_told_otherwise(self) -> None:
        barrier = self.make(2, timeout=0.02)
        for timeout in ((), (None,)):
            start = time.monotonic()
            with pytest.raises(BrokenBarrierError):
                barrier.wait(*timeout)
            assert time.monotonic() - start >= 0.02
            barrier.reset()
        (call,) = self.waiting(barrier, 1, timeout=100)
        time.sleep(0.04)
        assert not call.is_done()
        assert sorted([barrier.wait(0), call.result()]) == [0, 1]

    def test_the_last_one_needs_no_time(self) -> None:
        barrier = self.make(2)
        for timeout in (0, -1, threading.TIMEOUT_MAX):
            (call,) = self.waiting(barrier, 1)
            assert barrier.wait(timeout) == 1
            assert call.result() == 0

    # --- broken ---------------------------------------------------------------------------------

    def test_abort_breaks_it_for_those_who_wait_and_those_who_come(self) -> None:
        barrier = self.make(3)
        calls = self.waiting(barrier, 2)
        assert barrier.abort() is None
        assert barrier.broken is True
        assert results_of(calls) == ([], 2)
        for _ in range(3):
            with pytest.raises(BrokenBarrierError):
                barrier.wait()
        barrier.abort()
        assert barrier.broken is True
        assert barrier.n_waiting == 0

    def test_abort_breaks_it_when_nobody_waits(self) -> None:
        barrier = self.make(1)
        barrier.abort()
        with pytest.raises(BrokenBarrierError):
            barrier.wait()

    @pytest.mark.parametrize("spoil", [lambda b: b.abort(), lambda _: None], ids=["broken", "new"])
    def test_reset_makes_it_as_new(self, spoil: Callable[[Any], Any]) -> None:
        barrier = self.make(2)
        spoil(barrier)
        assert barrier.reset() is None
        assert barrier.broken is False
        (call,) = self.waiting(barrier, 1)
        assert barrier.wait() == 1
        assert call.result() == 0

    def test_reset_sends_those_who_wait_away(self) -> None:
        barrier = self.make(3)
        calls = self.waiting(barrier, 2)
        barrier.reset()
        assert results_of(calls) == ([], 2)
        assert barrier.broken is False
        assert barrier.n_waiting == 0
        calls = self.waiting(barrier, 2)
        barrier.wait()
        assert results_of(calls) == ([0, 1], 0)

    def test_a_broken_one_says_so_before_it_waits(self) -> None:
        barrier = self.make(2)
        barrier.abort()
        with pytest.raises(BrokenBarrierError):
            barrier.wait(0)
        with pytest.raises(BrokenBarrierError):
            run_in_thread(lambda: barrier.wait(timeout=100))

    # --- the object -----------------------------------------------------------------------------

    def test_takes_its_arguments_by_name_and_by_place(self) -> None:
        ran: list[None] = []
        kind = type(self.make(1))
        for barrier in (
            kind(1, lambda: ran.append(None), 5),
            kind(parties=1, action=lambda: ran.append(None), timeout=5),
            kind(timeout=None, action=lambda: ran.append(None), parties=1),
        ):
            assert barrier.wait() == 0
        assert len(ran) == 3

    @pytest.mark.parametrize(("timeout", "error"), [("1", TypeError), ([], TypeError)])
    def test_a_bad_timeout_is_refused_on_waiting_at_the_latest(
        self, timeout: Any, error: Any
    ) -> None:
        with pytest.raises(error):
            self.make(2).wait(timeout)
        with pytest.raises(error):
            self.make(2, timeout=timeout).wait()

    def test_an_action_that_cannot_be_called_is_refused_on_waiting_at_the_latest(self) -> None:
        with pytest.raises(TypeError):
            self.make(1, "not callable").wait()

    def test_wrong_arguments_are_refused(self) -> None:
        barrier = self.make(2)
        kind = type(barrier)
        for call in (
            lambda: kind(),
            lambda: kind(1, None, None, None),
            lambda: kind(1, names="barrier"),
            lambda: barrier.wait(1, 2),
            lambda: barrier.wait(seconds=1),
            lambda: barrier.reset(1),
            lambda: barrier.abort(1),
        ):
            with pytest.raises(TypeError):
                call()
        assert barrier.broken is False
        assert barrier.n_waiting == 0

    def test_repr_shows_who_waits_or_that_it_is_broken(self) -> None:
        barrier = self.make(3)
        assert f"Barrier at {id(barrier):#x}" in repr(barrier)
        assert repr(barrier).endswith(": waiters=0/3>")
        calls = self.waiting(barrier, 2)
        assert repr(barrier).endswith(": waiters=2/3>")
        barrier.abort()
        assert repr(barrier).endswith(": broken>")
        results_of(calls)

    def test_barriers_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(1), self.make(1)
        assert a == a
        assert a != b
        assert len({a, b}) == 2


class NativeConcBarrierContract(BarrierContract):
    """What the barriers of nativeconc promise beyond `threading.Barrier`."""

    @pytest.mark.parametrize("parties", [0, -1, -(2**100), 2**100])
    def test_parties_out_of_range_are_refused(self, parties: int) -> None:
        with pytest.raises(ValueError, match=f"parties must be from 1 to .* not {parties}"):
            self.make(parties)

    @pytest.mark.parametrize("parties", [1.0, "2", None, [1]])
    def test_parties_that_are_no_int_are_refused(self, parties: Any) -> None:
        with pytest.raises(
            TypeError, match=f"parties must be an int, not {type(parties).__name__}"
        ):
            self.make(parties)

    def test_an_action_that_cannot_be_called_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="action must be callable or None, not str"):
            self.make(1, "not callable")

    @pytest.mark.parametrize(
        ("timeout", "error"),
        [
            ("1", TypeError),
            (math.nan, ValueError),
            (math.inf, OverflowError),
            (threading.TIMEOUT_MAX + 1, OverflowError),
        ],
    )
    def test_a_bad_timeout_is_refused_at_once_and_breaks_nothing(
        self, timeout: Any, error: Any
    ) -> None:
        with pytest.raises(error):
            self.make(1, timeout=timeout)
        barrier = self.make(1)
        with pytest.raises(error):
            barrier.wait(timeout)
        assert barrier.broken is False
        assert barrier.wait() == 0

    def test_the_number_says_how_many_came_before(self) -> None:
        barrier = self.make(4)
        calls = []
        for _ in range(3):
            calls += self.waiting(barrier, 1)
        assert barrier.wait() == 3
        assert [call.result() for call in calls] == [0, 1, 2]

    def test_the_action_may_use_the_barrier(self) -> None:
        seen = []

        def action() -> None:
            seen.append((barrier.broken, barrier.parties, repr(barrier)))
            barrier.abort()

        barrier = self.make(2, action)
        calls = [Call(barrier.wait) for _ in range(2)]
        results_of(calls)
        assert len(seen) == 1
        assert barrier.broken is True
        barrier.reset()
        assert barrier.broken is False
