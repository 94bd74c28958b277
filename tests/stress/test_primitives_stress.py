# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Random schedules on RLock, RWLock, Condition, Event, Barrier and acquire_all, from a seed.

Short by default. NATIVECONC_STRESS=20 runs all of it 20 times as long; NATIVECONC_SEED picks the
seed.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque

import pytest

import nativeconc as nc
from nativeconc import reference
from stress.schedules import SEED, THREADS, run_all

STEPS = 400


class Room:
    """Checks who is inside of a reader-writer lock, without a lock of its own."""

    def __init__(self) -> None:
        self.readers = deque()
        self.writers = 0
        self.written = 0

    def read(self) -> None:
        self.readers.append(None)
        assert self.writers == 0
        seen = self.written
        time.sleep(0)
        assert self.writers == 0
        assert self.written == seen
        self.readers.popleft()

    def write(self) -> None:
        self.writers += 1
        assert self.writers == 1
        assert not self.readers
        seen = self.written
        time.sleep(0)
        self.written = seen + 1
        assert self.writers == 1
        assert not self.readers
        self.writers -= 1


def visit(rw, room, rng):
    """One random visit; returns whether it wrote."""
    way = rng.randrange(9)
    if way < 3:
        with rw.read():
            room.read()
            if rng.random() < 0.3:
                with rw.read():
                    room.read()
        return False
    if way == 3:
        try:
            with rw.read(timeout=rng.choice([0, 1e-5, 1e-3])):
                room.read()
        except nc.LockTimeout:
            pass
        return False
    if way == 4:
        if rw.acquire_read(False):
            room.read()
            rw.release_read()
        return False
    if way == 5:
        with rw.write():
            room.write()
            with rw.read(), rw.write():
                pass
        return True
    if way == 6:
        rw.acquire_write()
        room.write()
        rw.downgrade()
        room.read()
        rw.release_read()
        return True
    if way == 7:
        try:
            with rw.write(timeout=rng.choice([0, 1e-5, 1e-3])):
                room.write()
        except nc.LockTimeout:
            return False
        return True
    if rw.acquire_write(timeout=rng.choice([1e-6, 1e-4, 100])):
        room.write()
        rw.release_write()
        return True
    return False


@pytest.mark.watchdog(3600)
@pytest.mark.parametrize("make", [nc.RWLock, reference.RWLock], ids=["native", "reference"])
def test_no_writer_is_ever_beside_anybody(make, scale):
    for round_ in range(scale):
        rw, room, written = make(), Room(), [0] * THREADS

        def work(i, rw=rw, room=room, written=written, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")
            for _ in range(STEPS):
                written[i] += visit(rw, room, rng)

        run_all(THREADS, work)
        assert room.written == sum(written)
        assert "unlocked" in repr(rw)


@pytest.mark.watchdog(3600)
@pytest.mark.parametrize("make", [nc.RLock, reference.RLock], ids=["native", "reference"])
def test_recursive_locks_exclude_each_other_at_every_depth(make, scale):
    for round_ in range(scale):
        lock, total = make(), [0, 0]

        def work(i, lock=lock, total=total, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")

            def go(depth):
                if not lock.acquire(timeout=rng.choice([-1, 100, 1e-4])):
                    return
                seen = total[0]
                total[1] += 1
                if depth:
                    go(depth - 1)
                    seen = total[0]
                if rng.random() < 0.1:
                    time.sleep(0)
                assert total[0] == seen
                total[0] = seen + 1
                lock.release()

            for _ in range(STEPS):
                go(rng.randrange(4))

        run_all(THREADS, work)
        assert total[0] == total[1]
        assert not lock.locked()


@pytest.mark.watchdog(3600)
@pytest.mark.parametrize("over", [nc.RLock, nc.Lock, threading.RLock, threading.Lock])
def test_items_through_a_condition_are_neither_lost_nor_doubled(over, scale):
    for round_ in range(scale):
        condition, items, got = nc.Condition(over()), deque(), [[] for _ in range(4)]
        n = STEPS

        def produce(i, condition=condition, items=items, n=n, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")
            for k in range(n):
                with condition:
                    items.append((i, k))
                    condition.notify(rng.choice([1, 1, 2]))

        def consume(i, condition=condition, items=items, got=got, n=n, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")
            while len(got[i]) < n:
                with condition:
                    while not items:
                        condition.wait(rng.choice([None, 100, 1e-4]))
                    got[i].append(items.popleft())
                    if items:
                        condition.notify()

        run_all(8, lambda i, p=produce, c=consume: p(i) if i < 4 else c(i - 4))
        assert sorted(item for items_of in got for item in items_of) == sorted(
            (i, k) for i in range(4) for k in range(n)
        )
        assert repr(condition).endswith(", 0)>")


@pytest.mark.watchdog(3600)
def test_a_barrier_never_lets_anyone_run_ahead(scale):
    n, rounds = 5, 100 * scale
    at, actions = [0] * n, []
    barrier = nc.Barrier(n, action=lambda: actions.append(min(at)))

    def work(i):
        for k in range(rounds):
            at[i] = k
            barrier.wait()
            assert min(at) >= k
            barrier.wait()

    run_all(n, work)
    assert actions == [k for k in range(rounds) for _ in range(2)]


@pytest.mark.watchdog(3600)
def test_an_event_lets_everybody_through_however_short_it_is_set(scale):
    # The setter goes on only when all have been let through: a waiter left behind hangs the test.
    n, rounds = 6, 100 * scale
    event, waiting, passed = nc.Event(), nc.Semaphore(0), nc.Barrier(n + 1)

    def work(i):
        for _ in range(rounds):
            if i < n:
                waiting.release()
                assert event.wait()
            else:
                for _ in range(n):
                    waiting.acquire()
                while event.stats().waiters < n:
                    time.sleep(0)
                event.set()
                event.clear()
            passed.wait()

    run_all(n + 1, work)


@pytest.mark.watchdog(3600)
def test_threads_that_take_many_locks_in_any_order_never_deadlock(scale):
    for round_ in range(scale):
        locks = [nc.Lock(), nc.RLock(), threading.Lock(), nc.RWLock(), nc.Semaphore()]
        counts = [0] * len(locks)
        entered = [0] * THREADS

        def work(i, locks=locks, counts=counts, entered=entered, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")
            for _ in range(STEPS // 4):
                chosen = rng.sample(range(len(locks)), rng.randrange(1, 5))
                timeout = rng.choice([None, 100, 1e-3])
                try:
                    with nc.acquire_all(*(locks[k] for k in chosen), timeout=timeout):
                        before = [counts[k] for k in chosen]
                        time.sleep(0)
                        for k, count in zip(chosen, before, strict=True):
                            assert counts[k] == count
                            counts[k] = count + 1
                        entered[i] += len(chosen)
                except nc.LockTimeout:
                    pass

        run_all(THREADS, work)
        assert sum(counts) == sum(entered)
        with nc.acquire_all(*locks, timeout=0):
            pass


FORKS = """
    import os, random, sys, threading, time
    import nativeconc as nc

    rng = random.Random({seed})
    rlock, rw, condition, event = nc.RLock(), nc.RWLock(), nc.Condition(), nc.Event()
    stop = False

    def compete(seed):
        own = random.Random(seed)
        while not stop:
            way = own.randrange(5)
            if way == 0:
                with rlock: time.sleep(own.random() * 1e-3)
            elif way == 1:
                with rw.read(): time.sleep(own.random() * 1e-3)
            elif way == 2:
                with rw.write(): time.sleep(own.random() * 1e-3)
            elif way == 3:
                with condition: condition.wait(1e-3)
            else:
                with condition: condition.notify_all()

    def enters(entry):
        # A child enters, or learns that a thread of its parent holds the lock. It never hangs.
        try:
            with entry:
                return True
        except nc.DeadlockError:
            return False

    def use():
        assert repr(condition).endswith(", 0)>") and event.stats().waiters == 0
        entries = [rlock, rw.read(), rw.write(), condition]
        for _ in range(2):
            for entry in entries:
                before = enters(entry)
                assert enters(entry) == before
        event.set()
        assert event.wait()
        for fresh in (nc.RLock(), nc.RWLock().write(), nc.Condition()):
            assert enters(fresh)

    threads = [threading.Thread(target=compete, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for i in range({n}):
        time.sleep(rng.random() * 5e-3)
        pid = os.fork()
        if pid == 0:
            use()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    stop = True
    for thread in threads:
        thread.join()
    assert not rlock.locked() and "unlocked" in repr(rw) and not condition._lock.locked()
    print("done")
"""


@pytest.mark.watchdog(3600)
def test_a_child_forked_at_any_moment_never_hangs(run_script, scale):
    script = FORKS.format(seed=SEED, n=40 * scale)
    options = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")
    run_script(script, timeout=120 * scale, options=options).check("done\n")
