# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Deadlocks between processes over shared reader-writer locks; who waits for a semaphore."""

from __future__ import annotations

import os
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from python.deadlock.test_across_processes import (
    Children,
    Meeting,
    Outcome,
    children,  # noqa: F401 - a fixture
    only_report,
    take_both,
)
from python.shared.processes import wait_until


@pytest.mark.parametrize(
    ("held", "wanted"), [("read", "write"), ("write", "read"), ("write", "write")]
)
def test_one_of_two_gets_an_error_and_the_other_goes_on(
    held: str,
    wanted: str,
    children: Children,  # noqa: F811
) -> None:
    a, b = shared.RWLock(), shared.RWLock()
    meeting = Meeting(2)

    def take(i: int) -> Outcome:
        mine, yours = (a, b) if i == 0 else (b, a)
        return take_both(getattr(mine, held)(), getattr(yours, wanted)(), i, meeting)

    pids = [children.start(lambda i=i: take(i)) for i in range(2)]
    victim, report = only_report(children.outcomes())
    assert report.certain
    assert {party.pid for party in report.parties} == set(pids)
    assert {party.wants.kind for party in report.parties} == {"shared.RWLock"}
    assert f"process {victim.pid}" in victim.text
    for lock in (a, b):
        assert lock.acquire_write(False)
        lock.release_write()


def test_a_writer_that_waits_for_a_reader_is_in_the_way_of_others(
    children: Children,  # noqa: F811
) -> None:
    table, lock = shared.RWLock(), shared.Lock()
    meeting = Meeting(2)

    def read_then_lock() -> Outcome:
        return take_both(table.read(), lock, 0, meeting)

    def lock_then_write() -> Outcome:
        return take_both(lock, table.write(), 1, meeting)

    pids = {children.start(read_then_lock), children.start(lock_then_write)}
    _, report = only_report(children.outcomes())
    assert {party.pid for party in report.parties} == pids
    assert {party.wants.kind for party in report.parties} == {"shared.RWLock", "shared.Lock"}


@pytest.mark.parametrize("kind", [shared.Semaphore, shared.RWLock])
def test_who_waits_is_known_everywhere(kind: Any, children: Children) -> None:  # noqa: F811
    primitive = kind()
    take = primitive.acquire if kind is shared.Semaphore else primitive.acquire_write
    give = primitive.release if kind is shared.Semaphore else primitive.release_write
    take()

    def wait() -> Outcome:
        assert take(timeout=100)
        give()
        return Outcome(os.getpid(), None, "")

    children.start(wait)
    wait_until(lambda: primitive.stats().waiters == 1)
    give()
    children.outcomes()
    assert primitive.stats().waiters == 0


def test_a_semaphore_is_nobodys(children: Children) -> None:  # noqa: F811
    semaphore, lock = shared.Semaphore(0), shared.Lock()
    meeting = Meeting(2)

    def wait_with_the_lock() -> Outcome:
        with lock:
            meeting.come(0)
            assert semaphore.acquire()
        return Outcome(os.getpid(), None, "")

    def release_without() -> Outcome:
        meeting.come(1)
        assert not lock.acquire(timeout=0.3)
        semaphore.release()
        with nc.acquire_all(lock, semaphore):
            return Outcome(os.getpid(), None, "")

    children.start(wait_with_the_lock)
    children.start(release_without)
    assert all(outcome.report is None for outcome in children.outcomes())
