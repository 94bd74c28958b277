# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `nc.Thread` keeps and for how long; interrupted, forked and at the end of the process."""

from __future__ import annotations

import gc
import threading
import time
import weakref

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


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


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
@pytest.mark.usefixtures("hooked")
def test_a_failed_thread_and_its_exception_go_without_the_garbage_collector(is_asked):
    class Local:
        pass

    watched = []

    def target():
        local = Local()
        error = MishapError()
        watched.extend([weakref.ref(local), weakref.ref(error)])
        try:
            raise error
        finally:
            del error

    def ask(thread):
        with pytest.raises(MishapError):
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
        error = MishapError()
        watched.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    def ask(thread):
        try:
            thread.result()
        except MishapError:
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


@pytest.mark.usefixtures("hooked")
def test_a_failed_subclass_goes_with_its_exception():
    watched = []

    class Worker(nc.Thread):
        def run(self):
            error = MishapError()
            watched.extend([weakref.ref(error), weakref.ref(self)])
            raise error

    worker = Worker()
    worker.start()
    worker.join()
    with pytest.raises(MishapError):
        worker.result()
    del worker
    gc.collect()
    assert [ref() for ref in watched] == [None, None]


@pytest.mark.usefixtures("hooked")
def test_an_exception_raised_by_hand_in_the_target_is_the_one_that_comes_out():
    error = MishapError("kept")

    def target():
        raise error

    with pytest.raises(MishapError) as caught:
        start(target).result()
    assert caught.value is error


def test_ctrl_c_ends_the_wait_and_leaves_the_thread_alone(run_script):
    run_script("""
        import signal, threading
        import nativeconc as nc

        go = threading.Event()
        thread = nc.Thread(target=lambda: go.wait() and "done")
        thread.start()
        main = threading.main_thread().ident
        for wait in (thread.result, lambda: thread.result(1000), thread.join):
            timer = threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGINT])
            try:
                timer.start()
                wait()
            except KeyboardInterrupt:
                print("interrupted")
        go.set()
        print(thread.result())
    """).check("interrupted\n" * 3 + "done\n")


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


def test_a_forked_child_can_ask_for_a_result_whose_guard_was_held(run_script):
    run_script(
        """
        import os
        import nativeconc as nc

        thread = nc.Thread(target=lambda: 42)
        thread.start()
        thread.join()
        thread._outcome._guard.acquire()  # as another thread might have, in its result()
        if os.fork() == 0:
            os._exit(thread.result())
        print(os.waitstatus_to_exitcode(os.wait()[1]))
        """,
        options=("-W", "error", "-W", "ignore::DeprecationWarning"),
    ).check("42\n")


def test_a_forked_child_s_exception_goes_to_the_hook_though_the_parent_waits(run_script):
    run_script(
        """
        import os, threading, time
        import nativeconc as nc

        def target():
            while not thread._outcome._waiters:
                time.sleep(0.001)
            thread._outcome._guard.acquire()
            pid = os.fork()
            if pid == 0:
                threading.excepthook = lambda failed: os._exit(int(str(failed.exc_value)))
                raise ValueError(7)
            thread._outcome._guard.release()
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        thread = nc.Thread(target=target)
        thread.start()
        print(thread.result())
        """,
        options=("-W", "error", "-W", "ignore::DeprecationWarning"),
    ).check("7\n")


def test_under_the_patch_a_thread_s_own_lock_is_not_watched(run_script):
    run_script("""
        import nativeconc as nc

        nc.deadlock.patch_threading()
        nc.deadlock.enable(order=True)
        thread = nc.Thread(target=int)
        thread.start()
        thread.result()
        assert not isinstance(thread._outcome._guard, nc.Lock)
    """).check("")


def test_many_threads_at_once():
    threads = [start(lambda i=i: i * i) for i in range(100)]
    assert [thread.result() for thread in threads] == [i * i for i in range(100)]
