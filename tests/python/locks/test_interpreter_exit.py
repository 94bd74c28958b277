# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A daemon thread inside a wait must not disturb exit: code 0, and nothing on stderr."""

from __future__ import annotations

import pytest

# Blocked for ever; waking up again and again (so also while the interpreter shuts down); and woken
# by what happens at exit itself.
BLOCKED = """
    import threading, time
    import nativeconc as nc

    def started(*targets):
        for target in targets:
            for _ in range(3):
                threading.Thread(target=target, daemon=True).start()
        time.sleep(0.02)

    lock, semaphore, bounded = nc.Lock(), nc.Semaphore(0), nc.BoundedSemaphore(1)
    lock.acquire()
    bounded.acquire()

    def enter_lock():
        with lock: pass

    def enter_timeout():
        with lock.timeout(1000): pass

    def enter_semaphore():
        with semaphore: pass

    def enter_semaphore_timeout():
        with semaphore.timeout(1000): pass

    started(
        enter_lock, enter_timeout, enter_semaphore, enter_semaphore_timeout, lock.acquire,
        lambda: lock.acquire(timeout=1000), semaphore.acquire,
        lambda: semaphore.acquire(timeout=1000), bounded.acquire,
    )

    rlock, rw, reading = nc.RLock(), nc.RWLock(), nc.RWLock()
    condition, over_lock = nc.Condition(), nc.Condition(nc.Lock())
    event, barrier = nc.Event(), nc.Barrier(99)
    rlock.acquire()
    rw.acquire_write()
    reading.acquire_read()

    def enter_rlock():
        with rlock: pass

    def read():
        with rw.read(): pass

    def read_timed():
        with rw.read(timeout=1000): pass

    def write():
        with reading.write(): pass

    def enter_all():
        with nc.acquire_all(nc.Lock(), rlock): pass

    def wait():
        with condition: condition.wait()

    def wait_for():
        with over_lock: over_lock.wait_for(lambda: False, 1000)

    started(
        enter_rlock, read, read_timed, write, enter_all, wait, wait_for, event.wait,
        lambda: event.wait(1000), barrier.wait,
    )
"""

WAKING = """
    import threading, time
    import nativeconc as nc

    lock, semaphore = nc.Lock(), nc.Semaphore(0)
    lock.acquire()

    def poll_lock():
        while True:
            lock.acquire(timeout=0.0005)

    def poll_semaphore():
        while True:
            semaphore.acquire(timeout=0.0005)

    def poll_timeout():
        while True:
            try:
                with lock.timeout(0.0005): pass
            except nc.LockTimeout:
                pass

    rlock, rw, condition = nc.RLock(), nc.RWLock(), nc.Condition()
    event, barrier = nc.Event(), nc.Barrier(99)
    rlock.acquire()
    rw.acquire_read()

    def poll_the_others():
        while True:
            rlock.acquire(timeout=0.0005)
            rw.acquire_write(timeout=0.0005)
            with condition: condition.wait(0.0005)
            event.wait(0.0005)
            try:
                barrier.wait(0.0005)
            except nc.BrokenBarrierError:
                barrier.reset()
            try:
                with nc.acquire_all(rlock, rw, timeout=0.0005): pass
            except nc.LockTimeout:
                pass

    for target in (poll_lock, poll_semaphore, poll_timeout, poll_the_others):
        for _ in range(2):
            threading.Thread(target=target, daemon=True).start()
    time.sleep(0.02)
"""

CONTENDED = """
    import threading, time
    import nativeconc as nc

    lock, semaphore = nc.Lock(), nc.Semaphore(2)

    def compete(primitive):
        while True:
            with primitive:
                time.sleep(0)

    rw, condition = nc.RWLock(), nc.Condition()

    class All:
        def __enter__(self):
            self.entry = nc.acquire_all(lock, rw, condition)
            self.entry.__enter__()
        def __exit__(self, *args):
            self.entry.__exit__(*args)

    def turn():
        while True:
            with condition:
                condition.notify()
                condition.wait(0.001)

    for primitive in (lock, semaphore, nc.RLock(), rw.read(), rw.write(), condition):
        for _ in range(3):
            threading.Thread(target=compete, args=(primitive,), daemon=True).start()
    for target in (turn, turn, lambda: compete(All())):
        threading.Thread(target=target, daemon=True).start()
    time.sleep(0.02)
"""

RELEASED_AT_EXIT = """
    import atexit, threading, time
    import nativeconc as nc

    lock, semaphore = nc.Lock(), nc.Semaphore(0)
    lock.acquire()

    def pass_on():
        while True:
            with lock: pass

    def take():
        while True:
            semaphore.acquire()

    for target in (pass_on, take):
        for _ in range(4):
            threading.Thread(target=target, daemon=True).start()

    class AtTheEnd:
        # Dropped when the module is cleared, late in the shutdown: wakes the waiters then.
        def __init__(self, lock, semaphore):
            self.lock, self.semaphore = lock, semaphore

        def __del__(self):
            if self.lock.locked():
                self.lock.release()
            self.semaphore.release(3)

    keep = AtTheEnd(lock, semaphore)

    @atexit.register
    def work():
        lock.release()
        semaphore.release(2)
        time.sleep(0.02)
        lock.acquire(timeout=0.01)
        print("bye", flush=True)

    time.sleep(0.02)
"""


@pytest.mark.parametrize(
    ("source", "output"),
    [(BLOCKED, ""), (WAKING, ""), (CONTENDED, ""), (RELEASED_AT_EXIT, "bye\n")],
    ids=["blocked", "waking", "contended", "released-at-exit"],
)
def test_daemon_threads_in_waits_do_not_disturb_exit(run_script, scale, source, output):
    for _ in range(3 * scale):
        run_script(source).check(output)


def test_main_thread_may_end_with_sys_exit_or_an_error(run_script):
    code = BLOCKED + "\n    import sys\n    sys.exit(3)\n"
    finished = run_script(code)
    assert (finished.rc, finished.stdout, finished.stderr) == (3, "", "")
    finished = run_script(BLOCKED + "\n    1 / 0\n")
    assert finished.rc == 1
    assert finished.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


def test_locks_held_at_exit_are_no_trouble(run_script):
    run_script("""
        import nativeconc as nc
        lock, semaphore = nc.Lock(name="held"), nc.BoundedSemaphore(3)
        lock.acquire()
        semaphore.acquire()
        entry = lock.timeout(1)
    """).check("")
