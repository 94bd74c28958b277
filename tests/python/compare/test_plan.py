# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import pytest

from nativeconc.comparison.plan import default_threads, plan_case, run_target
from nativeconc.comparison.ways import Way


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (4, (1, 2, 3, 4)),
        (6, (1, 2, 4, 6)),
        (8, (1, 2, 4, 8)),
        (96, (1, 2, 4, 8, 16, 32, 64, 96)),
    ],
)
def test_threads_go_up_to_the_cpus_in_powers_of_two_on_large_machines(cpus, expected) -> None:
    assert default_threads(cpus) == expected


@pytest.mark.parametrize("threads", [(1,), (1, 2), (1, 2, 3), (1, 2, 4, 6), (1, 64)])
def test_every_number_of_threads_divides_the_calls(threads, case_maker, fake_harness) -> None:
    for load in plan_case(case_maker(), fake_harness(), 0.1, threads, None):
        if load.way is not Way.POOL:
            assert all(load.total % count == 0 for count in threads)
            assert load.total >= (2 if load.way in (Way.PYTHON, Way.NUMPY) else 8)


def test_loads_take_about_the_target_on_one_thread(case_maker, fake_harness) -> None:
    harness = fake_harness()
    for load in plan_case(case_maker(), harness, 0.1, (1, 2), None):
        seconds = harness.time(load.calls, load.total, load.way, 1).wall_s
        assert 0.05 < seconds < 0.35, load


def test_native_ways_do_the_same_total_work(case_maker, fake_harness) -> None:
    loads = {x.way: x for x in plan_case(case_maker(), fake_harness(), 0.1, (1, 2, 64), None)}
    assert loads[Way.HELD].units == loads[Way.RELEASED].units
    work = {way: loads[way].units * loads[way].total for way in (Way.RELEASED, Way.POOL)}
    assert work[Way.POOL] == pytest.approx(work[Way.RELEASED], rel=0.02)
    assert loads[Way.POOL].total < loads[Way.RELEASED].total


def test_on_many_cpus_ways_that_gain_from_threads_get_more_work(case_maker, fake_harness) -> None:
    threads = (1, 2, 4, 8, 16)
    few = {x.way: x for x in plan_case(case_maker(), fake_harness(), 0.1, threads, None, 2)}
    many = {x.way: x for x in plan_case(case_maker(), fake_harness(), 0.1, threads, None, 16)}
    for way, factor in ((Way.RELEASED, 4), (Way.POOL, 4), (Way.HELD, 1), (Way.PYTHON, 1)):
        work = {
            name: loads[way].units * loads[way].total
            for name, loads in (("few", few), ("many", many))
        }
        assert work["many"] == pytest.approx(factor * work["few"], rel=0.05), way


def test_numpy_gets_the_native_size_where_it_is_fast_enough(case_maker, fake_harness) -> None:
    loads = {x.way: x for x in plan_case(case_maker(), fake_harness(), 0.1, (1, 2), None)}
    assert loads[Way.NUMPY].units == loads[Way.RELEASED].units
    assert loads[Way.PYTHON].units < loads[Way.RELEASED].units


def test_a_size_that_was_asked_for_is_used_by_native_ways(case_maker, fake_harness) -> None:
    loads = {x.way: x for x in plan_case(case_maker(), fake_harness(), 0.1, (1, 2), 777)}
    for way in (Way.HELD, Way.RELEASED, Way.POOL):
        assert loads[way].units == 777
    assert all(load.units <= 777 for load in loads.values())


def test_a_case_may_limit_a_call(case_maker, fake_harness) -> None:
    loads = {x.way: x for x in plan_case(case_maker(largest=50), fake_harness(), 0.1, (1, 2), None)}
    assert loads[Way.RELEASED].units == 50
    assert loads[Way.RELEASED].total > 1000


def test_runs_get_shorter_with_more_rows_but_not_without_limit(case_maker) -> None:
    few = run_target(40.0, 5, [case_maker()], (1, 2), 2)
    many = run_target(40.0, 5, [case_maker()] * 8, (1, 2, 4, 8, 16, 32, 64), 64)
    assert 0.02 <= many < few <= 0.2
