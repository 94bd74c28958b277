# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The standard library's machinery over a patched `threading`, in processes of their own."""

from __future__ import annotations

import os
import sys
import textwrap

import pytest

PATCHED = """
    import threading
    import nativeconc as nc
    nc.deadlock.patch_threading()
    nc.deadlock.enable(policy="raise", order=True, stacks=True)
"""


@pytest.fixture
def run_patched(run_script):
    """Runs source in a child in which threading is patched first of all."""

    def run(source, **keywords):
        return run_script(textwrap.dedent(PATCHED) + textwrap.dedent(source), **keywords)

    return run


def test_threads_timers_and_what_they_are_made_of(run_patched):
    run_patched("""
        seen = []
        local = threading.local()

        def work(n):
            local.n = n
            seen.append(threading.current_thread().name)

        threads = [threading.Thread(target=work, args=(i,), daemon=i % 2) for i in range(20)]
        assert type(threads[0]._started) is nc.Event
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
            assert not thread.is_alive()
        assert len(seen) == 20 and len(threading.enumerate()) == 1
        timer = threading.Timer(0.01, seen.append, ["timer"])
        timer.start()
        timer.join()
        assert seen[-1] == "timer"
        cancelled = threading.Timer(1000, seen.append)
        cancelled.start()
        cancelled.cancel()
        cancelled.join()

        # A thread that Python did not start gets a Thread of its own.
        import _thread
        done = threading.Event()
        _thread.start_new_thread(lambda: (threading.current_thread(), done.set()), ())
        done.wait()
        print("done")
    """).check("done\n")


def test_queues_executors_and_logging(run_patched):
    run_patched("""
        import concurrent.futures, logging, logging.handlers, queue, sched, socketserver

        assert type(queue.Queue().mutex) is nc.Lock
        assert type(logging._lock) is nc.RLock
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(pow, i, 2) for i in range(200)]
            assert sum(f.result() for f in concurrent.futures.as_completed(futures)) == sum(
                i * i for i in range(200)
            )
            assert list(pool.map(str, range(10))) == list("0123456789")
        leftover = concurrent.futures.ThreadPoolExecutor(2)  # ended by the interpreter
        leftover.submit(pow, 2, 2)

        for kind in (queue.Queue, queue.LifoQueue, queue.PriorityQueue):
            channel, received = kind(3), []

            def consume():
                while (item := channel.get()) >= 0:
                    received.append(item)
                    channel.task_done()
                channel.task_done()

            consumers = [threading.Thread(target=consume) for _ in range(3)]
            for consumer in consumers:
                consumer.start()
            for i in range(300):
                channel.put(i)
            channel.join()
            for _ in consumers:
                channel.put(-1)
            for consumer in consumers:
                consumer.join()
            assert sorted(received) == list(range(300))

        channel = queue.Queue()
        handler = logging.StreamHandler(open("/dev/null", "w"))
        listener = logging.handlers.QueueListener(channel, handler)
        logger = logging.getLogger("x")
        logger.addHandler(logging.handlers.QueueHandler(channel))
        listener.start()
        threads = [threading.Thread(target=lambda: [logger.error("e") for _ in range(50)])
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        listener.stop()
        handler.stream.close()
        print("done")
    """).check("done\n")


def test_all_primitives_do_their_work(run_patched):
    run_patched("""
        event, barrier, semaphore = threading.Event(), threading.Barrier(3), threading.Semaphore(2)
        condition, items, log = threading.Condition(), [], []

        def work():
            event.wait()
            barrier.wait()
            with semaphore:
                log.append("in")
            with condition:
                while not items:
                    condition.wait()
                log.append(items.pop())

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        event.set()
        for i in range(3):
            with condition:
                items.append(i)
                condition.notify()
        for thread in threads:
            thread.join()
        assert sorted(map(str, log)) == ["0", "1", "2", "in", "in", "in"]
        print("done")
    """).check("done\n")


FORKING = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")


def test_fork_with_threads_handlers_and_executors(run_patched):
    # What registers with os.register_at_fork takes its locks before a fork, and makes them anew.
    run_patched(
        """
        import concurrent.futures, logging, os, queue, traceback

        event, ready = threading.Event(), threading.Event()

        def wait():
            ready.set()
            event.wait()

        background = threading.Thread(target=wait)
        background.start()
        ready.wait()
        logging.basicConfig(stream=open(os.devnull, "w"))
        pool = concurrent.futures.ThreadPoolExecutor(2)
        assert pool.submit(pow, 2, 3).result() == 8

        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert threading.active_count() == 1
                logging.error("in the child")
                with concurrent.futures.ThreadPoolExecutor(2) as another:
                    assert another.submit(pow, 3, 3).result() == 27
                thread = threading.Thread(target=lambda: logging.error("in a thread"))
                thread.start()
                thread.join()
                channel = queue.Queue()
                channel.put(1)
                assert channel.get() == 1
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        event.set()
        background.join()
        pool.shutdown()
        print("done")
        """,
        options=(*FORKING, "-W", "ignore::ResourceWarning"),
    ).check("done\n")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(run_script, tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import threading
import nativeconc as nc
nc.deadlock.patch_threading()
import multiprocessing

def work(numbers, answers):
    for n in iter(numbers.get, None):
        answers.put(n * n)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    numbers, answers = context.Queue(), context.Queue()
    numbers.put(0)  # starts the feeder thread before the fork
    children = [context.Process(target=work, args=(numbers, answers)) for _ in range(2)]
    for child in children:
        child.start()
    for n in range(1, 20):
        numbers.put(n)
    for _ in children:
        numbers.put(None)
    assert sorted(answers.get() for _ in range(20)) == [n * n for n in range(20)]
    for child in children:
        child.join()
        assert child.exitcode == 0
    with context.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
    with context.Manager() as manager:
        shared = manager.dict(a=1)
        assert shared["a"] == 1
    print("done")
""",
        encoding="utf-8",
    )
    run_script(script, options=FORKING).check("done\n")


def test_asyncio_with_threads(run_patched):
    run_patched("""
        import asyncio

        async def main():
            return await asyncio.gather(*(asyncio.to_thread(pow, i, 2) for i in range(20)))

        assert asyncio.run(main()) == [i * i for i in range(20)]
        print("done")
    """).check("done\n")


def test_daemon_threads_at_exit(run_patched):
    run_patched("""
        import time

        lock, condition, event = threading.Lock(), threading.Condition(), threading.Event()
        lock.acquire()

        def wait_for_notify():
            with condition:
                condition.wait()

        for target in (lock.acquire, wait_for_notify, event.wait, threading.Barrier(2).wait,
                       threading.Semaphore(0).acquire):
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.05)
        print("done")
    """).check("done\n")


LIBRARY = """
import threading

class Account:
    def __init__(self):
        self.lock = threading.RLock()

    def pay(self, other, both):
        with self.lock:
            both.wait()
            with other.lock:
                pass
"""


def test_code_that_knows_nothing_of_us_takes_part_in_detection(run_patched, tmp_path):
    (tmp_path / "library.py").write_text(LIBRARY, encoding="utf-8")
    run_patched(
        """
        import warnings
        from library import Account

        warnings.simplefilter("ignore")
        a, b, both, errors = Account(), Account(), threading.Barrier(2), []

        def pay(x, y):
            try:
                x.pay(y, both)
            except nc.DeadlockError as error:
                errors.append(error)

        threads = [threading.Thread(target=pay, args=pair) for pair in ((a, b), (b, a))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(errors) == 1
        assert "library.py:11, in Account.pay" in str(errors[0])
        assert "with other.lock:" in str(errors[0])
        print("done")
        """,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    ).check("done\n")


def test_the_standard_library_s_own_suite_of_queues_passes(run_script):
    # An independent judge: CPython's tests of queue.Queue, over our locks.
    pytest.importorskip("test.test_queue", reason="this Python was installed without its tests")
    done = run_script(
        """
        import nativeconc as nc
        nc.deadlock.patch_threading()
        import sys, unittest
        unittest.main("test.test_queue", argv=["x"], verbosity=0)
        """,
        options=(),
        timeout=110,
    )
    assert done.rc == 0, done.stderr
    assert "OK" in done.stderr
