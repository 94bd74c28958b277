# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""How much work every way gets: found by short probe runs, so that the whole keeps to its budget.

The total work of a way is the same for every number of threads: a number of calls that every
number of threads divides (their least common multiple, or a multiple of it). Slow ways do less
work; that is why results are also given per unit of work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nativeconc.comparison.cases import Call, Case, Inputs
from nativeconc.comparison.harness import Harness
from nativeconc.comparison.ways import NATIVE_WAYS, Way

__all__ = [
    "DEFAULT_REPEAT",
    "STALL_ROUNDS",
    "Load",
    "default_threads",
    "plan_case",
    "run_target",
    "weight",
]

DEFAULT_REPEAT = 5
STALL_ROUNDS = 2

_MIN_CALLS = 8  # a bystander should see several calls begin and end
_MIN_SLOW_CALLS = 2
_MAX_CALLS = 100_000
_MAX_EVEN_CALLS = 512  # beyond this, shares may differ by one call
_MAX_PROBES = 10
_POOL_FACTOR = 4
_PARALLEL = (Way.NUMPY, Way.RELEASED, Way.POOL)
_MAX_WEIGHT = 4.0
_MIN_RUN_S, _MAX_RUN_S = 0.02, 0.2
_RUN_SHARE = 0.7  # of the budget; the rest is for probing, input data and idle runs
_NUMPY_ALLOWANCE = 3.0  # NumPy gets the native size if that takes at most this many times longer


@dataclass(frozen=True)
class Load:
    """What one way does in every run: `total` calls, going round `calls`."""

    way: Way
    units: int
    total: int
    calls: Sequence[Call]

    def without_calls(self) -> Load:
        """The same load, without the input that its calls hold."""
        return replace(self, calls=())


def default_threads(cpus: int) -> tuple[int, ...]:
    """1, 2, ... cpus; from five on the powers of two up to cpus, and cpus itself."""
    if cpus <= 4:
        return tuple(range(1, cpus + 1))
    powers = [1 << bit for bit in range(cpus.bit_length())]
    return tuple(sorted({*powers, cpus}))


def run_target(
    budget_s: float, repeat: int, cases: Sequence[Case], threads: Sequence[int], cpus: int
) -> float:
    """How long one run of one thread may take, in seconds, for the whole to keep to `budget_s`.

    Ways that gain from threads take `weight` times as long.
    """
    side_by_side = min(max(threads), cpus)
    runs = sum(
        (repeat + STALL_ROUNDS) * weight(way, side_by_side) * _expected_share(way, count, cpus)
        for case in cases
        for way in case.ways
        for count in threads
    )
    return min(_MAX_RUN_S, max(_MIN_RUN_S, _RUN_SHARE * budget_s / runs))


def weight(way: Way, side_by_side: int) -> float:
    """How much longer than the others a way may run on one thread: on many, it must still last.

    Args:
        way: The way.
        side_by_side: The most threads that will really run at the same time.
    """
    return max(1.0, min(_MAX_WEIGHT, side_by_side / 4)) if way in _PARALLEL else 1.0


def _expected_share(way: Way, threads: int, cpus: int) -> float:
    """The time of `threads` threads over that of one, guessed with caution."""
    if way in (Way.RELEASED, Way.POOL):
        return max(0.25, 1.3 / min(threads, cpus)) if threads > 1 else 1.0
    if way is Way.NUMPY and threads > 2:
        return 0.5
    return 1.0


class _Inputs:
    """Makes every input once, for ways that share it (128 MiB of array is enough)."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._made: dict[tuple[Inputs, int, int], list[tuple[Any, ...]]] = {}

    def calls(self, way: Way, units: int, n: int) -> list[Call]:
        inputs = self._case.inputs_for(way)
        key = (inputs, units, n)
        if key not in self._made:
            self._made[key] = inputs(units, n)
        return self._case.calls(way, self._made[key])


def plan_case(
    case: Case,
    harness: Harness,
    run_s: float,
    threads: Sequence[int],
    size: int | None,
    cpus: int = 1,
) -> list[Load]:
    """Probe every way of `case` and fix its load: about `run_s` seconds on one thread.

    Args:
        case: What is compared.
        harness: Measures the probes.
        run_s: What one run of one thread should take, before `weight`.
        threads: The numbers of threads that will be used.
        size: The units of one native call, or None to choose. Slower ways may get fewer.
        cpus: How many threads can run at the same time.

    Returns:
        A load for each way, in the order in which they are shown.

    Raises:
        WorkError: A probe raised.
    """
    inputs = _Inputs(case)
    native_units: int | None = None
    unit_s: float | None = None
    loads = []
    for way in sorted(case.ways, key=_native_first):
        base = _base_calls(way, threads)
        target_s = run_s * weight(way, min(max(threads), cpus))
        if way not in NATIVE_WAYS or unit_s is None:
            unit_s = _unit_seconds(case, way, harness, target_s / base, size or native_units)
        if way in NATIVE_WAYS:
            units = size or _fit(case, target_s / base / unit_s, way)
            if native_units is None:
                native_units = units
        else:
            units = _slower_units(case, way, target_s / base / unit_s, native_units)
        units = 1 if case.fixed else case.rounded(max(1, units))
        rounds = max(1, round(target_s / max(1e-9, base * units * unit_s)))
        total = base * min(rounds, max(1, _MAX_CALLS // base))
        loads.append(Load(way, units, total, inputs.calls(way, units, total)))
    return sorted(loads, key=lambda load: list(Way).index(load.way))


def _native_first(way: Way) -> int:
    """The released kernel is probed for all native ways, and sets the size for the others."""
    return 0 if way is Way.RELEASED else 1 if way in NATIVE_WAYS else 2


def _base_calls(way: Way, threads: Sequence[int]) -> int:
    """The least number of calls in a run, divisible by all of `threads`.

    Slow ways make few calls, so that these are as large as the time allows: NumPy has a cost for
    each call that must not weigh more than it would on the native size.
    """
    if way is Way.POOL:
        return _MIN_CALLS  # one thread calls, whatever T is
    least = _MIN_SLOW_CALLS if way in (Way.PYTHON, Way.NUMPY) else _MIN_CALLS
    step = math.lcm(*threads)
    if step > _MAX_EVEN_CALLS:
        step = max(threads)
    return step * -(-least // step)


def _fit(case: Case, units: float, way: Way) -> int:
    """`units` within what the case allows; the pool shares out one call, so it gets more."""
    if case.largest is not None:
        units = min(units, case.largest * (_POOL_FACTOR if way is Way.POOL else 1))
    return max(case.smallest, int(units))


def _slower_units(case: Case, way: Way, units: float, native_units: int | None) -> int:
    """The native size if it is affordable, so that the two do the same; else what fits the time."""
    allowed = units * (_NUMPY_ALLOWANCE if way is Way.NUMPY else 1.0)
    if native_units is not None and allowed >= native_units:
        return native_units
    fitting = _fit(case, units, way)
    return fitting if native_units is None else min(fitting, native_units)


def _unit_seconds(
    case: Case, way: Way, harness: Harness, call_s: float, limit: int | None
) -> float:
    """The time of one unit of work: probe with growing sizes until one takes about `call_s`."""
    inputs = _Inputs(case)
    units = 1 if case.fixed else case.rounded(min(case.smallest, limit or case.smallest))
    best = math.inf
    for _ in range(_MAX_PROBES):
        elapsed = max(1e-7, harness.time(inputs.calls(way, units, 1), 1, way, 1).wall_s)
        best = min(best, elapsed / units) if case.fixed else elapsed / units
        if elapsed >= 0.7 * call_s:
            break
        if not case.fixed:
            growth = min(10.0, max(2.0, call_s / elapsed))
            larger = case.rounded(_fit(case, units * growth, way))
            larger = larger if limit is None else min(larger, case.rounded(limit))
            if larger <= units:
                break
            units = larger
    return best
