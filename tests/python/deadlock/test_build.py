# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How what the core gives becomes a report."""

from __future__ import annotations

import threading
import weakref

import nativeconc as nc
from nativeconc.deadlock import (
    Site,
    _build,
    _stacks,
)

HERE = __file__
MAIN = threading.main_thread().ident
# Python never gives out these.
ALICE, BOB, CAROL = 1, 2, 3


def raw(ident, name, wants, *, fate="waiting", took=None):
    return (ident, name, fate, wants, "lock", "lock", took)


def test_the_core_s_parties_become_a_report():
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    report = _build.report(
        "cycle", True, (raw(ALICE, "alice", a, took=("no.py", 4, "f")), raw(BOB, "bob", b)), ALICE
    )
    first, second = report.parties
    assert (first.name, first.wants.name, first.holds.name) == ("alice", "a", "b")
    assert (second.name, second.wants.name, second.holds.name) == ("bob", "b", "a")
    assert first.took == Site("no.py", 4, "f")
    assert second.took is None
    assert first.wants is second.holds
    assert report.raised_in == ALICE


def test_a_report_keeps_no_lock_alive():
    locks = [nc.RLock(), nc.RLock()]
    watched = [weakref.ref(lock) for lock in locks]
    report = _build.report("cycle", True, (raw(ALICE, None, locks[0]), raw(BOB, None, locks[1])))
    del locks
    assert [reference() for reference in watched] == [None, None]
    assert str(report)


def test_locks_of_one_site_are_told_apart():
    forks = [nc.RLock() for _ in range(3)]
    parties = tuple(raw(10 + i, None, fork) for i, fork in enumerate(forks))
    report = _build.report("cycle", True, parties)
    assert [str(party.wants) for party in report.parties] == ["RLock #1", "RLock #2", "RLock #3"]
    assert [str(party.holds) for party in report.parties] == ["RLock #3", "RLock #1", "RLock #2"]


def test_different_locks_of_the_same_name_are_told_apart():
    a, b, c = nc.RLock(name="fork"), nc.RLock(name="fork"), nc.RLock(name="knife")
    parties = (raw(1, None, a), raw(2, None, b), raw(3, None, c))
    report = _build.report("cycle", True, parties)
    names = [str(party.wants) for party in report.parties]
    assert names == ["RLock 'fork' #1", "RLock 'fork' #2", "RLock 'knife'"]


def test_a_lock_without_a_name_is_known_by_where_it_was_made():
    made = nc.RLock()
    created = _build.label_of(made).created
    assert created is not None
    assert created.filename == HERE
    assert created.function == test_a_lock_without_a_name_is_known_by_where_it_was_made.__name__
    assert created.source() == "made = nc.RLock()"


def test_a_subclass_may_do_anything_with_name():
    class Rude(nc.RLock):
        @property
        def name(self):
            raise RuntimeError("no")

    class Odd(nc.RLock):
        name = 5

    assert _build.label_of(Rude()).name is None
    assert _build.label_of(Odd()).name is None
    assert _build.label_of(Rude()).kind == "Rude"


def test_live_threads_are_asked_for_their_names():
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    report = _build.report("cycle", True, (raw(MAIN, "an old name", a), raw(BOB, "bob", b)))
    assert [party.name for party in report.parties] == [threading.main_thread().name, "bob"]


def test_a_thread_that_has_ended_is_not_mistaken_for_the_one_that_has_its_id_now():
    parties = (raw(ALICE, "alice", nc.RLock()), raw(MAIN, "bob", None, fate="exited"))
    report = _build.report("exited", True, parties)
    assert report.parties[1].name == "bob"
    assert report.parties[1].stack == ()


def stack(ident):
    return _stacks.stacks_now([ident])[ident]


def test_where_a_thread_waits_is_looked_up():
    ready, done = threading.Event(), threading.Event()

    def wait_here():
        ready.set()
        done.wait()

    thread = threading.Thread(target=wait_here)
    thread.start()
    ready.wait()
    while stack(thread.ident)[-1].source() != "done.wait()":
        pass
    parties = (raw(thread.ident, None, nc.RLock()), raw(BOB, "bob", nc.RLock()))
    party = _build.report("cycle", True, parties).parties[0]
    done.set()
    thread.join()
    assert party.name == thread.name
    assert party.where.function.endswith("wait_here")
    assert party.where.filename == HERE


def test_a_deep_stack_is_cut_at_its_outer_end():
    def dive(depth):
        if depth:
            return dive(depth - 1)
        return stack(threading.get_ident())

    calls = dive(100)
    assert len(calls) == _stacks.MOST_FRAMES
    assert calls[-2].source() == "return stack(threading.get_ident())"


def test_the_edges_of_an_order_become_a_report():
    site, other = ("no.py", 1, "f"), ("no.py", 2, "f")
    edges = (
        (("RLock", None, site), ("RLock", "b", other), BOB, "bob", (("no.py", 9, "g"),)),
        (("RLock", "b", other), ("Lock", None, site), ALICE, "alice", (("no.py", 8, "g"),)),
        (("nativeconc.Lock", None, site), ("nativeconc.RLock", None, site), CAROL, None, ()),
    )
    report = _build.order_report(edges)
    assert report.summary == (
        "lock order that can deadlock: RLock #1 (no.py:1) -> RLock 'b' -> Lock #1 (no.py:1) -> "
        "RLock #1 (no.py:1)"
    )
    assert [edge.name for edge in report.edges] == ["bob", "alice", None]
    assert report.edges[0].stack == (Site("no.py", 9, "g"),)


def test_single_locks_of_one_site_are_numbered_along_the_circle():
    forks = [(f"nativeconc.RLock at 0x{i}", None, ("no.py", 1, "f")) for i in range(5)]
    edges = [(forks[i], forks[(i + 1) % 5], i, None, ()) for i in range(5)]
    report = _build.order_report(edges)
    assert [str(edge.held) for edge in report.edges] == [f"RLock #{i}" for i in range(1, 6)]
    assert [str(edge.wanted) for edge in report.edges] == [f"RLock #{i}" for i in (2, 3, 4, 5, 1)]
