# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Live detection of what is certain: circles over locks that only their owner can release."""

from __future__ import annotations

import contextlib
import threading

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable


@pytest.mark.parametrize("n", [2, 3, 5, 100])
def test_a_ring_of_rlocks_gives_one_error_and_the_others_go_on(ring, n, check_chain, only_error):
    locks = [nc.RLock(name=f"fork {i}") for i in range(n)]
    crew = ring(locks)
    crew.join()
    victim, error = only_error(crew)
    assert type(error) is nc.DeadlockError
    assert error.report.kind == "cycle"
    assert error.report.certain
    check_chain(error.report, locks)
    by_name = {party.name: party for party in error.report.parties}
    assert set(by_name) == {f"thread {i}" for i in range(n)}
    assert error.report.raised_in == by_name[victim].ident
    for i in range(n):
        party = by_name[f"thread {i}"]
        assert party.holds.name == f"fork {i}"
        assert party.wants.name == f"fork {(i + 1) % n}"
    assert not any(lock.locked() for lock in locks)
    for lock in locks:
        assert lock.acquire(False)
        lock.release()


@pytest.mark.parametrize("policy", ["raise", "warn"])
def test_a_certain_deadlock_raises_whatever_the_policy(ring, reports, policy, only_error):
    enable(policy, grace=1000)
    crew = ring([nc.RLock() for _ in range(3)])
    crew.join()
    _, error = only_error(crew)
    assert reports == [error.report]


@pytest.mark.parametrize("n", [2, 5, 100])
def test_a_ring_of_writers_gives_one_error(ring, n, check_chain, only_error):
    rwlocks = [nc.RWLock(name=f"page {i}") for i in range(n)]

    class Writing:
        def __init__(self, rwlock):
            self.enter, self.name = rwlock.write(), rwlock.name

        def __enter__(self):
            return self.enter.__enter__()

        def __exit__(self, *details):
            return self.enter.__exit__(*details)

    wants = [Writing(rwlock) for rwlock in rwlocks]
    crew = ring(wants, want=lambda w: w.__enter__(), leave=lambda w: w.__exit__(None, None, None))
    crew.join()
    _, error = only_error(crew)
    check_chain(error.report, rwlocks)
    assert {(p.wants_mode, p.holds_mode) for p in error.report.parties} == {("write", "write")}
    assert all(rwlock.acquire_write(False) for rwlock in rwlocks)


def test_two_readers_that_want_to_write_each_other_s(crew, check_chain, only_error):
    a, b, both = nc.RWLock(name="a"), nc.RWLock(name="b"), threading.Barrier(2)

    def cross(mine, yours):
        with mine.read():
            both.wait()
            with yours.write():
                pass

    crew.start(cross, a, b)
    crew.start(cross, b, a)
    crew.join()
    _, error = only_error(crew)
    check_chain(error.report, [a, b])
    assert {(p.wants_mode, p.holds_mode) for p in error.report.parties} == {("write", "read")}


def test_a_ring_of_different_kinds_of_locks(crew, check_chain, only_error):
    rlock, rwlock, both = nc.RLock(name="r"), nc.RWLock(name="rw"), threading.Barrier(2)

    def first():
        with rlock:
            both.wait()
            with rwlock.read():
                pass

    def second():
        with rwlock.write():
            both.wait()
            with rlock:
                pass

    crew.start(first)
    crew.start(second)
    crew.join()
    _, error = only_error(crew)
    check_chain(error.report, [rlock, rwlock])
    modes = {p.wants.name: p.wants_mode for p in error.report.parties}
    assert modes == {"r": "lock", "rw": "read"}


def test_a_write_inside_ones_own_read_is_an_error_at_once():
    config = nc.RWLock(name="config")
    with config.read():
        with pytest.raises(nc.DeadlockError) as caught, config.write():
            pytest.fail("entered")
        with pytest.raises(nc.DeadlockError):
            config.acquire_write(timeout=1000)
        assert config.acquire_write(False) is False
    report = caught.value.report
    assert report.kind == "upgrade"
    (party,) = report.parties
    assert party.name == threading.current_thread().name
    assert (party.wants.name, party.wants_mode, party.holds_mode) == ("config", "write", "read")
    assert party.where.source().startswith("with pytest.raises(nc.DeadlockError) as caught")
    with config.write():
        pass


def test_the_report_shows_where_each_party_waits_and_where_it_took_what_it_holds(ring, only_error):
    enable(stacks=True)
    crew = ring([nc.RLock() for _ in range(3)])
    crew.join()
    _, error = only_error(crew)
    for party in error.report.parties:
        assert party.where.source() == "def run(locks, want=lambda lock: lock.acquire(), " + (
            "leave=lambda lock: lock.release()) -> Crew:"
        )
        assert party.stack[-2].function.endswith("sit_down")
        assert party.stack[-2].source() == "want(following)"
        assert party.took.function.endswith("sit_down")
        assert party.took.source() == "with own:"
    text = str(error)
    assert text.count("taken at") == 3
    assert text.count("want(following)") == 0  # the innermost call is the line
    assert "stacks=True" not in text


def test_without_stacks_the_report_says_how_to_get_them(ring, only_error):
    crew = ring([nc.RLock() for _ in range(2)])
    crew.join()
    _, error = only_error(crew)
    assert all(party.took is None for party in error.report.parties)
    assert "nativeconc.deadlock.enable(stacks=True)" in str(error)


def test_the_same_locks_can_deadlock_again_and_again(crew, reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    for i in range(1, 51):
        both = threading.Barrier(2)

        def cross(mine, yours, both=both):
            with contextlib.suppress(nc.DeadlockError), mine:
                both.wait()
                with yours:
                    pass

        crew.start(cross, a, b)
        crew.start(cross, b, a)
        crew.join()
        assert len(reports) == i
    assert not crew.errors


def test_two_deadlocks_at_the_same_time_are_two_reports(crew, reports):
    together = threading.Barrier(8)

    def cross(mine, yours):
        with contextlib.suppress(nc.DeadlockError), mine:
            together.wait()
            with yours:
                pass

    for _ in range(4):
        a, b = nc.RLock(), nc.RLock()
        crew.start(cross, a, b)
        crew.start(cross, b, a)
    crew.join()
    assert len(reports) == 4
    assert len({party.ident for report in reports for party in report.parties}) == 8


def test_a_thread_that_waits_for_a_deadlock_is_no_part_of_it(crew, until, only_error):
    a, b, c = (nc.RLock(name=name) for name in "abc")
    has_a, has_b, has_c = threading.Event(), threading.Event(), threading.Event()

    def bystander():
        with c:
            has_c.set()
            has_a.wait()
            with a:
                pass

    def first():
        with a:
            has_a.set()
            has_b.wait()
            until(lambda: a.stats().waiters == 1)
            with b:
                pass

    def second():
        with b:
            has_b.set()
            until(lambda: b.stats().waiters == 1)
            with a:
                pass

    crew.start(bystander, name="bystander")
    has_c.wait()
    crew.start(first, name="first")
    crew.start(second, name="second")
    crew.join()
    victim, error = only_error(crew)
    assert victim in ("first", "second")
    assert {party.name for party in error.report.parties} == {"first", "second"}


def test_the_main_thread_can_be_part_of_it(crew, until):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    ready, errors = threading.Event(), []

    def other():
        with b:
            ready.set()
            with a:
                pass

    with a:
        crew.start(other, name="other")
        ready.wait()
        until(lambda: a.stats().waiters == 1)
        try:
            with b:
                pass  # then the other one got the error
        except nc.DeadlockError as error:
            errors.append(error)
        assert a._is_owned()
    crew.join()
    errors += crew.errors.values()
    (error,) = errors
    names = {party.name for party in error.report.parties}
    assert names == {"other", threading.main_thread().name}


@pytest.mark.parametrize(
    "enter",
    [
        lambda lock: lock.acquire(),
        lambda lock: lock.__enter__(),
        lambda lock: nc.acquire_all(lock).__enter__(),
    ],
    ids=["acquire", "with", "acquire_all"],
)
def test_the_lock_is_not_held_after_the_error(ring, enter):
    owned = []

    def want(lock):
        try:
            enter(lock)
        except nc.DeadlockError:
            owned.append(lock._is_owned())
            raise

    crew = ring([nc.RLock() for _ in range(2)], want)
    crew.join()
    assert owned == [False]
    assert all(isinstance(error, nc.DeadlockError) for error in crew.errors.values())
