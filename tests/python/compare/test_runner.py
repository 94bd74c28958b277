# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import gc
import threading

import pytest

from nativeconc.comparison.runner import WorkError, run_calls
from nativeconc.comparison.starting import ThreadsRefusedError
from nativeconc.comparison.ways import Way


def numbered_calls(count, log):
    def make(index):
        return lambda threads: log.append((index, threads, threading.get_ident()))

    return [make(index) for index in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_every_call_is_made_once_and_shared_out_evenly(threads) -> None:
    log = []
    run = run_calls(numbered_calls(12, log), 12, Way.RELEASED, threads)
    assert sorted(index for index, _, _ in log) == list(range(12))
    assert run.end >= run.start
    assert run.cpu_s >= 0


def test_calls_go_round() -> None:
    log = []
    run_calls(numbered_calls(3, log), 8, Way.RELEASED, 1)
    assert [index for index, _, _ in log] == [0, 1, 2, 0, 1, 2, 0, 1]


def test_threads_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3)
    run_calls([lambda _t: meeting.wait(timeout=60)], 3, Way.RELEASED, 3)


def test_the_pool_is_called_by_one_thread_and_told_how_many() -> None:
    log = []
    run_calls(numbered_calls(4, log), 4, Way.POOL, 8)
    assert {threads for _, threads, _ in log} == {8}
    assert len({ident for _, _, ident in log}) == 1


def test_what_a_call_raises_comes_out_and_the_others_stop() -> None:
    def fail(_threads):
        raise RuntimeError("no luck")

    with pytest.raises(WorkError, match="RuntimeError: no luck") as caught:
        run_calls([fail], 1000, Way.RELEASED, 2)
    assert isinstance(caught.value.cause, RuntimeError)


def test_threads_that_cannot_be_started_are_a_clear_error(monkeypatch) -> None:
    started, start = [], threading.Thread.start

    def start_two(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    with pytest.raises(ThreadsRefusedError, match="grants no more threads"):
        run_calls([lambda _t: None], 3, Way.RELEASED, 3)
    for thread in started:  # run_calls has told them to end, but waits for so long only
        thread.join()


def test_a_call_that_exits_does_not_end_the_program() -> None:
    def leave(_threads):
        raise SystemExit(3)

    with pytest.raises(WorkError, match="SystemExit"):
        run_calls([leave], 2, Way.RELEASED, 2)


def test_garbage_collection_is_off_meanwhile_and_on_afterwards() -> None:
    seen = []
    assert gc.isenabled()
    run_calls([lambda _t: seen.append(gc.isenabled())], 2, Way.RELEASED, 2)
    assert seen == [False, False]
    assert gc.isenabled()
