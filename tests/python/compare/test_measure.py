# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import pytest

from nativeconc.comparison.measure import Cell, Progress, measure_case
from nativeconc.comparison.plan import plan_case


def cells_for(case, harness, threads=(1, 2)):
    loads = plan_case(case, harness, 0.1, threads, None)
    harness.log.clear()
    return [Cell(case, load, count) for load in loads for count in threads]


def test_every_cell_is_timed_and_watched_in_separate_runs(case_maker, fake_harness) -> None:
    harness = fake_harness()
    cells = cells_for(case_maker(), harness)
    measure_case(cells, harness, repeat=5)
    for cell in cells:
        assert len(cell.times_s) == 5
        assert len(cell.latenesses_s) == 6
    kinds = [kind for kind, *_ in harness.log]
    assert kinds.count("time") == 5 * len(cells)
    assert kinds.count("stall") == 2 * len(cells)


def test_repeats_of_different_ways_are_interleaved(case_maker, fake_harness) -> None:
    harness = fake_harness()
    cells = cells_for(case_maker(), harness)
    measure_case(cells, harness, repeat=3)
    timed = [(way, threads) for kind, way, threads, _ in harness.log if kind == "time"]
    n = len(cells)
    rounds = [timed[i : i + n] for i in range(0, len(timed), n)]
    assert [len(set(each)) for each in rounds] == [n, n, n]
    assert rounds[0] != rounds[1]


def test_the_total_work_is_the_same_for_every_number_of_threads(case_maker, fake_harness) -> None:
    harness = fake_harness()
    measure_case(cells_for(case_maker(), harness, (1, 2, 4)), harness, repeat=1)
    totals = {}
    for kind, way, _threads, total in harness.log:
        if kind == "time":
            totals.setdefault(way, set()).add(total)
    assert all(len(each) == 1 for each in totals.values())


def test_a_deadline_cuts_repeats_but_leaves_one_of_each_kind(case_maker, fake_harness) -> None:
    harness = fake_harness()
    cells = cells_for(case_maker(), harness)
    measure_case(cells, harness, repeat=5, deadline=harness.now())
    assert all(len(cell.times_s) == 1 and cell.latenesses_s for cell in cells)


def test_what_was_measured_survives_an_interrupt(case_maker, fake_harness) -> None:
    harness = fake_harness()
    cells = cells_for(case_maker(), harness)
    harness.interrupt_after = len(cells) + 3
    with pytest.raises(KeyboardInterrupt):
        measure_case(cells, harness, repeat=5)
    assert all(len(cell.times_s) == 1 for cell in cells)


def test_progress_goes_from_its_start_to_its_stop() -> None:
    told = []
    whole = Progress(lambda what, share: told.append((what, share)))
    whole.part(0, 2).tell("a")
    whole.part(1, 2).tell("b", 0.5)
    whole.tell("c", 1.0)
    assert told == [("a", 0.0), ("b", 0.75), ("c", 1.0)]
