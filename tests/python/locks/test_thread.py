# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""`nc.Thread`: `threading.Thread` with a result."""

from __future__ import annotations

import concurrent.futures
import decimal
import inspect
import math
import threading
import time
import traceback
from fractions import Fraction

import numpy as np
import pytest

import nativeconc as nc


class MishapError(Exception):
    pass


def fail(message="mine"):
    raise MishapError(message)


def start(target=None, **options):
    thread = nc.Thread(target=target, **options)
    thread.start()
    return thread


def wait_until_awaited(thread, n=1):
    while thread._outcome._waiters < n:
        time.sleep(0.001)


# --- what comes out -------------------------------------------------------------------------------


def test_result_is_what_the_target_returns():
    thread = start(pow, args=(3, 4))
    assert thread.result() == 81
    assert not thread.is_alive()


def test_the_target_gets_its_arguments():
    def target(*args, **kwargs):
        return args, kwargs

    assert start(target).result() == ((), {})
    assert start(target, args=[1, 2], kwargs={"c": 3}).result() == ((1, 2), {"c": 3})


def test_result_is_the_very_object():
    token = object()
    thread = start(lambda: token)
    assert thread.result() is thread.result() is token


def test_a_thread_without_a_target_has_the_result_none():
    assert start().result() is None


def test_result_waits_for_the_end():
    go = threading.Event()
    thread = start(lambda: go.wait() and "done")
    threading.Timer(0.02, go.set).start()
    assert thread.result() == "done"
    assert go.is_set()


@pytest.mark.usefixtures("hooked")
def test_result_raises_what_the_target_raises():
    thread = start(fail, args=("this",))
    with pytest.raises(MishapError, match="this"):
        thread.result()
    assert not thread.is_alive()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, BaseException])
@pytest.mark.usefixtures("hooked")
def test_result_raises_what_is_no_exception_too(error):
    def target():
        raise error("mine")

    with pytest.raises(error, match="mine"):
        start(target).result()


@pytest.mark.usefixtures("hooked")
def test_the_traceback_tells_where_it_was_raised():
    def inner():
        raise MishapError

    def outer():
        inner()

    thread = start(outer)
    thread.join()
    for _ in range(3):
        with pytest.raises(MishapError) as caught:
            thread.result()
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert names[-2:] == ["outer", "inner"]
        # Neither does it grow, nor does it tell of the thread's own machinery.
        assert names.count("inner") == 1
        assert "_bootstrap_inner" not in names
        assert names[0] == inspect.currentframe().f_code.co_name


@pytest.mark.usefixtures("hooked")
def test_an_exception_keeps_its_cause_and_notes():
    def target():
        try:
            fail("first")
        except MishapError as first:
            second = KeyError("second")
            second.add_note("a note")
            raise second from first

    with pytest.raises(KeyError, match="second") as caught:
        start(target).result()
    assert isinstance(caught.value.__cause__, MishapError)
    assert caught.value.__notes__ == ["a note"]


def test_result_may_be_asked_for_from_many_threads():
    go = threading.Event()
    thread = start(lambda: go.wait() and [1, 2])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = [pool.submit(thread.result) for _ in range(8)]
        wait_until_awaited(thread, 8)
        go.set()
        assert all(result.result() is thread.result() for result in results)


def test_an_exception_is_raised_in_many_threads(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail("for all"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = [pool.submit(thread.result) for _ in range(8)]
        wait_until_awaited(thread, 8)
        go.set()
        for result in results:
            with pytest.raises(MishapError, match="for all"):
                result.result()
    assert hooked == []


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0.02, 0, -1])
def test_result_raises_timeout_error_when_it_has_not_ended_and_not_early(timeout):
    go = threading.Event()
    thread = start(lambda: go.wait() and "late", name="slow one")
    for _ in range(2):
        before = time.monotonic()
        with pytest.raises(TimeoutError, match=f"slow one.* within {timeout} seconds"):
            thread.result(timeout)
        assert time.monotonic() - before >= timeout
    assert thread.is_alive()
    go.set()
    assert thread.result(timeout=100) == "late"
    assert thread.result(timeout=0) == "late"


@pytest.mark.parametrize(
    ("timeout", "error"),
    [("1", TypeError), (math.nan, ValueError), (math.inf, OverflowError), (1e100, OverflowError)],
)
def test_a_bad_timeout_is_refused(timeout, error):
    go = threading.Event()
    thread = start(go.wait)
    with pytest.raises(error):
        thread.result(timeout)
    go.set()
    assert thread.result() is True
    with pytest.raises(error):  # even when there is nothing to wait for
        thread.result(timeout)


@pytest.mark.parametrize(
    "timeout", [np.float32(100), decimal.Decimal(100), Fraction(100)], ids=repr
)
def test_any_kind_of_number_will_do(timeout):
    thread = start(lambda: time.sleep(0.01) or "done")
    assert thread.result(timeout) == "done"
    assert thread.result(timeout) == "done"


def test_the_time_limit_is_one_for_the_outcome_and_what_comes_after(monkeypatch):
    joined = []
    thread = start(lambda: time.sleep(0.2))
    monkeypatch.setattr(thread, "join", joined.append)
    thread.result(100)
    assert 0 < joined[0] <= 100 - 0.1
    thread.result()
    assert joined[1:] == [None]


def test_an_exception_after_the_time_was_up_goes_to_the_hook(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail("late"))
    with pytest.raises(TimeoutError):
        thread.result(0.01)
    go.set()
    thread.join()
    assert hooked == [(MishapError, "late", thread.name)]
    with pytest.raises(MishapError, match="late"):
        thread.result()


def test_no_exception_is_lost_between_the_end_of_the_time_and_the_hook(hooked):
    # However the two meet: the one who waits gets it, or the hook does.
    for i in range(200):
        seconds = i % 20 * 1e-4
        thread = start(lambda: time.sleep(1e-3) or fail())
        before = len(hooked)
        try:
            thread.result(seconds)
        except TimeoutError:
            thread.join()
            assert len(hooked) == before + 1
        except MishapError:
            thread.join()
    assert {kind for kind, _, _ in hooked} <= {MishapError}


# --- not now --------------------------------------------------------------------------------------


def test_a_thread_that_was_not_started_has_no_result():
    thread = nc.Thread(target=fail)
    for timeout in (None, 0, 1):
        with pytest.raises(RuntimeError, match="before it is started"):
            thread.result(timeout)


def test_a_thread_cannot_wait_for_its_own_result(hooked):
    seen = []

    def target():
        for timeout in (None, 0, 1):
            with pytest.raises(RuntimeError, match="its own result"):
                threading.current_thread().result(timeout)
            seen.append(timeout)
        return "still here"

    assert start(target).result() == "still here"
    assert seen == [None, 0, 1]
    assert hooked == []


def test_a_thread_starts_only_once():
    thread = start(lambda: "first")
    with pytest.raises(RuntimeError, match="once"):
        thread.start()
    assert thread.result() == "first"
    with pytest.raises(RuntimeError, match="once"):
        thread.start()
    assert thread.result() == "first"


def test_a_thread_that_could_not_be_started_may_be_started_later(monkeypatch):
    thread = nc.Thread(target=lambda: "at last")
    name = next(n for n in ("_start_joinable_thread", "_start_new_thread") if hasattr(threading, n))

    def refuse(*_, **__):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading, name, refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            thread.start()
    with pytest.raises(RuntimeError):
        thread.result()
    thread.start()
    assert thread.result() == "at last"


def test_without_its_init_a_thread_says_so():
    class Careless(nc.Thread):
        def __init__(self):
            pass

    thread = Careless()
    with pytest.raises(RuntimeError):
        thread.result()
    with pytest.raises(RuntimeError, match="__init__"):
        thread.start()
    with pytest.raises(RuntimeError):
        thread.result()


# --- subclasses -----------------------------------------------------------------------------------


def test_the_result_of_a_subclass_is_what_its_run_returns():
    class Worker(nc.Thread):
        def __init__(self, n):
            super().__init__(name="worker")
            self.n = n

        def run(self):
            return self.n * 2

    worker = Worker(21)
    worker.start()
    assert worker.result() == 42
    assert worker.name == "worker"


@pytest.mark.usefixtures("hooked")
def test_the_result_of_a_subclass_is_what_its_run_raises():
    class Worker(nc.Thread):
        def run(self):
            fail("in run")

    worker = Worker()
    worker.start()
    with pytest.raises(MishapError, match="in run") as caught:
        worker.result()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-2:] == ["run", "fail"]


def test_a_subclass_may_call_up_for_the_result_of_the_target():
    class Doubling(nc.Thread):
        def run(self):
            return 2 * super().run()

    thread = Doubling(target=lambda: 21)
    thread.start()
    assert thread.result() == 42


def test_a_mixin_may_bring_run():
    class Mixin:
        def run(self):
            return "from the mixin"

    class Both(Mixin, nc.Thread):
        pass

    thread = Both()
    thread.start()
    assert thread.result() == "from the mixin"


def test_one_object_may_bring_a_run_of_its_own():
    thread = nc.Thread(target=fail)
    thread.run = lambda: "of its own"
    thread.start()
    assert thread.result() == "of its own"


def test_run_may_be_called_without_a_thread():
    thread = nc.Thread(target=lambda: "here")
    assert thread.run() == "here"
    with pytest.raises(RuntimeError, match="before it is started"):
        thread.result()


# --- a thread like any other ----------------------------------------------------------------------


def test_is_a_thread_in_all_else():
    thread = nc.Thread(None, lambda: threading.current_thread(), "mine", (), {}, daemon=True)
    assert isinstance(thread, threading.Thread)
    assert inspect.signature(nc.Thread) == inspect.signature(threading.Thread)
    assert (thread.name, thread.daemon, thread.ident, thread.is_alive()) == (
        *("mine", True, None, False),
    )
    assert repr(thread) == "<Thread(mine, initial daemon)>"
    thread.start()
    assert thread.result() is thread
    assert thread.ident is not None
    assert thread.native_id is not None
    assert "stopped daemon" in repr(thread)


def test_is_named_after_its_target():
    assert nc.Thread(target=fail).name.endswith(" (fail)")


def test_is_listed_while_it_runs():
    go = threading.Event()
    thread = start(go.wait)
    assert thread in threading.enumerate()
    go.set()
    thread.join()
    assert thread not in threading.enumerate()
