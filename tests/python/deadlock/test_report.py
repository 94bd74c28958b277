# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reports as data and as text, made by hand."""

from __future__ import annotations

import pickle
import threading
import warnings
import weakref

import pytest

import nativeconc as nc
from nativeconc.deadlock import (
    LockLabel,
    OrderEdge,
    OrderReport,
    Party,
    Report,
    Site,
    _build,
    _events,
    _journal,
    _stacks,
)

HERE = __file__
MAIN = threading.main_thread().ident
# Python never gives out these.
ALICE, BOB, CAROL = 1, 2, 3


def label(name, number=0, created=None, kind="RLock"):
    return LockLabel(kind=kind, name=name, created=created, number=number)


def party(ident, name, wants, holds, *, fate="waiting", took=None, stack=(), modes=("lock",) * 2):
    return Party(
        ident=ident,
        name=name,
        fate=fate,
        wants=wants,
        wants_mode=modes[0],
        holds=holds,
        holds_mode=modes[1],
        took=took,
        stack=stack,
    )


def two(**changes):
    a, b = label("savings"), label("checking")
    parties = (
        party(ALICE, "alice", a, b, stack=(Site("no.py", 3, "main"), Site("no.py", 31, "pay"))),
        party(BOB, "bob", b, a, stack=(Site("no.py", 41, "take"),), took=Site("no.py", 40, "take")),
    )
    facts = {"kind": "cycle", "certain": True, "parties": parties, "raised_in": ALICE}
    return Report(**{**facts, **changes})


def line_of(text):
    """A line of this file, as a place with a source."""
    with open(HERE, encoding="utf-8") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    return Site(HERE, next(i for i, line in enumerate(lines, 1) if text in line), "line_of")


def test_a_cycle_names_every_thread_lock_and_line():
    assert str(two()) == (
        "deadlock: 2 threads wait for each other: 'alice', 'bob'\n"
        "\n"
        "thread 'alice' (id 1)\n"
        "    waits for RLock 'savings', held by thread 'bob'\n"
        "        at no.py:31, in pay\n"
        "    holds RLock 'checking'\n"
        "\n"
        "thread 'bob' (id 2)\n"
        "    waits for RLock 'checking', held by thread 'alice'\n"
        "        at no.py:41, in take\n"
        "    holds RLock 'savings'\n"
        "        taken at no.py:40, in take\n"
        "\n"
        "DeadlockError is raised in thread 'alice'. "
        "When it gives back what it holds, the others go on.\n"
        "Where a lock was taken was not recorded: "
        "nativeconc.deadlock.enable(stacks=True) does that."
    )


def test_the_first_line_is_the_summary():
    report = two()
    assert report.summary == str(report).splitlines()[0]


def test_nobody_is_said_to_get_an_exception_when_nobody_does():
    assert "DeadlockError" not in str(two(raised_in=None))


def test_how_to_get_more_is_not_said_when_all_is_known():
    known = Site("no.py", 1, "f")
    parties = tuple(
        party(i, None, label(str(i)), label(str(1 - i)), took=known, stack=(known,)) for i in (0, 1)
    )
    assert "stacks=True" not in str(two(parties=parties))


def test_a_long_ring_shows_everybody_and_its_summary_does_not():
    locks = [label(f"fork {i}") for i in range(100)]
    parties = tuple(
        party(1000 + i, f"thinker {i}", locks[i], locks[i - 1], stack=(Site("no.py", i, "eat"),))
        for i in range(100)
    )
    text = str(Report(kind="cycle", certain=True, parties=parties, raised_in=None))
    first = text.splitlines()[0]
    assert first.startswith("deadlock: 100 threads wait for each other: 'thinker 0', 'thinker 1',")
    assert first.endswith("and 95 more")
    for i in range(100):
        assert f"thread 'thinker {i}' (id {1000 + i})\n    waits for RLock 'fork {i}', held" in text
        assert f"at no.py:{i}, in eat\n" in text


def test_the_line_of_source_is_shown_where_it_can_be_read():
    place = line_of("A line of this file")
    parties = (
        party(ALICE, "alice", label("a"), label("b"), took=place, stack=(place,)),
        party(BOB, "bob", label("b"), label("a"), stack=(Site(HERE, 10**6, "f"),)),
    )
    lines = str(two(parties=parties)).splitlines()
    at = lines.index(f"        at {HERE}:{place.line}, in line_of")
    assert lines[at + 1] == '            """A line of this file, as a place with a source."""'
    taken = lines.index(f"        taken at {HERE}:{place.line}, in line_of")
    assert lines[taken + 1] == '            """A line of this file, as a place with a source."""'
    assert lines[lines.index(f"        at {HERE}:1000000, in f") + 1].startswith("    holds")


def test_a_wait_in_a_library_shows_who_called_it():
    stack = (
        Site("app.py", 1, "main"),
        Site("app.py", 9, "serve"),
        Site(threading.__file__.replace("threading.py", "queue.py"), 171, "Queue.get"),
    )
    parties = (
        party(ALICE, "alice", label("a"), label("b"), stack=stack),
        party(BOB, "bob", label("b"), label("a"), stack=stack[-1:]),
    )
    lines = str(two(parties=parties)).splitlines()
    at = [i for i, line in enumerate(lines) if "queue.py:171, in Queue.get" in line]
    assert "        called from app.py:9, in serve" in lines[at[0] : at[0] + 3]
    assert not any("called from" in line for line in lines[at[1] :])


def test_what_is_not_known_is_said():
    parties = (
        party(ALICE, None, label(None, 1), label(None, 2)),
        party(BOB, None, label(None, 2), label(None, 1)),
    )
    text = str(two(parties=parties))
    assert "deadlock: 2 threads wait for each other: 1, 2" in text
    assert "thread 1\n    waits for RLock #1, held by thread 2\n" in text
    assert text.count("where it waits is not known") == 2


def test_locks_without_a_name_are_numbered_and_their_origin_is_told():
    made = line_of("def label(name")
    parties = (
        party(ALICE, "alice", label(None, 1, made), label(None, 2)),
        party(BOB, "bob", label(None, 2), label(None, 1, made)),
    )
    text = str(two(parties=parties))
    assert "waits for RLock #1, held by" in text
    assert f"\nRLock #1 was made at {made}\n    def label(name, number=0" in text
    assert "RLock #2 was made" not in text


def test_modes_of_reader_writer_locks_are_told():
    config, log = label("config", kind="RWLock"), label("log", kind="RWLock")
    parties = (
        party(ALICE, "alice", config, log, modes=("write", "write")),
        party(BOB, "bob", log, config, modes=("read", "read")),
    )
    text = str(two(parties=parties))
    assert "waits for RWLock 'config' to write, held by thread 'bob' to read\n" in text
    assert "holds RWLock 'log' to write\n" in text
    assert "waits for RWLock 'log' to read, held by thread 'alice' to write\n" in text
    assert "holds RWLock 'config' to read\n" in text


def test_an_owner_that_has_ended_is_named():
    savings = label("savings")
    parties = (
        party(ALICE, "alice", savings, None, stack=(Site("no.py", 3, "main"),)),
        party(BOB, "bob", None, savings, fate="exited", took=Site("no.py", 9, "forget")),
    )
    report = two(kind="exited", parties=parties)
    assert report.summary == (
        "deadlock: thread 'alice' waits for RLock 'savings'; its owner thread 'bob' has ended"
    )
    text = str(report)
    assert "waits for RLock 'savings', held by thread 'bob', which has ended\n" in text
    assert (
        "thread 'bob' (id 2) has ended\n    held RLock 'savings'\n        taken at no.py:9" in text
    )
    assert "never gave the lock back" in text
    assert "the others go on" not in text


def test_an_owner_lost_in_a_fork_is_named():
    savings = label("savings")
    parties = (
        party(ALICE, "alice", savings, None),
        party(BOB, "bob", None, savings, fate="lost"),
    )
    report = two(kind="lost", parties=parties)
    assert report.summary == (
        "deadlock: thread 'alice' waits for RLock 'savings'; its owner thread 'bob' was lost in a "
        "fork"
    )
    text = str(report)
    assert "thread 'bob' (id 2) belongs to the process that this one was forked from\n" in text
    assert "held the lock when the process forked" in text


def test_a_write_inside_ones_own_read_is_explained():
    config = label("config", kind="RWLock")
    parties = (party(ALICE, "alice", config, config, modes=("write", "read")),)
    report = two(kind="upgrade", parties=parties)
    assert report.summary == (
        "deadlock: thread 'alice' wants to write RWLock 'config', which it reads itself"
    )
    text = str(report)
    assert "waits for RWLock 'config' to write, held by itself\n" in text
    assert "holds RWLock 'config' to read\n" in text
    assert "downgrade()" in text


def test_an_order_shows_both_stacks():
    a, b = label("a"), label("b")
    report = OrderReport(
        (
            OrderEdge(held=b, wanted=a, ident=BOB, name="bob", stack=(Site("no.py", 20, "g"),)),
            OrderEdge(held=a, wanted=b, ident=ALICE, name="alice", stack=(Site("no.py", 10, "f"),)),
        )
    )
    assert str(report) == (
        "lock order that can deadlock: RLock 'b' -> RLock 'a' -> RLock 'b'\n"
        "\n"
        "thread 'bob' (id 2)\n"
        "    is about to take RLock 'a' while it holds RLock 'b'\n"
        "        at no.py:20, in g\n"
        "\n"
        "before, thread 'alice' (id 1)\n"
        "    took RLock 'b' while it held RLock 'a'\n"
        "        at no.py:10, in f\n"
        "\n"
        "Threads that do these things at the same time wait for each other for ever. "
        "Take the locks in\n"
        "one order everywhere, or together: with nativeconc.acquire_all(a, b)."
    )


def test_reports_are_plain_data():
    report = two()
    assert report == two()
    assert hash(report) == hash(two())
    assert pickle.loads(pickle.dumps(report)) == report
    assert "Report(kind='cycle'" in repr(report)
    with pytest.raises(AttributeError):
        report.kind = "other"


# --- from what the core gives ------------------------------------------------------------------


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


# --- what the core calls -----------------------------------------------------------------------

PARTIES = (raw(ALICE, "alice", nc.RLock(name="a")), raw(BOB, "bob", nc.RLock(name="b")))
EDGES = (
    (("RLock", "b", None), ("RLock", "a", None), BOB, "bob", (("no.py", 9, "g"),)),
    (("RLock", "a", None), ("RLock", "b", None), ALICE, "alice", (("no.py", 8, "f"),)),
)


def test_a_deadlock_that_raises_gives_the_exception_with_its_report():
    error = _events.deadlock("cycle", True, PARTIES, True)
    assert type(error) is nc.DeadlockError
    assert str(error) == str(error.report)
    assert error.report.raised_in == threading.get_ident()
    assert _journal.reports()[-1] is error.report


def test_a_deadlock_that_warns_says_how_to_get_an_exception():
    with pytest.warns(nc.DeadlockWarning, match="threads wait for each other") as caught:
        assert _events.deadlock("cycle", False, PARTIES, False) is None
    (warning,) = caught
    assert warning.message.report.raised_in is None
    assert warning.filename == HERE
    assert 'enable(policy="raise")' in str(warning.message)


@pytest.mark.parametrize(
    "call",
    [lambda: _events.deadlock("cycle", False, PARTIES, False), lambda: _events.order(EDGES)],
    ids=["deadlock", "order"],
)
def test_where_warnings_are_errors_the_warning_is_returned(call):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = call()
    assert type(error) is nc.DeadlockWarning
    assert error.report is _journal.reports()[-1]


def test_each_warning_is_shown_even_if_it_reads_like_the_last():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            assert _events.order(EDGES) is None
    assert len(caught) == 3


def test_warnings_can_be_ignored():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", nc.DeadlockWarning)
        assert _events.order(EDGES) is None


@pytest.mark.parametrize("broken", ["stacks_now", "label_of", "thread_name"])
def test_a_report_that_cannot_be_made_is_replaced_by_a_sentence(monkeypatch, broken):
    def fail(*_args, **_keywords):
        raise MemoryError("none left")

    monkeypatch.setattr(_build, broken, fail)
    error = _events.deadlock("cycle", True, PARTIES, True)
    assert type(error) is nc.DeadlockError
    assert str(error) == (
        "deadlock (cycle, 2 threads); no report could be made: MemoryError('none left')"
    )
    assert error.report is None


def test_an_order_that_cannot_be_told_is_a_sentence():
    with pytest.warns(nc.DeadlockWarning, match="no report could be made") as caught:
        assert _events.order(((), ())) is None
    assert caught[0].message.report is None


def test_a_listener_hears_of_each_report_and_its_faults_do_no_harm():
    heard = []

    def listener(report):
        heard.append(report)
        raise RuntimeError("a fault of the listener")

    with _journal.listen(listener):
        error = _events.deadlock("cycle", True, PARTIES, True)
    _events.deadlock("cycle", True, PARTIES, True)
    assert heard == [error.report]


def test_a_listener_that_takes_care_of_reports_replaces_warnings():
    with _journal.listen(lambda _: _journal.Heard.NOTED), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _events.order(EDGES) is None
        assert _events.deadlock("cycle", False, PARTIES, False) is None
        noted = _events.deadlock("cycle", True, PARTIES, True)
    with _journal.listen(lambda _: _journal.Heard.SHOWN):
        shown = _events.deadlock("cycle", True, PARTIES, True)
    assert str(noted) == str(noted.report)
    assert str(shown) == shown.report.summary


def test_only_the_last_reports_are_remembered():
    for _ in range(1000):
        _events.deadlock("cycle", True, PARTIES, True)
    assert len(_journal.reports()) <= 100
