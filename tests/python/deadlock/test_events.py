# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the core calls: exceptions, warnings, listeners, and what happens if a report fails."""

from __future__ import annotations

import gc
import threading
import traceback
import warnings
import weakref

import pytest

import nativeconc as nc
from nativeconc.deadlock import (
    _build,
    _events,
    _journal,
)

HERE = __file__
# Python never gives out these.
ALICE, BOB = 1, 2


def raw(ident, name, wants, *, fate="waiting", took=None):
    return (ident, name, fate, wants, "lock", "lock", took)


PARTIES = (raw(ALICE, "alice", nc.RLock(name="a")), raw(BOB, "bob", nc.RLock(name="b")))
EDGES = (
    (("RLock", "b", None), ("RLock", "a", None), BOB, "bob", (("no.py", 9, "g"),)),
    (("RLock", "a", None), ("RLock", "b", None), ALICE, "alice", (("no.py", 8, "f"),)),
)


@pytest.fixture
def reports_heard():
    """All reports, as a listener hears them that does nothing about them."""
    heard = []

    def listener(report):
        heard.append(report)
        return _journal.Heard.NOT

    with _journal.listen(listener):
        yield heard


def test_a_deadlock_that_raises_gives_the_exception_with_its_report():
    error = _events.deadlock("cycle", True, PARTIES, True)
    assert type(error) is nc.DeadlockError
    assert str(error) == str(error.report)
    assert error.report.raised_in == threading.get_ident()


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
def test_where_warnings_are_errors_the_warning_is_returned(call, reports_heard):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = call()
    assert type(error) is nc.DeadlockWarning
    assert [error.report] == reports_heard


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
    assert str(error) == "deadlock (cycle); no report of it could be made"
    assert str(error) == str(error.report)
    assert isinstance(error.__cause__, MemoryError)
    with pytest.warns(nc.DeadlockWarning, match=r"deadlock \(cycle\); no report"):
        assert _events.deadlock("cycle", False, PARTIES, False) is None


def test_what_was_being_handled_is_not_hidden():
    rwlock = nc.RWLock()

    def handle_it_with_a_deadlock():
        try:
            raise KeyError("the first fault")
        except KeyError:
            rwlock.acquire_write()

    with rwlock.read(), pytest.raises(nc.DeadlockError) as caught:
        handle_it_with_a_deadlock()
    assert isinstance(caught.value.__context__, KeyError)
    assert not caught.value.__suppress_context__
    assert "the first fault" in "".join(traceback.format_exception(caught.value))


def test_an_order_that_cannot_be_told_is_a_sentence():
    with pytest.warns(nc.DeadlockWarning, match="no report of it could be made") as caught:
        assert _events.order(((), ())) is None
    assert caught[0].message.report.edges == ()


def test_a_report_that_cannot_be_written_is_its_first_line(monkeypatch):
    monkeypatch.setattr("nativeconc.deadlock.report.indented", None)
    error = _events.deadlock("cycle", True, PARTIES, True)
    assert str(error) == error.report.summary
    assert len(error.report.parties) == 2


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


def test_reports_are_not_kept():
    report = weakref.ref(_events.deadlock("cycle", True, PARTIES, True).report)
    gc.collect()
    assert report() is None
