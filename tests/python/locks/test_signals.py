# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Signals while a thread waits for, takes, or gives back a lock. All in child processes.

A child that is not woken by its signal never ends: the limit on children is what fails then.
"""

from __future__ import annotations

import pytest

KINDS = ["Lock", "Semaphore", "BoundedSemaphore"]
WAITS = [
    "with primitive: pass",
    "primitive.acquire()",
    "primitive.acquire(timeout=1000)",
    "with primitive.timeout(1000): pass",
]
# From another thread to the process; and to that thread itself, so that the main thread's sleep is
# not interrupted and it has to notice on its own.
SENDERS = ["os.kill(os.getpid(), signal.SIGINT)", "signal.raise_signal(signal.SIGINT)"]


@pytest.mark.parametrize("sender", SENDERS, ids=["process", "other-thread"])
@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_a_wait_and_leaves_the_primitive_consistent(run_script, wait, sender):
    # All kinds in one child: starting Python is what takes the time.
    run_script(f"""
        import os, signal, threading, time
        import nativeconc as nc

        for kind in (nc.Lock, nc.Semaphore, nc.BoundedSemaphore):
            primitive = kind()
            primitive.acquire()

            def interrupt():
                while primitive.stats().waiters == 0:
                    time.sleep(0.001)
                time.sleep(0.02)  # from being counted to being asleep
                {sender}

            for _ in range(2):
                sender = threading.Thread(target=interrupt)
                sender.start()
                try:
                    {wait}
                except KeyboardInterrupt:
                    print("interrupted")
                sender.join()
                assert not primitive.acquire(False)  # still held, by us
            primitive.release()
            with primitive:
                assert not primitive.acquire(False)
            assert primitive.acquire(False)
            primitive.release()
    """).check("interrupted\n" * 6)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_waiter_does_not_swallow_the_lock(run_script, kind):
    # Others wait too; after one waiter is interrupted, each of them still gets in.
    run_script(f"""
        import _thread, threading, time
        import nativeconc as nc

        primitive = nc.{kind}()
        entered = []

        def enter():
            with primitive:
                entered.append(None)

        def interrupt():
            while primitive.stats().waiters < 5:
                time.sleep(0.001)
            time.sleep(0.02)  # from being counted to being asleep
            _thread.interrupt_main()

        primitive.acquire()
        waiters = [threading.Thread(target=enter) for _ in range(4)]
        for waiter in waiters:
            waiter.start()
        threading.Thread(target=interrupt).start()
        try:
            with primitive:
                print("never")
        except KeyboardInterrupt:
            pass
        assert not entered
        primitive.release()
        for waiter in waiters:
            waiter.join()
        print(len(entered))
    """).check("4\n")


STORM = """
    import random, signal, threading, time
    import nativeconc as nc

    class Interruption(Exception):
        pass

    def interrupt(*_):
        raise Interruption

    signal.signal(signal.SIGALRM, interrupt)
    rng = random.Random(1)
    primitive = nc.{kind}()
    stop = False

    def compete():
        while not stop:
            with primitive:
                time.sleep(1e-5)
            time.sleep(1e-5)

    competitors = [threading.Thread(target=compete) for _ in range({competitors})]
    for competitor in competitors:
        competitor.start()
    leaked = 0
    for i in range({n}):
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 2e-4))
            while True:
                with {entry}: pass
        except Interruption:
            pass
        # The timer fires once, so from here on nothing interrupts.
        if not primitive.acquire(timeout={patience}):
            leaked += 1
        primitive.release()
    stop = True
    for competitor in competitors:
        competitor.join()
    assert primitive.acquire(False)
    print(leaked)
"""


@pytest.mark.parametrize("entry", ["primitive", "primitive.timeout(1000)"])
@pytest.mark.parametrize("kind", KINDS)
def test_3000_interruptions_never_leave_it_held(run_script, kind, entry):
    storm = STORM.format(kind=kind, entry=entry, competitors=0, n=3000, patience=0)
    run_script(storm).check("0\n")


@pytest.mark.parametrize("kind", ["Lock", "Semaphore"])
def test_interruptions_of_waits_never_leave_it_held(run_script, kind):
    storm = STORM.format(kind=kind, entry="primitive", competitors=2, n=1000, patience=30)
    run_script(storm).check("0\n")


def test_handlers_that_return_do_not_shorten_or_end_a_wait(run_script):
    run_script("""
        import signal, threading, time
        import nativeconc as nc

        ticks = 0

        def tick(*_):
            global ticks
            ticks += 1

        signal.signal(signal.SIGALRM, tick)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for kind in (nc.Lock, nc.Semaphore):
            primitive = kind()
            primitive.acquire()
            before, start = ticks, time.monotonic()
            assert primitive.acquire(timeout=0.2) is False
            assert time.monotonic() - start >= 0.2
            assert ticks > before
            before = ticks
            threading.Timer(0.2, primitive.release).start()
            assert primitive.acquire() is True
            assert ticks > before
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("waited")
    """).check("waited\n")


def test_the_deadline_stands_however_often_a_handler_runs(run_script):
    # Were the time counted anew after each signal, this wait would never end.
    run_script("""
        import signal
        import nativeconc as nc

        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        lock = nc.Lock()
        lock.acquire()
        print(lock.acquire(timeout=0.3))
        signal.setitimer(signal.ITIMER_REAL, 0)
    """).check("False\n")


def test_a_handler_may_take_another_lock_and_wait_for_it(run_script):
    run_script("""
        import signal, threading, time
        import nativeconc as nc

        outer, inner = nc.Lock(), nc.Semaphore(0)
        seen = []

        def handle(*_):
            seen.append("handler waits")
            with inner:  # a wait inside a wait
                seen.append("handler entered")

        signal.signal(signal.SIGALRM, handle)
        outer.acquire()

        def others():
            while not seen:
                time.sleep(0.001)
            time.sleep(0.05)
            inner.release()
            while len(seen) < 2:
                time.sleep(0.001)
            seen.append("outer released")
            outer.release()

        thread = threading.Thread(target=others)
        thread.start()
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with outer:
            seen.append("main entered")
        thread.join()
        print(*seen, sep=", ")
    """).check("handler waits, handler entered, outer released, main entered\n")


def test_a_handler_may_take_the_very_lock_that_is_waited_for(run_script):
    run_script("""
        import signal, threading, time
        import nativeconc as nc

        lock, seen = nc.Lock(), []

        def handle(*_):
            seen.append("handling")
            with lock:
                seen.append("handler")

        signal.signal(signal.SIGALRM, handle)
        lock.acquire()

        def others():
            while not seen:
                time.sleep(0.001)
            time.sleep(0.05)
            lock.release()

        thread = threading.Thread(target=others)
        thread.start()
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with lock:
            seen.append("main")
        thread.join()
        assert not lock.locked()
        print(*seen)
    """).check("handling handler main\n")


def test_a_handler_may_release_the_lock_that_is_waited_for(run_script):
    run_script("""
        import signal
        import nativeconc as nc

        lock = nc.Lock()
        lock.acquire()
        signal.signal(signal.SIGALRM, lambda *_: lock.release())
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with lock:
            print("in")
    """).check("in\n")


def test_signals_reach_the_main_thread_while_others_hold_and_wait(run_script):
    run_script("""
        import signal, threading, time
        import nativeconc as nc

        lock, ticks, stop = nc.Lock(), 0, False

        def tick(*_):
            global ticks
            assert threading.current_thread() is threading.main_thread()
            ticks += 1

        def compete():
            while not stop:
                with lock:
                    time.sleep(0.002)

        signal.signal(signal.SIGALRM, tick)
        competitors = [threading.Thread(target=compete) for _ in range(3)]
        for competitor in competitors:
            competitor.start()
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while ticks < 200:
            with lock:
                pass
        signal.setitimer(signal.ITIMER_REAL, 0)
        stop = True
        for competitor in competitors:
            competitor.join()
        print(lock.locked())
    """).check("False\n")


def test_other_threads_are_not_interrupted(run_script):
    run_script("""
        import signal, threading, time
        import nativeconc as nc

        lock, ticks, outcome = nc.Lock(), 0, []

        def tick(*_):
            global ticks
            ticks += 1

        signal.signal(signal.SIGALRM, tick)
        lock.acquire()
        waiter = threading.Thread(target=lambda: outcome.append(lock.acquire()))
        waiter.start()
        for _ in range(50):
            signal.pthread_kill(waiter.ident, signal.SIGALRM)
            time.sleep(0.002)
        assert not outcome and ticks > 0
        lock.release()
        waiter.join()
        print(outcome)
    """).check("[True]\n")


@pytest.mark.parametrize("kind", ["rlock", "read", "write", "condition"])
def test_a_handler_may_take_what_its_thread_waits_for_and_keep_it(run_script, kind):
    run_script(
        """
        import signal, sys, threading, time
        import nativeconc as nc

        nc.deadlock.enable(order=True)
        kind = sys.argv[1]
        lock = nc.RWLock() if kind in ("read", "write") else nc.RLock()
        condition = nc.Condition(lock) if kind == "condition" else None
        end = f"_{kind}" if kind in ("read", "write") else ""
        take, release = getattr(lock, f"acquire{end}"), getattr(lock, f"release{end}")
        rival_take, rival_release = (
            (lock.acquire_write, lock.release_write) if end else (take, release)
        )
        signal.signal(signal.SIGUSR1, lambda *_: kept.append(take()))
        kept, holds = [], threading.Event()

        def rival():
            rival_take()
            holds.set()
            while lock.stats().waiters == 0:
                time.sleep(0.001)
            time.sleep(0.02)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            while lock.stats().waiters < 2:
                time.sleep(0.001)
            rival_release()

        thread = threading.Thread(target=rival)
        if condition is not None:
            condition.acquire()
            thread.start()
            condition.wait(0.3)  # the rival comes in
        else:
            thread.start()
            holds.wait()
            take()
        thread.join()
        assert kept == [True]
        release()
        assert [hold.lock for hold in nc.deadlock.held()] == [lock]
        release()
        assert nc.deadlock.held() == []
        assert nc.acquire_all(lock, timeout=0).__enter__() is None
        """,
        kind,
    ).check("")
