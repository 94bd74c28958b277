# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reports as data and as text, made by hand."""

from __future__ import annotations

import pickle
import threading

import pytest

from nativeconc.deadlock import (
    LockLabel,
    OrderEdge,
    OrderReport,
    Party,
    Report,
    Site,
)

HERE = __file__
# Python never gives out these.
ALICE, BOB = 1, 2


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
        "nativeconc.deadlock.enable(stacks=True) does that,\n"
        "for locks taken from then on."
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


def test_a_read_that_waits_for_a_read_is_explained():
    config, log = label("config", kind="RWLock"), label("log")
    parties = (
        party(ALICE, "alice", config, log, modes=("read", "lock")),
        party(BOB, "bob", log, config, modes=("lock", "read")),
    )
    text = str(two(parties=parties))
    assert "RWLock 'config' to read, held by thread 'bob' to read (a writer waits, and" in text
    assert text.count("a writer waits") == 1


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
    stack = (
        Site(threading.__file__, 5, "Thread.run"),
        Site("no.py", 2, "h"),
        Site("no.py", 20, "g"),
    )
    report = OrderReport(
        (
            OrderEdge(held=b, wanted=a, ident=BOB, name="bob", stack=stack),
            OrderEdge(held=a, wanted=b, ident=ALICE, name="alice", stack=(Site("no.py", 10, "f"),)),
        )
    )
    assert str(report) == (
        "lock order that can deadlock: RLock 'b' -> RLock 'a' -> RLock 'b'\n"
        "\n"
        "thread 'bob' (id 2)\n"
        "    is about to take RLock 'a' while it holds RLock 'b'\n"
        "        at no.py:20, in g\n"
        "        called from no.py:2, in h\n"
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
