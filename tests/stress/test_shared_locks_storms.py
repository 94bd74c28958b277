# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that share a lock, and are interrupted or stopped at random moments.

Short by default. NATIVECONC_STRESS=20 runs all of it 20 times as long; NATIVECONC_SEED picks the
seed.
"""

from __future__ import annotations

import os
import random
import signal
import time

import numpy as np
import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.processes import exit_code, start_fork, wait_until
from stress.schedules import SEED, run_all

PROCESSES = 3


@pytest.fixture(params=[shared.Lock, shared.RLock])
def lock(request):
    return request.param()


class Room:
    """Whoever is inside a lock leaves its mark, and finds no other."""

    def __init__(self):
        self.mark = memoryview(shared.zeros(1, dtype=np.int64))

    def visit(self, mine):
        self.mark[0] = mine
        for _ in range(3):
            assert self.mark[0] == mine


def ways_in(lock, rng, visit):
    """One entry, in one of all ways; returns whether it came to that."""
    way = rng.randrange(6)
    try:
        if way == 0:
            with lock:
                visit()
        elif way == 1:
            with lock.timeout(rng.choice([1e-4, 1000])):
                visit()
        elif way == 2:
            with nc.acquire_all(lock, timeout=1000):
                visit()
        elif way == 3:
            with lock.recover() as dead:
                assert dead is None
                visit()
        elif way == 4:
            with lock.recover(1e-4):
                visit()
        else:
            with lock.timeout(0):
                visit()
    except nc.LockTimeout:
        return False
    return True


def be_interrupted(lock, room, ready, mine, n):
    """Enter again and again, until Ctrl-C has come n times."""
    armed = False

    def interrupt(*_):
        if armed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    rng = random.Random(f"{SEED} {mine}")
    for number in range(n):
        try:
            armed = True
            ready[mine] = number + 1
            while True:
                ways_in(lock, rng, lambda: room.visit(mine))
        except KeyboardInterrupt:
            armed = False
        assert not lock._is_owned()


@pytest.mark.watchdog(3600)
def test_ctrl_c_at_random_moments_neither_loses_the_lock_nor_leaves_it_held(lock, scale):
    n, rng = 300 * scale, random.Random(SEED)
    ready, room = shared.zeros(PROCESSES + 1, dtype=np.int64), Room()
    pids = {
        mine: start_fork(lambda mine=mine: be_interrupted(lock, room, ready, mine, n))
        for mine in range(1, PROCESSES + 1)
    }
    sent = dict.fromkeys(pids, 0)
    while min(sent.values()) < n:
        mine = rng.choice([mine for mine in pids if sent[mine] < n])
        time.sleep(rng.random() * 3e-4)
        if ready[mine] > sent[mine]:  # it is at work since the last one
            sent[mine] += 1
            os.kill(pids[mine], signal.SIGINT)
    for pid in pids.values():
        assert exit_code(pid) == 0
    assert not lock.locked()
    with lock:
        pass


@pytest.mark.watchdog(3600)
def test_a_stopped_holder_does_not_stop_the_deadlines_of_others(lock, scale):
    ended = shared.zeros(PROCESSES, dtype=float)

    def hold():
        with lock:
            ready[0] = 1
            wait_until(lambda: ready[0] == 2)

    def wait(mine, timeout):
        start = time.monotonic()
        if mine == 0:
            with pytest.raises(nc.LockTimeout), lock.timeout(timeout):
                pass
        else:
            assert not lock.acquire(timeout=timeout)
        ended[mine] = time.monotonic()
        assert ended[mine] - start >= timeout

    for _ in range(scale):
        ready = shared.zeros(1, dtype=np.int64)
        holder = start_fork(hold)
        wait_until(lambda ready=ready: ready[0] == 1)
        os.kill(holder, signal.SIGSTOP)
        assert not lock.acquire(False)
        # So far apart that a busy machine does not change their order.
        waiters = [
            start_fork(lambda i=i, timeout=timeout: wait(i, timeout))
            for i, timeout in enumerate((0.02, 1.0, 2.0))
        ]
        assert [exit_code(pid) for pid in waiters] == [0] * PROCESSES
        assert list(ended) == sorted(ended)
        ready[0] = 2
        os.kill(holder, signal.SIGCONT)
        assert exit_code(holder) == 0
        with lock:
            pass


@pytest.mark.watchdog(3600)
def test_ctrl_c_reaches_those_who_wait_for_a_stopped_holder(lock):
    ready = shared.zeros(2, dtype=np.int64)

    def hold():
        with lock:
            ready[0] = 1
            wait_until(lambda: ready[0] == 2)

    def wait():
        armed = True

        def interrupt(*_):
            nonlocal armed
            if armed:
                armed = False
                raise KeyboardInterrupt

        def enter():
            signal.signal(signal.SIGINT, interrupt)
            ready[1] = 1
            with lock:
                pass

        with pytest.raises(KeyboardInterrupt):
            enter()
        assert not lock._is_owned()

    holder = start_fork(hold)
    wait_until(lambda: ready[0] == 1)
    os.kill(holder, signal.SIGSTOP)
    waiter = start_fork(wait)
    wait_until(lambda: ready[1] == 1)
    time.sleep(0.05)  # so that it waits, most of the times
    os.kill(waiter, signal.SIGINT)
    assert exit_code(waiter) == 0
    ready[0] = 2
    os.kill(holder, signal.SIGCONT)
    assert exit_code(holder) == 0


@pytest.mark.watchdog(3600)
def test_threads_of_processes_that_switch_all_the_time_exclude_each_other(lock, scale):
    n, threads = 2000 * scale, 3
    room, total = Room(), shared.zeros(1, dtype=np.int64)
    counts = shared.zeros((PROCESSES, threads), dtype=np.int64)

    def work(process):
        def enter(thread):
            rng, mine = random.Random(f"{SEED} {process} {thread}"), process * threads + thread

            def visit():
                before = total[0]
                room.visit(mine)
                total[0] = before + 1

            for _ in range(n):
                counts[process, thread] += ways_in(lock, rng, visit)

        run_all(threads, enter)

    pids = [start_fork(lambda i=i: work(i)) for i in range(PROCESSES)]
    assert [exit_code(pid) for pid in pids] == [0] * PROCESSES
    assert total[0] == counts.sum() > 0
    assert not lock.locked()


@pytest.mark.watchdog(3600)
def test_stops_at_random_moments_keep_nobody_from_their_deadlines(lock, scale):
    # Who is stopped may be anywhere: in a critical section, or in the midst of taking or waiting.
    rng, stop, room = random.Random(SEED), shared.zeros(1, dtype=np.int64), Room()

    def work(mine):
        own = random.Random(f"{SEED} {mine}")
        while not stop[0]:
            ways_in(lock, own, lambda: room.visit(mine))

    pids = [start_fork(lambda i=i: work(i)) for i in range(1, PROCESSES + 1)]
    for _ in range(60 * scale):
        time.sleep(rng.random() * 2e-3)
        stopped = rng.sample(pids, rng.randrange(1, PROCESSES + 1))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        start, timeout = time.monotonic(), rng.choice([0, 1e-3, 3e-2])
        if lock.acquire(timeout=timeout):
            room.visit(9)
            lock.release()
        else:
            assert time.monotonic() - start >= timeout
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    stop[0] = 1
    assert [exit_code(pid) for pid in pids] == [0] * PROCESSES
    assert not lock.locked()
