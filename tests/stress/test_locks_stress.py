# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Random schedules on locks and semaphores, from a seed; counters must come out exact.

Short by default. NATIVECONC_STRESS=20 runs all of it 20 times as long; NATIVECONC_SEED picks the
seed.
"""

from __future__ import annotations

import itertools
import random
import threading
import time

import pytest

import nativeconc as nc
from nativeconc import reference
from stress.schedules import SEED, THREADS, run_all

STEPS = 1000


class Ledger:
    """Counts who is inside, without a lock of its own: wrong as soon as too many are."""

    def __init__(self) -> None:
        self.total = 0
        self.inside = 0

    def enter_alone(self) -> None:
        self.inside += 1
        assert self.inside == 1
        seen = self.total
        if seen % 7 == 0:
            time.sleep(0)
        self.total = seen + 1
        assert self.inside == 1
        self.inside -= 1


def ways_in(primitive, rng, body):
    """Performs one random attempt to run body inside; returns whether it ran."""
    way = rng.randrange(7)
    if way == 0:
        with primitive:
            body()
        return True
    if way == 1:
        try:
            with primitive.timeout(rng.choice([0, 1e-5, 1e-3, 0.01])):
                body()
        except nc.LockTimeout:
            return False
        return True
    if way == 2:
        taken = primitive.acquire(False)
    elif way == 3:
        taken = primitive.acquire(timeout=rng.choice([0, 1e-6, 1e-4, 2e-3]))
    elif way == 4:
        taken = primitive.acquire(timeout=1000)
    else:
        taken = primitive.acquire()
    if taken:
        body()
        primitive.release()
    return taken


@pytest.mark.watchdog(3600)
@pytest.mark.parametrize(
    "make",
    [nc.Lock, nc.Semaphore, nc.BoundedSemaphore, reference.Lock, reference.Semaphore],
    ids=["Lock", "Semaphore", "BoundedSemaphore", "reference.Lock", "reference.Semaphore"],
)
def test_random_schedules_exclude_each_other_and_lose_nothing(make, scale):
    for round_ in range(scale):
        primitive, ledger = make(), Ledger()
        entered = [0] * THREADS

        def work(i, ledger=ledger, primitive=primitive, entered=entered, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")
            for _ in range(STEPS):
                entered[i] += ways_in(primitive, rng, ledger.enter_alone)
                if rng.random() < 0.1:
                    time.sleep(rng.random() * 1e-4)

        run_all(THREADS, work)
        assert ledger.total == sum(entered)
        assert primitive.acquire(False)
        assert not primitive.acquire(False)


@pytest.mark.watchdog(3600)
@pytest.mark.parametrize("permits", [2, 3, 5])
def test_random_schedules_on_a_semaphore_keep_its_count(permits, scale):
    for round_ in range(scale):
        semaphore = nc.BoundedSemaphore(permits)
        guard, inside, worst = threading.Lock(), 0, 0

        def body(guard=guard):
            nonlocal inside, worst
            with guard:
                inside += 1
                worst = max(worst, inside)
            time.sleep(0)
            with guard:
                inside -= 1

        def work(i, semaphore=semaphore, round_=round_, body=body):
            rng = random.Random(f"{SEED} {round_} {i}")
            for _ in range(STEPS):
                ways_in(semaphore, rng, body)

        run_all(THREADS, work)
        assert worst <= permits
        assert f"value={permits}/{permits}" in repr(semaphore)


@pytest.mark.watchdog(3600)
def test_tokens_through_a_semaphore_are_neither_lost_nor_doubled(scale):
    # Producers give in bursts, consumers take in every way. A lost token or wake-up hangs the end.
    for round_ in range(scale):
        semaphore, rng = nc.Semaphore(0), random.Random(f"{SEED} {round_}")
        bursts = [[rng.choice([1, 1, 2, 5]) for _ in range(STEPS)] for _ in range(4)]
        bursts[0].append(4 - sum(map(sum, bursts)) % 4)
        share = sum(map(sum, bursts)) // 4

        def produce(i, semaphore=semaphore, bursts=bursts):
            for n in bursts[i]:
                semaphore.release(n)

        def consume(i, semaphore=semaphore, share=share, round_=round_):
            rng = random.Random(f"{SEED} {round_} {i}")
            taken = 0
            while taken < share:
                taken += semaphore.acquire(timeout=rng.choice([None, -1, 1e-5, 1e-3, 1000]))

        run_all(8, lambda i, give=produce, take=consume: give(i) if i < 4 else take(i))
        assert not semaphore.acquire(False)


@pytest.mark.watchdog(3600)
def test_hand_over_in_a_ring_of_locks(scale):
    # Each thread waits on its own lock and releases the next one's: every wake-up is needed.
    n, laps = 5, 200 * scale
    locks = [nc.Lock() for _ in range(n)]
    for lock in locks:
        lock.acquire()
    passed = itertools.count()

    def work(i):
        for _ in range(laps):
            locks[i].acquire()
            next(passed)
            locks[(i + 1) % n].release()

    locks[0].release()
    run_all(n, work)
    assert next(passed) == n * laps
    assert [lock.locked() for lock in locks] == [False] + [True] * (n - 1)


SIGNALS = """
    import random, signal, sys, threading, time
    import nativeconc as nc

    class Interruption(Exception):
        pass

    armed = False

    def interrupt(*_):
        if armed and rng.random() < 0.5:
            raise Interruption

    sys.setswitchinterval(1e-5)
    rng = random.Random({seed})
    signal.signal(signal.SIGALRM, interrupt)
    lock, semaphore, total, stop = nc.Lock(), nc.BoundedSemaphore(2), 0, False

    def compete(seed):
        own = random.Random(seed)
        while not stop:
            with own.choice([lock, semaphore]):
                if own.random() < 0.2:
                    time.sleep(1e-5)

    threads = [threading.Thread(target=compete, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 3e-4)
    interrupted = 0
    while interrupted < {n}:
        try:
            armed = True
            while True:
                with lock: pass
                with semaphore: pass
                with lock.timeout(1000): pass
                with semaphore.timeout(1000): pass
        except Interruption:
            interrupted += 1
        armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)
    stop = True
    for thread in threads:
        thread.join()
    assert not lock.locked() and "value=2/2" in repr(semaphore), (lock, semaphore)
    print(interrupted)
"""


@pytest.mark.watchdog(3600)
def test_interruptions_among_competitors_lose_no_permit(run_script, scale):
    n = 500 * scale
    script = SIGNALS.format(seed=SEED, n=n)
    run_script(script, timeout=120 * scale).check(f"{n}\n")


FORKS = """
    import os, random, sys, threading, time
    import nativeconc as nc

    rng = random.Random({seed})
    lock, semaphore, stop = nc.Lock(), nc.Semaphore(2), False

    def compete(seed):
        own = random.Random(seed)
        while not stop:
            with lock if own.random() < 0.5 else semaphore:
                if own.random() < 0.5:
                    time.sleep(own.random() * 2e-3)

    def use(primitive, permits):
        # In the child everything that the parent's other threads held is lost: give it back.
        while primitive.acquire(False):
            pass
        for _ in range(permits):
            primitive.release()
        counts = [0] * 3

        def work(i):
            for _ in range(30):
                with primitive:
                    counts[i] += 1
                    time.sleep(0)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [30] * 3
        for _ in range(permits):
            assert primitive.acquire(False)
        assert not primitive.acquire(False)

    threads = [threading.Thread(target=compete, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for i in range({n}):
        time.sleep(rng.random() * 5e-3)
        pid = os.fork()
        if pid == 0:
            use(lock, 1)
            use(semaphore, 2)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    stop = True
    for thread in threads:
        thread.join()
    assert not lock.locked() and "value=2>" in repr(semaphore)
    print("done")
"""


@pytest.mark.watchdog(3600)
def test_forks_among_competitors_leave_parent_and_child_whole(run_script, scale):
    script = FORKS.format(seed=SEED, n=30 * scale)
    options = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")
    run_script(script, timeout=120 * scale, options=options).check("done\n")
