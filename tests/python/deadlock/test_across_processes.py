# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Deadlocks between processes: over shared locks, and over locks of threads beside them."""

from __future__ import annotations

import os
import pickle
import random
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import nativeconc as nc
from nativeconc import _core, shared
from nativeconc.deadlock import Report
from python.shared.processes import exit_code, new_name, start_fork, wait_until

HERE = Path(__file__).name


class Meeting:
    """So many threads, of whatever processes, that wait for each other."""

    def __init__(self, parties: int) -> None:
        self._there = shared.zeros(parties)

    def come(self, i: int) -> None:
        self._there[i] = 1
        wait_until(self._there.all)


@dataclass(frozen=True)
class Outcome:
    """What became of one process or thread."""

    pid: int
    report: Report | None
    text: str


def take_both(mine, yours, i: int, meeting: Meeting) -> Outcome:
    """Take one lock, and when everybody has one, another."""
    try:
        with mine:
            meeting.come(i)
            with yours:
                pass
    except nc.DeadlockError as error:
        return Outcome(os.getpid(), error.report, str(error))
    return Outcome(os.getpid(), None, "")


class Children:
    """Forked processes that send home what they return."""

    def __init__(self) -> None:
        self._pipes: dict[int, int] = {}

    def start(self, body: Callable[[], Outcome]) -> int:
        read, write = os.pipe()

        def run() -> None:
            os.write(write, pickle.dumps(body()))

        pid = start_fork(run)
        os.close(write)
        self._pipes[pid] = read
        return pid

    def outcomes(self) -> list[Outcome]:
        found = []
        for pid, pipe in self._pipes.items():
            assert exit_code(pid) == 0
            with os.fdopen(pipe, "rb") as file:
                found.append(pickle.load(file))
        return found


@pytest.fixture
def children() -> Children:
    return Children()


def only_report(outcomes: list[Outcome]) -> tuple[Outcome, Report]:
    """The one that got the error, and what it says."""
    victims = [outcome for outcome in outcomes if outcome.report is not None]
    assert len(victims) == 1, [outcome.text for outcome in outcomes]
    report = victims[0].report
    assert report is not None
    return victims[0], report


@pytest.mark.parametrize("kind", [shared.Lock, shared.RLock])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_one_of_the_processes_gets_an_error_and_the_others_go_on(kind, n, children) -> None:
    names = [new_name(f"fork-{i}") for i in range(n)]
    locks = [kind(name=name) for name in names]
    meeting = Meeting(n)
    pids = [
        children.start(lambda i=i: take_both(locks[i], locks[(i + 1) % n], i, meeting))
        for i in range(n)
    ]
    victim, report = only_report(children.outcomes())
    assert report.kind == "cycle"
    assert report.certain
    assert {party.pid for party in report.parties} == set(pids)
    assert report.raised_pid == victim.pid
    by_pid = {party.pid: party for party in report.parties}
    for i, pid in enumerate(pids):
        party = by_pid[pid]
        assert party.name == "MainThread"
        assert party.holds.name.startswith(names[i][:39])
        assert party.wants.name.startswith(names[(i + 1) % n][:39])
        assert party.wants.kind == f"shared.{kind.__name__}"
        assert Path(party.where.filename).name == HERE
        assert party.where.function.endswith("take_both")
        assert party.where.source() == "with yours:"
        assert f"process {pid}" in victim.text
    for party, following in zip(
        report.parties, [*report.parties[1:], report.parties[0]], strict=True
    ):
        assert party.wants == following.holds
    assert not any(lock.locked() for lock in locks)


def test_threads_of_one_process_deadlock_over_shared_locks(crew, only_error, reports) -> None:
    a, b = shared.RLock(), shared.Lock()
    both = threading.Barrier(2)

    def cross(mine, yours) -> None:
        with mine:
            both.wait()
            with yours:
                pass

    crew.start(cross, a, b, name="one")
    crew.start(cross, b, a, name="two")
    crew.join()
    victim, error = only_error(crew)
    assert reports == [error.report]
    assert {party.name for party in error.report.parties} == {"one", "two"}
    assert {party.pid for party in error.report.parties} == {os.getpid()}
    assert f"DeadlockError is raised in thread '{victim}' of process {os.getpid()}" in str(
        error.report
    )


def test_locks_of_threads_alone_are_reported_as_ever(ring, only_error, reports) -> None:
    marker = shared.Lock()  # this process uses shared locks
    crew = ring([nc.RLock(), nc.RLock()])
    crew.join()
    _, error = only_error(crew)
    assert reports == [error.report]
    assert {party.pid for party in error.report.parties} == {None}
    assert not marker.locked()


def three_parties(inner, children, crew) -> tuple[list[Outcome], int]:
    """A circle of two threads here, with a lock of threads between them, and another process."""
    x, y = shared.RLock(), shared.Lock()
    meeting = Meeting(3)
    found: list[Outcome] = []
    child = children.start(lambda: take_both(x, y, 2, meeting))
    crew.start(lambda: found.append(take_both(inner, x, 0, meeting)), name="holds the inner")
    crew.start(lambda: found.append(take_both(y, inner, 1, meeting)), name="wants the inner")
    return found, child


def test_a_lock_of_threads_may_be_part_of_it(children, crew) -> None:
    inner = nc.RLock(name="inner")
    found, child = three_parties(inner, children, crew)
    crew.join()
    _, report = only_report([*found, *children.outcomes()])
    assert report.certain
    assert len(report.parties) == 3
    by_name = {party.name: party for party in report.parties}
    assert by_name["wants the inner"].wants.name == "inner"
    assert by_name["wants the inner"].wants.kind == "RLock"
    assert by_name["holds the inner"].holds == by_name["wants the inner"].wants
    assert by_name["MainThread"].pid == child


def test_a_plain_lock_in_it_must_last_the_time_of_grace(children, crew) -> None:
    nc.deadlock.enable("raise", grace=0.3)
    found, _ = three_parties(nc.Lock(name="inner"), children, crew)
    crew.join()
    _, report = only_report([*found, *children.outcomes()])
    assert not report.certain


def test_a_plain_lock_in_it_gives_a_warning_and_find_shows_it(children, crew) -> None:
    nc.deadlock.enable("warn", grace=0.3)
    inner = nc.Lock(name="inner")
    with warnings.catch_warnings():  # whoever began to wait last is warned
        warnings.simplefilter("ignore", nc.DeadlockWarning)
        found, child = three_parties(inner, children, crew)
        reports: list[Report] = []
        wait_until(lambda: reports.extend(nc.deadlock.find()) or reports)
        assert not reports[0].certain
        assert {party.pid for party in reports[0].parties} == {os.getpid(), child}
        inner.release()  # anybody may
        crew.join()
    assert all(outcome.report is None for outcome in [*found, *children.outcomes()])


def test_a_wait_with_a_time_limit_is_no_part_of_it(children) -> None:
    a, b = shared.Lock(), shared.RLock()
    meeting = Meeting(2)

    def patient() -> Outcome:
        return take_both(a, b, 0, meeting)

    def impatient() -> Outcome:
        with b:
            meeting.come(1)
            assert not a.acquire(timeout=0.4)
        return Outcome(os.getpid(), None, "")

    children.start(patient)
    children.start(impatient)
    assert all(outcome.report is None for outcome in children.outcomes())


def test_acquire_all_never_deadlocks(children) -> None:
    here = nc.RLock()
    locks = [shared.Lock(), shared.RLock(), shared.Lock()]
    counts = shared.zeros(1, dtype=int)

    def work(seed: int) -> Outcome:
        choose = random.Random(seed)
        threads = [threading.Thread(target=turns, args=(choose.random(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Outcome(os.getpid(), None, "")

    def turns(seed: float) -> None:
        choose = random.Random(seed)
        for _ in range(100):
            some = [here, *locks]
            choose.shuffle(some)
            with nc.acquire_all(*some):
                counts[0] += 1

    for seed in range(3):
        children.start(lambda seed=seed: work(seed))
    assert len(children.outcomes()) == 3
    assert counts[0] == 3 * 2 * 100


def test_who_waits_for_a_lock_is_known_everywhere(children) -> None:
    lock = shared.Lock()
    lock.acquire()

    def wait() -> Outcome:
        assert lock.acquire(timeout=100)
        lock.release()
        return Outcome(os.getpid(), None, "")

    child = children.start(wait)
    wait_until(lambda: lock.stats().waiters == 1)
    uid = int.from_bytes(bytes(lock._buffer)[8:16], "little")
    ((pid, tid, mode, timed, _, thread, place),) = _core.shared_waiters(uid)
    assert (pid, tid, mode, timed, thread) == (child, child, "lock", True, "MainThread")
    assert Path(place[0]).name == HERE
    lock.release()
    children.outcomes()
    assert lock.stats().waiters == 0
