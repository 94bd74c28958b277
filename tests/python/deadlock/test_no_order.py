# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Lock-order detection: what makes no order, and what is none."""

from __future__ import annotations

import sys
import threading

import pytest

import nativeconc as nc
from nativeconc.deadlock import disable, enable
from python.deadlock.lock_orders import held_then_wanted, in_thread, only, take

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.fixture(autouse=True)
def _order(_default_settings):
    enable("warn", order=True)


def test_the_same_order_everywhere_is_fine(reports, crew, scale):
    locks = [nc.RLock(name=str(i)) for i in range(5)]

    def work():
        for i in range(100 * scale):
            take(*locks[i % 4 :])
            take(locks[i % 3], locks[4])

    for _ in range(4):
        crew.start(work)
    crew.join()
    assert not crew.errors
    assert not reports


def test_locks_that_are_not_held_together_have_no_order(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    for _ in range(3):
        take(a)
        take(b)
        take(a)
    # Hand over hand, and given back in any order.
    a.acquire()
    b.acquire()
    a.release()
    b.release()
    assert not reports
    take(b, a)
    only(reports)


@pytest.mark.parametrize(
    "take_inner",
    [
        lambda lock: lock.acquire(False),
        lambda lock: lock.acquire(timeout=1),
        lambda lock: lock.timeout(1).__enter__(),
    ],
    ids=["try", "timed", "timeout"],
)
def test_tries_and_timed_acquires_make_no_order(reports, take_inner):
    # They do not wait for ever, so they cannot deadlock.
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    with b:
        assert take_inner(a)
        a.release()
    assert not reports


def test_what_is_taken_inside_a_try_counts(reports):
    # A lock got by trying is held like any other.
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    assert b.acquire(False)
    take(a)
    b.release()
    assert held_then_wanted(only(reports)) == [("b", "a"), ("a", "b")]


def test_taking_an_rlock_again_is_no_order(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b, a)
    take(a, a, b, b, a)
    assert not reports


def test_a_plain_lock_that_its_holder_takes_again_is_no_order(reports):
    # It waits for somebody else to release it: that is how locks serve as signals.
    signal = nc.Lock(name="signal")
    signal.acquire()
    timer = threading.Timer(0.05, signal.release)
    timer.start()
    signal.acquire()
    timer.join()
    signal.release()
    assert not reports


def test_a_lock_that_another_thread_released_is_not_held_any_more(reports):
    signal, other = nc.Lock(name="signal"), nc.RLock(name="other")
    take(other, signal)
    signal.acquire()
    in_thread(signal.release)
    take(other)
    assert not reports


def test_acquire_all_makes_no_order_among_the_given(reports):
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    for given in ((a, b), (b, a)):
        with nc.acquire_all(*given):
            pass
    assert not reports


def test_locks_of_one_site_in_one_order_are_fine(reports):
    nodes = [nc.RLock() for _ in range(6)]
    take(*nodes)
    take(*nodes[::2])
    take(*nodes[1::2])
    assert not reports


def test_locks_that_are_freed_are_never_mistaken_for_new_ones(reports):
    # Memory is used again at once: a new lock stands where an old one was, in the other order.
    again = 0
    for _ in range(1000):
        a, b = nc.RLock(), nc.RLock()
        before = id(a), id(b)
        take(a, b)
        del a, b
        c, d = nc.RLock(), nc.RLock()
        if (id(c), id(d)) == before:
            c, d = d, c
        again += (id(d), id(c)) == before
        take(c, d)
        del c, d
    assert not reports
    assert again > 0 or not has_gil  # without a GIL, memory may come back late


def test_without_order_nothing_is_looked_for(reports):
    disable()
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    take(a, b)
    take(b, a)
    assert not reports


def test_it_can_be_switched_on_while_locks_are_held(reports):
    disable()
    a, b = nc.RLock(name="a"), nc.RLock(name="b")
    with a:
        enable("warn", order=True)
        take(b)
    take(b, a)
    take(a, b)
    assert len(reports) == 1
