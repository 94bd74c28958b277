# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Shared semaphores in other processes: who holds what, handles, names, and deaths."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.holders import kill, starting_holders
from python.shared.processes import exit_code, in_fork, new_name, start_fork
from python.shared.turns import METHODS, add, run_in_processes

KINDS = [shared.Semaphore, shared.BoundedSemaphore]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def start_holder() -> Iterator[Callable[[Any, int], int]]:
    """Starts a child that takes so many permits, and keeps them; gives its pid."""
    with starting_holders() as start:
        yield lambda semaphore, n: start(lambda: [semaphore.acquire() for _ in range(n)])


def permits(semaphore: Any) -> int:
    """How many can be taken."""
    n = 0
    while semaphore.acquire(False):
        n += 1
    if n:
        semaphore.release(n)
    return n


# --- deaths --------------------------------------------------------------------------------------


def test_the_permits_of_a_dead_process_come_back(kind: Any, start_holder: Any) -> None:
    semaphore = kind(3)
    holder = start_holder(semaphore, 2)
    assert permits(semaphore) == 1
    assert semaphore._holders() == [(holder, 2)]
    kill(holder)
    assert permits(semaphore) == 3
    assert semaphore._holders() == []


def test_a_waiter_gets_the_permit_of_one_that_dies(kind: Any, start_holder: Any) -> None:
    semaphore = kind(1)
    holder = start_holder(semaphore, 1)
    waiter = nc.Thread(target=semaphore.acquire)
    waiter.start()
    time.sleep(0.03)
    kill(holder)
    assert waiter.result(60) is True


def test_a_process_that_just_ends_gives_back_what_it_had(kind: Any) -> None:
    semaphore = kind(2)
    in_fork(semaphore.acquire)
    assert permits(semaphore) == 2


def test_permits_stay_when_a_thread_ends(kind: Any) -> None:
    semaphore = kind(2)
    thread = threading.Thread(target=semaphore.acquire)
    thread.start()
    thread.join()
    assert permits(semaphore) == 1


def test_a_release_for_others_is_taken_off_the_oldest_holder(start_holder: Any) -> None:
    semaphore = shared.Semaphore(4)
    oldest, younger = start_holder(semaphore, 2), start_holder(semaphore, 2)
    semaphore.release(3)
    assert semaphore._holders() == [(younger, 1)]
    kill(oldest)
    assert permits(semaphore) == 3
    semaphore.release(3)
    assert permits(semaphore) == 6
    kill(younger)
    assert permits(semaphore) == 6


def test_a_bounded_one_refuses_what_a_dead_process_gave_back_already(start_holder: Any) -> None:
    semaphore = shared.BoundedSemaphore(2)
    kill(start_holder(semaphore, 2))
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release()
    assert permits(semaphore) == 2


def test_a_wait_keeps_its_deadline_while_the_holder_is_stopped(
    kind: Any, start_holder: Any
) -> None:
    semaphore = kind(1)
    os.kill(start_holder(semaphore, 1), signal.SIGSTOP)
    before = time.monotonic()
    assert semaphore.acquire(timeout=0.1) is False
    assert time.monotonic() - before >= 0.1
    with pytest.raises(nc.LockTimeout), semaphore.timeout(0.05):
        pass


def test_a_forked_child_holds_nothing_of_what_its_parent_does(kind: Any) -> None:
    semaphore = kind(2)
    with semaphore:
        in_fork(lambda: permits(semaphore) == 1 or os._exit(1))
        assert permits(semaphore) == 1
    assert permits(semaphore) == 2


# --- in other processes --------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_one_permit_keeps_processes_apart(kind: Any, method: str) -> None:
    semaphore, numbers = kind(1), shared.zeros(2, dtype=int)
    run_in_processes(method, add, *[(semaphore, numbers, 1000)] * 3)
    assert numbers[0] == 3000
    assert permits(semaphore) == 1


def test_serves_as_a_signal_between_processes() -> None:
    there, back = shared.Semaphore(0), shared.Semaphore(0)

    def answer() -> None:
        for _ in range(200):
            there.acquire()
            back.release()

    child = start_fork(answer)
    for _ in range(200):
        there.release()
        assert back.acquire(timeout=60)
    assert exit_code(child) == 0


def test_stats_count_the_waits_of_all_processes(kind: Any) -> None:
    semaphore = kind(1)
    with semaphore:
        in_fork(lambda: semaphore.acquire(timeout=0.02))
    stats = semaphore.stats()
    assert (stats.waited, stats.owner) == (1, None)
    assert stats.wait_max == stats.wait_total >= 0.02


class Slots(shared.BoundedSemaphore):
    """A subclass with something of its own."""

    def __init__(self, owner: str) -> None:
        super().__init__(3)
        self.owner = owner


def test_a_subclass_keeps_its_attributes() -> None:
    slots = Slots("Ada")
    other = pickle.loads(pickle.dumps(slots))
    assert isinstance(other, Slots)
    assert other.owner == "Ada"
    with slots:
        assert "value=2/3>" in repr(other)


def test_cannot_be_copied(kind: Any) -> None:
    for attempt in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot copy"):
            attempt(kind())


def test_is_not_used_before_it_is_made(kind: Any) -> None:
    unmade = kind.__new__(kind)
    for use in (unmade.acquire, unmade.release, unmade.stats, unmade.__enter__, unmade._holders):
        with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
            use()
    assert "unmade" in repr(unmade)


def test_is_made_only_once(kind: Any) -> None:
    semaphore = kind(2)
    with pytest.raises(RuntimeError, match="called already"):
        semaphore.__init__(3)
    assert permits(semaphore) == 2


# --- names ---------------------------------------------------------------------------------------


def test_whoever_asks_for_a_name_gets_the_same_semaphore(kind: Any) -> None:
    name = new_name("semaphore")
    first, second, third = kind(2, name=name), kind(2, name=name), shared.attach(name)
    assert type(third) is kind
    assert third.name == name
    with first, second:
        assert third.acquire(False) is False
    assert permits(third) == 2
    assert repr(name) in repr(third)


def test_unrelated_programs_meet(kind: Any) -> None:
    name = new_name("semaphore")
    semaphore = kind(2, name=name)
    script = (
        "from nativeconc import shared\n"
        f"semaphore = shared.{kind.__name__}(2, name={name!r})\n"
        "print(semaphore.acquire(), semaphore.acquire(False))\n"
    )
    with semaphore:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "True False", done.stderr
    assert permits(semaphore) == 2


def test_what_differs_is_refused(kind: Any) -> None:
    name = new_name("semaphore")
    semaphore = kind(2, name=name)
    with pytest.raises(ValueError, match="value=3"):
        kind(3, name=name)
    other = next(other for other in KINDS if other is not kind)
    for wrong in (lambda: other(2, name=name), lambda: shared.Lock(name=name)):
        with pytest.raises(ValueError, match="it is another"):
            wrong()
    assert permits(semaphore) == 2
