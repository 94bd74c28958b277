# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import pytest

from nativeconc.comparison.bystander import SLEEP_S, Bystander, Lateness, Stall, measure_idle


class FakeTime:
    """Every sleep takes what the script says; the clock stands still otherwise."""

    def __init__(self, lateness):
        self.now = 0.0
        self.lateness = list(lateness)

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds + (self.lateness.pop(0) if self.lateness else 0.0)


def test_lateness_is_what_a_sleep_took_too_long() -> None:
    time = FakeTime([0.0, 0.02, 0.005])
    bystander = Bystander(clock=time.clock, sleep=time.sleep)
    with bystander:
        while time.lateness:
            pass
    assert bystander.latenesses()[:3] == pytest.approx([0.0, 0.02, 0.005])


def test_only_sleeps_beside_the_work_count() -> None:
    time = FakeTime([0.001, 0.02, 0.03, 0.002])
    bystander = Bystander(clock=time.clock, sleep=time.sleep)
    with bystander:
        while time.lateness:
            pass
    start = SLEEP_S + 0.001 + 0.0005  # within the second sleep
    end = start + 0.025  # within the third
    assert bystander.latenesses(start, end) == pytest.approx([0.02, 0.03])
    assert bystander.latenesses(-2.0, -1.0) == bystander.latenesses()


def test_a_bystander_has_a_sample_even_of_no_time() -> None:
    with Bystander() as bystander:
        pass
    assert bystander.latenesses()


def test_stall_is_lateness_beyond_the_idle_machine() -> None:
    stall = Stall.of([0.0001, 0.0101, 0.0051], Lateness(9, 0.0001, 0.5))
    assert stall.median_s == pytest.approx(0.005)
    assert stall.max_s == pytest.approx(0.01)
    assert Stall.of([0.0], Lateness(9, 0.0001, 0.5)).max_s == 0.0


def test_an_idle_machine_is_measured() -> None:
    idle = measure_idle(0.02)
    assert idle.count >= 1
    assert 0.0 <= idle.median_s <= idle.max_s
