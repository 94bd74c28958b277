# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Lock-order detection: a graph that is forgotten is learned again, whatever runs meanwhile."""

from __future__ import annotations

import threading

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable
from python.deadlock.lock_orders import in_thread, take


@pytest.fixture(autouse=True)
def _order(_default_settings):
    enable("warn", order=True)


def fill_the_graph():
    """More edges than it can have: 750 locks, all held together."""
    locks = [nc.RLock(name=f"filler {i}") for i in range(750)]
    for lock in locks:
        lock.acquire()
    for lock in reversed(locks):
        lock.release()


def names(reports):
    return [[(edge.held.name, edge.wanted.name) for edge in report.edges] for report in reports]


@pytest.mark.parametrize("kind", [nc.RLock, nc.Lock, nc.RWLock])
def test_enable_again_begins_with_an_empty_graph_for_old_locks_too(reports, kind):
    a, b = kind(name="a"), kind(name="b")
    pair = [lock.write() for lock in (a, b)] if kind is nc.RWLock else [a, b]
    take(*pair)
    enable("warn", order=True)
    take(*pair[::-1])
    assert not reports
    in_thread(take, *pair)
    assert names(reports) == [[("a", "b"), ("b", "a")]]


def test_within_one_site_too(reports):
    a, b = [nc.RLock() for _ in range(2)]
    for _ in range(3):
        take(a, b)
        enable("warn", order=True)
    take(a, b)
    assert not reports
    take(b, a)
    assert len(reports) == 1


def test_after_the_graph_was_full_it_is_learned_again(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    fill_the_graph()
    take(b, a)
    take(a, b)
    assert names(reports) == [[("a", "b"), ("b", "a")]]


def test_what_is_held_while_it_is_forgotten_counts_afterwards(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    with a:
        in_thread(fill_the_graph)
        take(b)
    assert not reports
    take(b, a)
    assert names(reports) == [[("b", "a"), ("a", "b")]]


def test_many_threads_take_a_lock_for_the_first_time(reports, crew, scale):
    # Each lock has one pair of nodes, whoever makes them.
    together = threading.Barrier(4)
    for _ in range(20 * scale):
        locks = [nc.RLock() for _ in range(4)]

        def work(locks=locks):
            together.wait()
            take(*locks)

        for _ in range(4):
            crew.start(work)
        crew.join()
        take(*locks)
    assert not crew.errors
    assert not reports
    take(*locks[::-1])
    assert len(reports) == 1


@pytest.mark.parametrize(
    "name",
    ["é" * 40, "x" + "é" * 40, "x" * 62 + "日本", "\U0001f512" * 20],
    ids=["first", "between", "last", "four"],
)
def test_a_long_name_of_a_thread_may_be_cut_anywhere(reports, crew, name):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    crew.start(take, a, b, name=name)
    crew.join()
    crew.start(take, b, a)
    crew.join()
    assert not crew.errors
    assert reports[0].edges[1].name.startswith(name[:15])


def test_the_garbage_collector_may_run_at_any_allocation(run_script):
    # The garbage holds locks that the graph knows, and runs code that takes some.
    run_script(
        """
        import gc
        import nativeconc as nc

        nc.deadlock.enable("warn", order=True, stacks=True)
        others = [nc.RLock(name="x"), nc.RLock(name="y")]

        class Garbage:
            def __init__(self):
                self.me = self
                self.locks = [nc.RLock() for _ in range(2)]
                with self.locks[0], self.locks[1]:
                    pass

            def __del__(self):
                with others[0], others[1], self.locks[0], self.locks[1]:
                    pass

        def run(n):
            a, b, c = nc.RLock(name=f"a {n}"), nc.RLock(name=f"b {n}"), nc.Lock(name=f"c {n}")
            gc.disable()
            Garbage()
            gc.collect(0)  # makes it older ...
            Garbage()
            gc.set_threshold(n, 1, 1)
            gc.enable()
            with a, b, c:
                pass
            assert c.acquire(timeout=1)
            c.release()
            gc.disable()

        for n in range(1, 80):
            run(n)
        print("done")
        """
    ).check("done\n")
