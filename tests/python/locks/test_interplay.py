# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Our locks inside the standard library's own machinery."""

from __future__ import annotations

import queue
import sysconfig
import threading

import pytest

import nativeconc as nc


def test_condition_wait_and_notify():
    condition, items, taken = threading.Condition(nc.Lock()), [], []

    def consume():
        for _ in range(100):
            with condition:
                condition.wait_for(lambda: items)
                taken.append(items.pop(0))

    consumers = [threading.Thread(target=consume) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    for i in range(300):
        with condition:
            items.append(i)
            condition.notify()
    for consumer in consumers:
        consumer.join()
    assert sorted(taken) == list(range(300))


def test_condition_wait_gives_the_lock_up_and_takes_it_again():
    lock = nc.Lock()
    condition = threading.Condition(lock)
    with condition:
        assert condition.wait(0.01) is False
        assert lock.locked()
    assert not lock.locked()


def test_queue_internals():
    channel = queue.Queue(maxsize=2)
    channel.mutex = nc.Lock()
    channel.not_empty = threading.Condition(channel.mutex)
    channel.not_full = threading.Condition(channel.mutex)
    channel.all_tasks_done = threading.Condition(channel.mutex)
    received = []

    def consume():
        while (item := channel.get()) is not None:
            received.append(item)
            channel.task_done()
        channel.task_done()

    consumers = [threading.Thread(target=consume) for _ in range(2)]
    for consumer in consumers:
        consumer.start()
    for i in range(500):
        channel.put(i)
    for _ in consumers:
        channel.put(None)
    channel.join()
    for consumer in consumers:
        consumer.join()
    assert sorted(received) == list(range(500))


def test_the_whole_threading_machinery_on_our_locks(run_script):
    # Events, barriers, semaphores, queues, timers, executors: all of them build on threading.Lock.
    run_script("""
        import threading
        import nativeconc as nc

        threading.Lock = nc.Lock
        import concurrent.futures, logging.handlers, queue

        event = threading.Event()
        assert type(event._cond._lock) is nc.Lock
        threading.Timer(0.01, event.set).start()
        assert event.wait()

        barrier = threading.Barrier(4)
        semaphore = threading.BoundedSemaphore(2)
        passed = []

        def meet():
            for _ in range(20):
                with semaphore:
                    passed.append(barrier.parties)
                barrier.wait()

        threads = [threading.Thread(target=meet) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(passed) == 80

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(pow, i, 2) for i in range(200)]
            done, waiting = concurrent.futures.wait(futures)
            assert not waiting
            assert sum(f.result() for f in done) == sum(i * i for i in range(200))
            assert list(pool.map(str, range(10))) == list("0123456789")

        channel = queue.Queue(1)
        assert type(channel.mutex) is nc.Lock
        listener = logging.handlers.QueueListener(channel)
        listener.start()
        listener.stop()
        print("done")
    """).check("done\n")


def test_contextlib_enters_and_leaves_ours():
    import contextlib

    locks = [nc.Lock() for _ in range(5)]
    with contextlib.ExitStack() as stack:
        for lock in locks:
            stack.enter_context(lock)
        stack.enter_context(nc.Semaphore(2))
        assert all(lock.locked() for lock in locks)
    assert not any(lock.locked() for lock in locks)


SUB_INTERPRETERS = """
    import sys, textwrap
    import nativeconc as nc

    source = textwrap.dedent('''
        for _ in range(2):
            try:
                {attempt}
            except ImportError as error:
                assert "nativeconc" in str(error) and "interpreter" in str(error), error
                print("refused", flush=True)
    ''')
    if sys.version_info >= (3, 13):
        import _interpreters as interpreters

        for config in ("isolated", "legacy"):
            interpreter = interpreters.create(config)
            failure = interpreters.exec(interpreter, source)
            assert failure is None, failure
            interpreters.destroy(interpreter)
    else:
        import _xxsubinterpreters as interpreters

        for isolated in (True, False):
            interpreter = interpreters.create(isolated=isolated)
            interpreters.run_string(interpreter, source)
            interpreters.destroy(interpreter)
    with nc.Lock():
        print("works here")
"""


@pytest.mark.parametrize("attempt", ["import nativeconc", "from nativeconc import Lock"])
def test_sub_interpreters_get_a_clear_import_error(run_script, attempt):
    finished = run_script(SUB_INTERPRETERS.replace("{attempt}", attempt))
    finished.check("refused\n" * 4 + "works here\n")


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has a GIL"
)
def test_importing_leaves_the_gil_off(run_script):
    run_script("""
        import sys
        import nativeconc as nc
        assert not sys._is_gil_enabled()
    """).check("")
