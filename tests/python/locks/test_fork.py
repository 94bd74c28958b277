# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a forked child finds. Each test forks in a child process of its own."""

from __future__ import annotations

import pytest

FORKING = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")

PRELUDE = """
    import os, signal, sys, threading, time
    import nativeconc as nc

    def in_fork(body):
        # Runs body in a forked child and demands that it ends well.
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                body()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def start(n, target):
        threads = [threading.Thread(target=target) for _ in range(n)]
        for thread in threads:
            thread.start()
        return threads

    def use(primitive):
        # Works as new, also between threads of this process.
        counter = 0

        def work():
            nonlocal counter
            for _ in range(200):
                with primitive:
                    seen = counter
                    time.sleep(0)
                    counter = seen + 1

        for thread in start(3, work):
            thread.join()
        assert counter == 600, counter
        assert primitive.acquire(False)
        assert not primitive.acquire(False)
        primitive.release()
"""


@pytest.fixture
def run_forking(run_script):
    def run(source):
        return run_script(PRELUDE + source, options=FORKING)

    return run


@pytest.mark.parametrize("kind", ["Lock", "Semaphore", "BoundedSemaphore"])
@pytest.mark.parametrize("wait", ["0", "0.05"], ids=["fresh", "starving"])
def test_the_holder_that_forks_keeps_its_lock_and_the_waiters_are_forgotten(
    run_forking, kind, wait
):
    run_forking(f"""
    primitive, entered = nc.{kind}(), []

    def enter():
        with primitive:
            entered.append(None)

    primitive.acquire()
    waiters = start(4, enter)
    time.sleep({wait})

    def child():
        assert not primitive.acquire(False)
        primitive.release()
        for _ in range(100):
            primitive.acquire()
            primitive.release()
        use(primitive)

    in_fork(child)
    in_fork(lambda: in_fork(child))  # a grandchild too
    assert not primitive.acquire(False)
    primitive.release()
    for waiter in waiters:
        waiter.join()
    use(primitive)
    print(len(entered))
    """).check("4\n")


def test_a_permit_kept_for_a_starved_waiter_is_free_in_the_child(run_forking):
    # Waiters starve while the main thread hammers; when it forks, some are owed the next permit.
    run_forking("""
    lock, stop = nc.Lock(), False

    def compete():
        while not stop:
            with lock:
                time.sleep(0.0005)

    def child():
        lock.release()
        with lock.timeout(20):
            pass
        use(lock)

    def child_that_does_not_hold():
        # Whoever held it is gone, or nobody held it.
        if not lock.acquire(timeout=0.05):
            lock.release()
            lock.acquire()
        lock.release()
        use(lock)

    competitors = start(4, compete)
    for _ in range(15):
        with lock:
            in_fork(child)
        lock.acquire()
        lock.release()
        in_fork(child_that_does_not_hold)
    stop = True
    for competitor in competitors:
        competitor.join()
    use(lock)
    print("done")
    """).check("done\n")


def test_a_lock_that_another_thread_held_stays_taken_in_the_child(run_forking):
    run_forking("""
    lock, semaphore = nc.Lock(), nc.Semaphore()
    done = threading.Event()

    def hold():
        with lock, semaphore:
            done.wait()

    holders = start(1, hold)
    while not lock.locked() or semaphore.acquire(False) and not semaphore.release():
        time.sleep(0.001)

    def child():
        for primitive in (lock, semaphore):
            assert primitive.acquire(False) is False
            assert primitive.acquire(timeout=0.01) is False
            try:
                with primitive.timeout(0.01):
                    raise AssertionError("entered")
            except nc.LockTimeout:
                pass
            primitive.release()  # any thread may
            use(primitive)

    in_fork(child)
    done.set()
    holders[0].join()
    use(lock)
    print("done")
    """).check("done\n")


def test_at_fork_reinit_frees_it(run_forking):
    run_forking("""
    lock = nc.Lock()
    lock.acquire()

    def enter():
        with lock:
            pass

    waiters = start(2, enter)
    time.sleep(0.02)

    def child():
        lock._at_fork_reinit()
        assert not lock.locked()
        use(lock)

    in_fork(child)
    lock.release()
    for waiter in waiters:
        waiter.join()
    print(lock.locked())
    """).check("False\n")


def test_a_semaphore_keeps_its_count(run_forking):
    run_forking("""
    semaphore = nc.Semaphore(3)
    semaphore.acquire()

    def child():
        assert semaphore.acquire(False) and semaphore.acquire(False)
        assert not semaphore.acquire(False)
        semaphore.release(7)
        assert "value=7" in repr(semaphore)

    in_fork(child)
    assert "value=2" in repr(semaphore)

    bounded = nc.BoundedSemaphore(2)
    bounded.acquire()

    def bounded_child():
        bounded.release()
        try:
            bounded.release()
        except ValueError:
            return
        raise AssertionError("released too often")

    in_fork(bounded_child)
    assert "value=1/2" in repr(bounded)
    print("done")
    """).check("done\n")


def test_a_fork_from_another_thread_makes_that_one_the_main_thread(run_forking):
    # So Ctrl-C must end its waits there.
    run_forking("""
    def child():
        assert threading.current_thread() is threading.main_thread()
        lock = nc.Lock()
        lock.acquire()
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def interrupt():
            while lock.stats().waiters == 0:
                time.sleep(0.001)
            time.sleep(0.02)  # from being counted to being asleep
            os.kill(os.getpid(), signal.SIGINT)

        start(1, interrupt)
        try:
            with lock:
                pass
        except KeyboardInterrupt:
            return
        raise AssertionError("not interrupted")

    start(1, lambda: in_fork(child))[0].join()
    print("done")
    """).check("done\n")


def test_a_signal_handler_may_fork_inside_a_wait(run_forking):
    run_forking("""
    lock, children = nc.Lock(), []

    def fork(*_):
        children.append(os.fork())

    signal.signal(signal.SIGALRM, fork)
    lock.acquire()
    start(2, lambda: lock.acquire() and lock.release())
    time.sleep(0.02)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    # In the child nobody else is left: its wait goes on, and times out.
    entered = lock.acquire(timeout=0.3)
    assert entered is False
    if children[0] == 0:
        lock.release()
        use(lock)
        os._exit(0)
    lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    print("done")
    """).check("done\n")
