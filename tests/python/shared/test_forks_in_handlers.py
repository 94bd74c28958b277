# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A signal handler that forks inside a wait, and returns in the child, too: then two wait."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nativeconc import shared
from python.shared.processes import exit_code, start_fork


@contextmanager
def forking_handler(forked: shared.Event) -> Iterator[list[int]]:
    """SIGUSR1 forks; the list has the child's pid in the parent, and 0 in the child."""
    pids: list[int] = []

    def fork(*_: object) -> None:
        pids.append(os.fork())
        forked.set()

    before = signal.signal(signal.SIGUSR1, fork)
    try:
        yield pids
    finally:
        signal.signal(signal.SIGUSR1, before)


def both(take: Callable[[], Any], give: Callable[[], None], check: Callable[[], Any]) -> None:
    """Parent and child come out of one wait, one after the other, and own what they took."""
    me, ready, forked = os.getpid(), shared.Event(), shared.Event()

    def interrupt_and_give() -> None:
        ready.wait()  # a fork inside a hook of another fork hangs in Python's own locks
        time.sleep(0.02)
        os.kill(me, signal.SIGUSR1)
        forked.wait()
        give()

    with forking_handler(forked) as pids:
        helper = start_fork(interrupt_and_give)
        ready.set()
        try:
            take()
            check()
        except BaseException:
            if pids != [0]:
                raise
            traceback.print_exc()
            os._exit(1)
        if pids == [0]:
            os._exit(0)
    assert exit_code(pids[0]) == 0
    assert exit_code(helper) == 0


def start_holding(take: Callable[[], Any], give: Callable[[], None], release: Any) -> None:
    """A child has the lock until the event is set."""
    taken = shared.Event()

    def hold() -> None:
        take()
        taken.set()
        release.wait()
        give()

    start_fork(hold)
    taken.wait()


@pytest.mark.parametrize("kind", [shared.Lock, shared.RLock])
def test_a_lock_has_one_owner_who_can_release_it(kind: Any) -> None:
    lock, release = kind(), shared.Event()
    start_holding(lock.acquire, lock.release, release)

    def check() -> None:
        assert lock.stats().owner[0] == os.getpid()
        lock.release()

    both(lock.acquire, release.set, check)
    assert lock.acquire(timeout=60)
    assert lock.stats().owner[0] == os.getpid()


@pytest.mark.parametrize("side", ["write", "read"])
def test_an_rwlock_knows_who_is_inside(side: str) -> None:
    lock, release = shared.RWLock(), shared.Event()
    start_holding(lock.acquire_write, lock.release_write, release)
    both(getattr(lock, f"acquire_{side}"), release.set, getattr(lock, f"release_{side}"))
    assert lock.acquire_write(timeout=60)


def test_a_semaphore_counts_each_process_s_permits() -> None:
    semaphore = shared.Semaphore(0)

    def give() -> None:
        semaphore.release(2)

    both(semaphore.acquire, give, semaphore.release)
    assert semaphore.acquire(timeout=60)
    assert semaphore.acquire(timeout=60)


def test_each_gets_a_message_of_its_own() -> None:
    q, got = shared.Queue(), shared.Queue()

    def take() -> None:
        message = q.get()
        got.put((os.getpid(), message))

    both(take, lambda: q.put_many(["one", "two"]), lambda: None)
    messages = dict(got.get(timeout=60) for _ in range(2))
    assert sorted(messages.values()) == ["one", "two"]
