# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The sentence, with made-up numbers."""

from __future__ import annotations

import pytest

from nativeconc.comparison.bystander import Stall
from nativeconc.comparison.row import Row
from nativeconc.comparison.spread import Spread
from nativeconc.comparison.verdict import Evidence, conclude, doubts
from nativeconc.comparison.ways import Way


def row(way, threads, speedup, stall_ms=0.1, *, kernel="k", scatter=0.0, cpus=None, repeats=5):
    walls = [0.1 / speedup * (1 + scatter * step) for step in range(repeats)]
    speedups = [speedup * (1 + scatter * step) for step in range(repeats)]
    if cpus is None:
        cpus = float(threads) if way is Way.RELEASED else 1.0
    return Row(
        kernel=kernel,
        way=way,
        threads=threads,
        calls=8,
        units=100,
        unit="piece",
        title="work",
        wall_s=Spread.of(walls),
        unit_ns=1.0,
        speedup=speedup,
        speedups=Spread.of(speedups),
        versus_python=None,
        cpus=cpus,
        stall=Stall(10, stall_ms / 1e3, stall_ms / 500),
    )


def evidence(*rows, cpus=2, gil_enabled=True):
    return Evidence(tuple(rows), cpus, gil_enabled, 0.005)


def test_it_says_the_gain_released_and_held_and_what_a_bystander_waits() -> None:
    said = conclude(
        evidence(
            row(Way.HELD, 1, 1.0, 15.0),
            row(Way.HELD, 2, 1.02, 16.0),
            row(Way.RELEASED, 1, 1.0),
            row(Way.RELEASED, 2, 1.93),
        )
    )
    assert said == (
        "On this machine (2 CPUs), two Python threads do native work 1.93 times as fast as one "
        "when the GIL is released and 1.02 times when it is held; a bystander waits 16.0 ms "
        "(at most 32.0 ms) while the GIL is held, 0.10 ms (at most 0.20 ms) while it is released."
    )


def test_several_kernels_are_summed_up_by_median_and_range() -> None:
    rows = []
    for kernel, speedup in (("a", 1.4), ("b", 1.9), ("c", 1.95)):
        rows += [
            row(Way.HELD, 2, 1.0, kernel=kernel),
            row(Way.RELEASED, 2, speedup, kernel=kernel),
        ]
    assert (
        "1.90 times as fast as one when the GIL is released (1.40 to 1.95 over three kernels) "
        "and 1.00 times when it is held"
    ) in conclude(evidence(*rows))


def test_it_speaks_of_as_many_threads_as_have_a_cpu() -> None:
    rows = [row(way, t, 1.0) for way in (Way.HELD, Way.RELEASED) for t in (1, 2, 4, 8)]
    assert evidence(*rows, cpus=4).headline() == 4
    assert evidence(*rows, cpus=1).headline() == 2
    assert "four Python threads" in conclude(evidence(*rows, cpus=4))


def test_one_thread_alone_still_tells_of_the_bystander() -> None:
    said = conclude(evidence(row(Way.HELD, 1, 1.0, 15.0), row(Way.RELEASED, 1, 1.0), cpus=1))
    assert said.startswith("On this machine (1 CPU), a bystander waits 15.0 ms")


def test_a_gain_of_nothing_is_said_as_such() -> None:
    said = conclude(evidence(row(Way.HELD, 2, 1.0), row(Way.RELEASED, 2, 1.0)))
    assert "1.00 times as fast as one when the GIL is released" in said


def test_scattered_speedups_are_no_conclusion() -> None:
    rows = [row(Way.HELD, 2, 1.0), row(Way.RELEASED, 2, 1.9, scatter=0.3)]
    said = conclude(evidence(*rows))
    assert said.startswith("This run is too noisy to conclude")
    assert "k spread over more than 25%" in said
    assert any("marks 1 of 2 rows" in doubt for doubt in doubts(evidence(*rows)))


def test_one_noisy_kernel_of_three_does_not_spoil_the_verdict() -> None:
    rows = [row(Way.RELEASED, 2, 1.9, kernel="a", scatter=0.3)]
    rows += [row(Way.RELEASED, 2, 1.9, kernel=kernel) for kernel in "bc"]
    rows += [row(Way.HELD, 2, 1.0, kernel=kernel) for kernel in "abc"]
    assert conclude(evidence(*rows)).startswith("On this machine")


def test_a_busy_machine_is_no_conclusion() -> None:
    rows = [row(Way.HELD, 2, 1.0), row(Way.RELEASED, 2, 1.0, cpus=1.0)]
    assert "too busy to conclude" in conclude(evidence(*rows))
    assert any("1.00 CPUs on two threads" in doubt for doubt in doubts(evidence(*rows)))


def test_more_threads_than_cpus_are_not_taken_for_a_busy_machine() -> None:
    rows = [row(Way.HELD, 8, 1.0), row(Way.RELEASED, 8, 1.9, cpus=1.95)]
    assert doubts(evidence(*rows)) == ()


def test_few_repeats_are_admitted() -> None:
    rows = [row(Way.RELEASED, 2, 1.9, repeats=2)]
    assert any("fewer than three times" in doubt for doubt in doubts(evidence(*rows)))


def test_without_a_gil_nothing_is_called_held() -> None:
    rows = [row(Way.PYTHON, 2, 1.8), row(Way.HELD, 2, 1.9), row(Way.RELEASED, 2, 1.9)]
    said = conclude(evidence(*rows, gil_enabled=False))
    assert "without a GIL" in said
    assert "pure Python 1.80 times" in said
    assert "held" not in said


def test_nothing_measured_is_said() -> None:
    assert conclude(evidence()) == "Nothing was measured."
    assert "Too little" in conclude(evidence(row(Way.PYTHON, 1, 1.0)))


@pytest.mark.parametrize(
    ("speedup", "stall_ms", "words"),
    [
        (1.95, 0.05, "lets other threads run: two threads are 1.95 times"),
        (1.0, 0.05, "yet gains nothing from them (they got the time of only 1.00 CPUs: a lock"),
        (1.0, 20.0, "holds the GIL and lets nobody else run: two threads are 1.00 times"),
        (1.0, 5.1, "hands it over only every 5.0 ms, as Python code does"),
        (1.3, 2.0, "only part of the time"),
    ],
)
def test_a_callable_is_told_whether_it_lets_others_run(speedup, stall_ms, words) -> None:
    rows = [
        row(Way.CALLABLE, 1, 1.0, stall_ms, kernel="mod:fn"),
        row(Way.CALLABLE, 2, speedup, stall_ms, kernel="mod:fn"),
    ]
    said = conclude(evidence(*rows))
    assert said.startswith("mod:fn ")
    assert words in said


def test_a_callable_that_has_its_cpus_and_gains_nothing_shares_something_else() -> None:
    rows = [row(Way.CALLABLE, 1, 1.0, 0.05), row(Way.CALLABLE, 2, 1.0, 0.05, cpus=1.98)]
    assert "gains nothing from them (they got their CPUs" in conclude(evidence(*rows))


def test_a_callable_without_a_gil_and_one_that_is_noisy() -> None:
    rows = [row(Way.CALLABLE, 1, 1.0), row(Way.CALLABLE, 2, 1.9)]
    assert "ran without a GIL" in conclude(evidence(*rows, gil_enabled=False))
    rows[1] = row(Way.CALLABLE, 2, 1.9, scatter=0.3)
    assert "too noisy to conclude" in conclude(evidence(*rows))
