# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""`nc.Thread`: `threading.Thread` with a result."""

from __future__ import annotations

import concurrent.futures
import gc
import inspect
import math
import threading
import time
import traceback
import weakref

import pytest

import nativeconc as nc


class Mishap(Exception):
    pass


def fail(message="mine"):
    raise Mishap(message)


@pytest.fixture
def hooked(monkeypatch):
    """What went to threading.excepthook."""
    caught = []

    def hook(args):
        caught.append((args.exc_type, str(args.exc_value), args.thread.name))

    monkeypatch.setattr(threading, "excepthook", hook)
    return caught


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def start(target=None, **options):
    thread = nc.Thread(target=target, **options)
    thread.start()
    return thread


def wait_until_awaited(thread, n=1):
    while thread._outcome._waiters < n:
        time.sleep(0.001)


# --- what comes out ---------------------------------------------------------------------------------


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


def test_result_raises_what_the_target_raises(hooked):
    thread = start(fail, args=("this",))
    with pytest.raises(Mishap, match="this"):
        thread.result()
    assert not thread.is_alive()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, BaseException])
def test_result_raises_what_is_no_exception_too(hooked, error):
    def target():
        raise error("mine")

    with pytest.raises(error, match="mine"):
        start(target).result()


def test_the_traceback_tells_where_it_was_raised(hooked):
    def inner():
        raise Mishap

    def outer():
        inner()

    thread = start(outer)
    thread.join()
    for _ in range(3):
        with pytest.raises(Mishap) as caught:
            thread.result()
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert names[-2:] == ["outer", "inner"]
        # Neither does it grow, nor does it tell of the thread's own machinery.
        assert names.count("inner") == 1
        assert "_bootstrap_inner" not in names
        assert names[0] == inspect.currentframe().f_code.co_name


def test_an_exception_keeps_its_cause_and_notes(hooked):
    def target():
        try:
            fail("first")
        except Mishap as first:
            second = KeyError("second")
            second.add_note("a note")
            raise second from first

    with pytest.raises(KeyError, match="second") as caught:
        start(target).result()
    assert isinstance(caught.value.__cause__, Mishap)
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
            with pytest.raises(Mishap, match="for all"):
                result.result()
    assert hooked == []


# --- time -------------------------------------------------------------------------------------------


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


def test_an_exception_after_the_time_was_up_goes_to_the_hook(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail("late"))
    with pytest.raises(TimeoutError):
        thread.result(0.01)
    go.set()
    thread.join()
    assert hooked == [(Mishap, "late", thread.name)]
    with pytest.raises(Mishap, match="late"):
        thread.result()


def test_no_exception_is_lost_between_the_end_of_the_time_and_the_hook(hooked):
    # However the two meet: the one who waits gets it, or the hook does.
    for i in range(200):
        seconds = i % 20 * 1e-4
        thread = start(lambda seconds=seconds: time.sleep(1e-3) or fail())
        before = len(hooked)
        try:
            thread.result(seconds)
        except TimeoutError:
            thread.join()
            assert len(hooked) == before + 1
        except Mishap:
            thread.join()
    assert {kind for kind, _, _ in hooked} <= {Mishap}


# --- not now ----------------------------------------------------------------------------------------


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

    def refuse(*args, **kwargs):
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


# --- threading.excepthook ---------------------------------------------------------------------------


def test_the_hook_runs_when_nobody_waits(hooked):
    thread = start(fail, name="lonely")
    thread.join()
    assert hooked == [(Mishap, "mine", "lonely")]


def test_result_raises_even_after_the_hook_ran(hooked):
    thread = start(fail)
    thread.join()
    for _ in range(2):
        with pytest.raises(Mishap, match="mine"):
            thread.result()
    assert len(hooked) == 1


def test_the_hook_does_not_run_when_somebody_waits(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        result = pool.submit(thread.result)
        wait_until_awaited(thread)
        go.set()
        with pytest.raises(Mishap):
            result.result()
    assert hooked == []


def test_whoever_joins_does_not_wait_for_the_result(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        joined = pool.submit(thread.join)
        time.sleep(0.02)
        go.set()
        joined.result()
    assert len(hooked) == 1


def test_the_hook_sees_exception_traceback_and_thread(monkeypatch):
    seen = []

    def hook(args):
        names = [frame.name for frame in traceback.extract_tb(args.exc_traceback)]
        seen.append((args.exc_type, str(args.exc_value), names[-1], args.thread))

    monkeypatch.setattr(threading, "excepthook", hook)
    thread = start(fail)
    thread.join()
    assert seen == [(Mishap, "mine", "fail", thread)]


def test_the_usual_hook_prints(capfd):
    thread = start(fail, name="printing")
    thread.join()
    err = capfd.readouterr().err
    assert "Exception in thread printing" in err
    assert "Mishap: mine" in err
    assert ", in fail" in err


def test_the_usual_hook_says_nothing_of_system_exit(capfd):
    def leave():
        raise SystemExit(3)

    thread = start(leave)
    thread.join()
    assert capfd.readouterr().err == ""
    with pytest.raises(SystemExit) as caught:
        thread.result()
    assert caught.value.code == 3


def test_a_hook_that_fails_does_not_change_the_result(monkeypatch, capfd):
    monkeypatch.setattr(threading, "excepthook", lambda args: 1 / 0)
    thread = start(fail)
    thread.join()
    assert "Exception in threading.excepthook" in capfd.readouterr().err
    with pytest.raises(Mishap):
        thread.result()


# --- subclasses -------------------------------------------------------------------------------------


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


def test_the_result_of_a_subclass_is_what_its_run_raises(hooked):
    class Worker(nc.Thread):
        def run(self):
            fail("in run")

    worker = Worker()
    worker.start()
    with pytest.raises(Mishap, match="in run") as caught:
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


# --- a thread like any other ------------------------------------------------------------------------


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


def test_lets_go_of_the_target_and_its_arguments():
    class Argument:
        pass

    argument = Argument()
    watched = weakref.ref(argument)
    thread = start(lambda _: None, args=(argument,))
    thread.join()
    del argument
    gc.collect()
    assert watched() is None


@pytest.mark.usefixtures("no_collector")
def test_a_finished_thread_goes_without_the_garbage_collector():
    class Value:
        pass

    for target in (Value, lambda: None):
        thread = start(target)
        watched = [weakref.ref(thread)]
        value = thread.result()
        if value is not None:
            watched.append(weakref.ref(value))
        del thread, value
        assert [ref() for ref in watched] == [None] * len(watched)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("is_asked", [True, False], ids=["asked", "not-asked"])
def test_a_failed_thread_and_its_exception_go_without_the_garbage_collector(hooked, is_asked):
    class Local:
        pass

    watched = []

    def target():
        local = Local()
        error = Mishap()
        watched.extend([weakref.ref(local), weakref.ref(error)])
        try:
            raise error
        finally:
            del error

    def ask(thread):
        with pytest.raises(Mishap):
            thread.result()

    thread = start(target)
    thread.join()
    watched.append(weakref.ref(thread))
    assert watched[1]() is not None
    if is_asked:
        # Whoever asks is in the traceback, so it must not be the one who keeps the thread.
        ask(weakref.proxy(thread))
    del thread
    assert [ref() for ref in watched] == [None] * 3


@pytest.mark.usefixtures("no_collector")
def test_an_exception_that_somebody_waited_for_goes_without_the_garbage_collector(hooked):
    go, watched = threading.Event(), []

    def target():
        go.wait()
        error = Mishap()
        watched.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    def ask(thread):
        try:
            thread.result()
        except Mishap:
            return "raised"

    thread = start(target)
    asker = start(ask, args=(weakref.proxy(thread),))
    wait_until_awaited(thread)
    go.set()
    assert asker.result() == "raised"
    watched.append(weakref.ref(thread))
    del thread
    assert [ref() for ref in watched] == [None, None]
    assert hooked == []


def test_a_failed_subclass_goes_with_its_exception(hooked):
    watched = []

    class Worker(nc.Thread):
        def run(self):
            error = Mishap()
            watched.extend([weakref.ref(error), weakref.ref(self)])
            raise error

    worker = Worker()
    worker.start()
    worker.join()
    with pytest.raises(Mishap):
        worker.result()
    del worker
    gc.collect()
    assert [ref() for ref in watched] == [None, None]


def test_an_exception_raised_by_hand_in_the_target_is_the_one_that_comes_out(hooked):
    error = Mishap("kept")

    def target():
        raise error

    with pytest.raises(Mishap) as caught:
        start(target).result()
    assert caught.value is error


def test_ctrl_c_ends_the_wait_and_leaves_the_thread_alone(run_script):
    run_script("""
        import _thread, threading
        import nativeconc as nc

        go = threading.Event()
        thread = nc.Thread(target=lambda: go.wait() and "done")
        thread.start()
        threading.Timer(0.1, _thread.interrupt_main).start()
        try:
            thread.result()
        except KeyboardInterrupt:
            print("interrupted")
        go.set()
        print(thread.result())
    """).check("interrupted\ndone\n")


def test_a_daemon_thread_does_not_keep_the_process(run_script):
    run_script("""
        import threading
        import nativeconc as nc

        never = threading.Event()
        waited_for = nc.Thread(target=never.wait, daemon=True)
        waited_for.start()
        nc.Thread(target=waited_for.result, daemon=True).start()
        print("end")
    """).check("end\n")


def test_other_threads_keep_the_process_until_they_end(run_script):
    run_script("""
        import time
        import nativeconc as nc

        def work():
            time.sleep(0.1)
            print("worked")

        nc.Thread(target=work).start()
    """).check("worked\n")


def test_a_forked_child_is_told_that_a_thread_of_its_parent_has_no_result(run_script):
    finished = run_script(
        """
        import os, threading
        import nativeconc as nc

        go = threading.Event()
        thread = nc.Thread(target=lambda: go.wait() and "parent's")
        thread.start()
        if os.fork() == 0:
            try:
                thread.result()
            except RuntimeError as error:
                assert "did not end in this process" in str(error), error
                os._exit(7)
            os._exit(1)
        _, status = os.wait()
        go.set()
        print(os.waitstatus_to_exitcode(status), thread.result())
        """,
        options=("-W", "error", "-W", "ignore::DeprecationWarning"),  # 3.12 warns of forking
    )
    finished.check("7 parent's\n")


def test_a_forked_child_can_start_threads_of_its_own(run_script):
    run_script(
        """
        import os
        import nativeconc as nc

        def child():
            inner = nc.Thread(target=lambda: 40)
            inner.start()
            return inner.result() + 2

        def target():
            if os.fork() == 0:
                os._exit(child())
            return os.waitstatus_to_exitcode(os.wait()[1])

        thread = nc.Thread(target=target)
        thread.start()
        print(thread.result())
        """,
        options=("-W", "error", "-W", "ignore::DeprecationWarning"),
    ).check("42\n")


def test_many_threads_at_once():
    threads = [start(lambda i=i: i * i) for i in range(100)]
    assert [thread.result() for thread in threads] == [i * i for i in range(100)]
