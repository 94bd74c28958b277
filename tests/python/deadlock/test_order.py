# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Lock-order detection: orders that can deadlock are warned of before they ever do."""

from __future__ import annotations

import itertools
import threading
import warnings

import pytest

import nativeconc as nc
from nativeconc.deadlock import OrderReport, enable
from python.deadlock.lock_orders import held_then_wanted, in_thread, only, take


@pytest.fixture(autouse=True)
def _order(_default_settings):
    enable("warn", order=True)


# --- what is found ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nc.RLock, nc.Lock])
def test_a_then_b_here_and_b_then_a_there(reports, kind):
    a, b = kind(name="a"), kind(name="b")
    in_thread(take, a, b, name="alice")
    assert not reports
    in_thread(take, b, a, name="bob")
    report = only(reports)
    assert isinstance(report, OrderReport)
    assert held_then_wanted(report) == [("b", "a"), ("a", "b")]
    assert [edge.name for edge in report.edges] == ["bob", "alice"]
    assert not a.locked()
    assert not b.locked()


def test_one_thread_alone_is_enough(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    take(b, a)
    assert held_then_wanted(only(reports)) == [("b", "a"), ("a", "b")]


def test_both_stacks_are_shown(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")

    def transfer():
        with a:  # noqa: SIM117
            with b:  # the first
                pass

    def refund():
        with b:  # noqa: SIM117
            with a:  # the second
                pass

    transfer()
    refund()
    now, before = only(reports).edges
    assert now.stack[-1].function.endswith("refund")
    assert now.stack[-1].source() == "with a:  # the second"
    assert now.stack[-2].source() == "refund()"
    assert before.stack[-1].function.endswith("transfer")
    assert before.stack[-1].source() == "with b:  # the first"
    assert before.stack[-2].source() == "transfer()"
    text = str(only(reports))
    assert "with a:  # the second" in text
    assert "with b:  # the first" in text


@pytest.mark.parametrize("n", [3, 4, 10])
def test_longer_chains_are_found(reports, n):
    locks = [nc.RLock(name=str(i)) for i in range(n)]
    for held, wanted in itertools.pairwise(locks):
        in_thread(take, held, wanted)
    assert not reports
    take(locks[-1], locks[0])
    expected = [(str(n - 1), "0")] + [(str(i), str(i + 1)) for i in range(n - 1)]
    assert held_then_wanted(only(reports)) == expected


def test_the_shortest_way_back_is_told(reports):
    a, b, c, d = (nc.RLock(name=name) for name in "abcd")
    take(a, b)
    take(b, c)
    take(c, d)
    take(a, d)
    take(d, a)
    assert held_then_wanted(only(reports)) == [("d", "a"), ("a", "d")]


def test_a_lock_held_further_out_counts_too(reports):
    a, b, c = (nc.RLock(name=name) for name in "abc")
    take(a, b, c)
    take(c, a)
    assert held_then_wanted(only(reports)) == [("c", "a"), ("a", "c")]


def test_five_locks_made_in_one_list_are_five_locks(reports):
    forks = [nc.RLock() for _ in range(5)]
    for i in range(4):
        take(forks[i], forks[i + 1])
    assert not reports
    take(forks[4], forks[0])
    report = only(reports)
    assert len(report.edges) == 5
    assert {str(edge.held) for edge in report.edges} == {f"RLock #{i}" for i in range(1, 6)}
    assert len({edge.held.created for edge in report.edges}) == 1


def make_left():
    return nc.RLock()


def make_right():
    return nc.RLock()


def test_between_sites_locks_are_classes(reports):
    # Other locks, made in the same two places: one rule for all of them.
    take(make_left(), make_right())
    assert not reports
    take(make_right(), make_left())
    now, before = only(reports).edges
    assert now.held.created.function == "make_right"
    assert now.wanted.created.function == "make_left"
    assert now.held == before.wanted
    assert now.wanted == before.held


def test_a_name_makes_a_class_of_its_own(reports):
    def make(name):
        return nc.RLock(name=name)

    take(make("account"), make("log"))
    take(make("log"), make("cache"))
    assert not reports
    take(make("cache"), make("account"))
    assert held_then_wanted(only(reports)) == [
        *(("cache", "account"), ("account", "log"), ("log", "cache")),
    ]


def test_within_one_name_single_locks_count(reports):
    a, b, c = (nc.RLock(name="node") for _ in range(3))
    take(a, b)
    take(b, c)
    take(a, c)
    assert not reports
    take(c, a)
    assert held_then_wanted(only(reports)) == [("node", "node")] * 2


def test_different_kinds_of_locks_are_ordered_too(reports):
    lock, rlock, rwlock = nc.Lock(name="l"), nc.RLock(name="r"), nc.RWLock(name="rw")
    with lock, rlock, rwlock.write():
        pass
    assert not reports
    with rwlock.write(), lock:
        pass
    report = only(reports)
    assert held_then_wanted(report) == [("rw", "l"), ("l", "rw")]
    assert [edge.held.kind for edge in report.edges] == ["RWLock", "Lock"]


def test_the_lock_of_a_condition_counts(reports):
    lock, condition = nc.RLock(name="lock"), nc.Condition(nc.RLock(name="condition"))
    with lock, condition:
        pass
    with condition, lock:
        pass
    assert held_then_wanted(only(reports)) == [("condition", "lock"), ("lock", "condition")]


# --- how often --------------------------------------------------------------------------------


def test_one_report_for_a_pair_however_often_it_happens(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    for _ in range(100):
        take(a, b)
        take(b, a)
    in_thread(take, b, a)
    only(reports)


def test_one_report_for_a_pair_of_sites_whatever_the_locks(reports):
    for _ in range(100):
        take(make_left(), make_right())
        take(make_right(), make_left())
    only(reports)


def test_different_pairs_are_different_reports(reports):
    a, b, c = (nc.RLock(name=name) for name in "abc")
    take(a, b)
    take(b, a)
    take(a, c)
    take(c, a)
    assert [held_then_wanted(report)[0] for report in reports] == [("b", "a"), ("c", "a")]


def test_many_threads_that_find_the_same_make_one_report(reports, crew):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    together, one_at_a_time = threading.Barrier(8), threading.Lock()

    def work():
        together.wait()
        for _ in range(50):
            with one_at_a_time:
                take(b, a)

    for _ in range(8):
        crew.start(work)
    crew.join()
    assert not crew.errors
    only(reports)


def test_thousands_of_orders_are_remembered_or_forgotten_but_never_a_fault(reports):
    hub = nc.RLock(name="hub")
    for i in range(5000):
        take(hub, nc.RLock(name=f"spoke {i}"))
    take(*(nc.RLock(name=f"link {i}") for i in range(60)))
    assert not reports


# --- as a warning -----------------------------------------------------------------------------


def test_it_is_a_warning_at_the_line_that_takes_the_lock():
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    with pytest.warns(nc.DeadlockWarning, match="lock order that can deadlock") as caught:
        take(b, a)
    (warning,) = caught
    assert warning.filename == take.__code__.co_filename
    assert isinstance(warning.message.report, OrderReport)


@pytest.mark.parametrize("policy", ["warn", "raise"])
def test_it_only_warns_whatever_the_policy(policy):
    enable(policy, order=True)
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    with pytest.warns(nc.DeadlockWarning):
        take(b, a)


def test_where_warnings_are_errors_it_raises_before_the_lock_is_taken():
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    with warnings.catch_warnings(), b:
        warnings.simplefilter("error")
        with pytest.raises(nc.DeadlockWarning) as caught, a:
            pytest.fail("entered")
        assert not a.locked()
        assert b.locked()
    assert isinstance(caught.value.report, OrderReport)
    assert not b.locked()


def test_the_order_is_learnt_before_it_hangs(crew, reports):
    # One run in which the threads just missed each other is enough.
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    crew.start(take, a, b).join()
    crew.start(take, b, a).join()
    assert not crew.errors
    only(reports)


def test_after_a_fork_it_goes_on(run_script):
    run_script(
        """
        import os, warnings
        import nativeconc as nc

        nc.deadlock.enable(order=True)
        a, b = nc.RLock(name="a"), nc.RLock(name="b")
        with a, b:
            pass
        pid = os.fork()
        if pid == 0:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                with b, a:
                    pass
            os._exit(0 if len(caught) == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        print("done")
        """
    ).check("done\n")
