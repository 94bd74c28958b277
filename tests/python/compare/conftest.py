# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A harness without time: what a run takes is computed, so the logic has exact results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from nativeconc.comparison.bystander import Lateness
from nativeconc.comparison.cases import Call, Case
from nativeconc.comparison.comparison import Comparison
from nativeconc.comparison.machine import Machine
from nativeconc.comparison.runner import Run
from nativeconc.comparison.study import Study
from nativeconc.comparison.ways import Way

# Seconds that one unit of work takes on one thread.
UNIT_S = {
    Way.PYTHON: 1e-6,
    Way.NUMPY: 2e-8,
    Way.HELD: 1e-8,
    Way.RELEASED: 1e-8,
    Way.POOL: 1e-8,
    Way.CALLABLE: 0.01,
}


class FakeHarness:
    """Runs take the time that the calls return as their cost, divided by a way's speedup."""

    def __init__(self, factors: Sequence[float] = (1.0,)) -> None:
        self.clock = 0.0
        self.factors = list(factors)  # noise: factors of successive timing runs, going round
        self.cpu_share = 1.0
        self.interrupt_after: int | None = None
        self.log: list[tuple[str, Way, int, int]] = []

    def now(self) -> float:
        return self.clock

    def time(self, calls: Sequence[Call], total: int, way: Way, threads: int) -> Run:
        seconds = self._seconds("time", calls, total, way, threads)
        seconds *= self.factors[len(self.log) % len(self.factors)]
        start, self.clock = self.clock, self.clock + seconds
        side_by_side = threads if way in (Way.RELEASED, Way.POOL) else 1
        return Run(start, self.clock, seconds * side_by_side * self.cpu_share)

    def stall(self, calls: Sequence[Call], total: int, way: Way, threads: int) -> list[float]:
        self.clock += self._seconds("stall", calls, total, way, threads)
        return [0.0201, 0.0301, 0.0101] if way is Way.HELD else [0.0001, 0.0002, 0.0003]

    def idle(self) -> Lateness:
        self.clock += 0.3
        return Lateness(300, 0.0001, 0.0005)

    def _seconds(
        self, kind: str, calls: Sequence[Call], total: int, way: Way, threads: int
    ) -> float:
        if self.interrupt_after is not None and len(self.log) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.log.append((kind, way, threads, total))
        cost = calls[0](threads)
        assert isinstance(cost, float)
        speedup = 0.95 * threads if way in (Way.RELEASED, Way.POOL) and threads > 1 else 1.0
        return total * cost / speedup


def make_case(name: str = "work", **changes: object) -> Case:
    ways = (Way.PYTHON, Way.NUMPY, Way.HELD, Way.RELEASED, Way.POOL)

    def cost_of(way: Way) -> Callable[..., float]:
        return lambda units, **_keywords: units * UNIT_S[way]

    case = Case(
        name=name,
        title="{units} pieces of work",
        unit="piece",
        functions={way: cost_of(way) for way in ways},
        inputs=lambda units, n: [(units,)] * min(n, 3),
        smallest=10,
    )
    return replace(case, **changes)  # type: ignore[arg-type]


MACHINE = Machine(
    cpu="Some CPU <fast>",
    cpus=2,
    cpus_online=4,
    system="Linux 6 x86_64",
    python="CPython 3.11.7",
    gil_enabled=True,
    switch_interval_s=0.005,
    numpy="2.0.0",
    nativeconc="0.1.0",
    date="2026-01-02T03:04:05+00:00",
)


@pytest.fixture
def fake_harness() -> type[FakeHarness]:
    return FakeHarness


@pytest.fixture
def case_maker() -> Callable[..., Case]:
    return make_case


@pytest.fixture
def machine() -> Machine:
    return MACHINE


@pytest.fixture
def comparison() -> Comparison:
    """Two kernels at 1, 2 and 4 threads on a made-up machine with two CPUs."""
    cases = [make_case("first"), make_case("second")]
    study = Study(cases, (1, 2, 4), harness=FakeHarness(), machine=MACHINE, repeat=5)
    study.run()
    return study.result()
