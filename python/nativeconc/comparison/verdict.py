# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The one plain sentence that a comparison ends in, and what speaks against trusting it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from nativeconc.comparison.numbers import milliseconds, per_unit, word
from nativeconc.comparison.row import Row
from nativeconc.comparison.spread import NOISE_LIMIT
from nativeconc.comparison.ways import Way

__all__ = ["Evidence", "conclude", "doubts"]

# A speedup over one thread below this means that the threads did not really run side by side.
_PARALLEL_FROM = 1.25
# A middle half of the speedups wider than this makes the sentence as a whole worthless.
_TOO_NOISY = 0.25
# Native work that gets less than this share of the CPUs it could use shares them with others.
_STARVED_BELOW = 0.85
# A bystander that waits less than this share of the switch interval is not waiting for the GIL.
_FREE_BELOW = 0.2
# One that waits about that long, or longer, is waiting for it.
_KEPT_FROM = 0.7


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on."""

    rows: tuple[Row, ...]
    cpus: int
    gil_enabled: bool
    switch_interval_s: float

    def headline(self) -> int:
        """The number of threads that the sentence speaks of: the most that have a CPU each."""
        counts = sorted({row.threads for row in self.rows})
        fitting = [count for count in counts if count <= max(2, self.cpus)]
        return (fitting or counts or [1])[-1]

    def of(self, way: Way, threads: int) -> list[Row]:
        """The rows of one way and number of threads, one for each kernel."""
        return [row for row in self.rows if row.way is way and row.threads == threads]


def conclude(evidence: Evidence) -> str:
    """The sentence. It never hides a speedup of about 1.0."""
    if not evidence.rows:
        return "Nothing was measured."
    threads = evidence.headline()
    if evidence.of(Way.CALLABLE, threads):
        return _of_callable(evidence, threads)
    released = evidence.of(Way.RELEASED, threads)
    held = evidence.of(Way.HELD, threads)
    if not released or not held:
        return "Too little was measured for a verdict."
    if _starved(evidence, released):
        return (
            "Other programs kept this machine too busy to conclude: "
            f"{_threads(threads)} of native work got the time of only "
            f"{median(row.cpus for row in released):.2f} CPUs."
        )
    noisy = _noisy(released + held)
    if noisy:
        return (
            f"This run is too noisy to conclude: from round to round the speedups of {noisy} "
            f"spread over more than {_TOO_NOISY:.0%}; close what else runs here, or repeat more."
        )
    if threads == 1:
        return f"On this machine ({_cpus(evidence)}), {_bystander(released, held)}."
    return f"On this machine ({_cpus(evidence)}), {_speedups(evidence, released, held, threads)}."


def doubts(evidence: Evidence) -> tuple[str, ...]:
    """What keeps one from trusting single rows: each a sentence."""
    found = []
    noisy = [row for row in evidence.rows if row.noisy]
    if noisy:
        found.append(
            f"~ marks {len(noisy)} of {len(evidence.rows)} rows whose times spread too much to "
            f"conclude from (the middle half over more than {NOISE_LIMIT:.0%})."
        )
    released = [row for row in evidence.rows if row.way is Way.RELEASED]
    starved = [row for row in released if _starved(evidence, [row])]
    if starved:
        worst = min(starved, key=lambda row: row.cpus / row.threads)
        found.append(
            f"Something else used this machine: {worst.kernel} with the GIL released got the time "
            f"of only {worst.cpus:.2f} CPUs on {_threads(worst.threads)}."
        )
    counts = [row.wall_s.count for row in evidence.rows]
    if counts and min(counts) < 3:
        found.append("Some rows were timed fewer than three times: their spread is not known.")
    return tuple(found)


def _starved(evidence: Evidence, rows: Sequence[Row]) -> bool:
    """Whether native work that never waits got clearly less CPU time than it could use."""
    shares = [row.cpus / min(row.threads, evidence.cpus) for row in rows]
    return median(shares) < _STARVED_BELOW


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{word(count)} threads"


def _speedups(
    evidence: Evidence, released: Sequence[Row], held: Sequence[Row], threads: int
) -> str:
    gain = f"{word(threads)} Python threads do native work {_times(released)} as fast as one"
    if not evidence.gil_enabled:
        text = f"without a GIL, {gain}{_range(released)}"
        python = evidence.of(Way.PYTHON, threads)
        if python:
            text += f", and pure Python {_times(python)}"
        waits = _waits([*released, *held])
        return text + (f"; a bystander waits {waits}" if waits else "")
    return (
        f"{gain} when the GIL is released{_range(released)} and {_times(held)} when it is held; "
        f"{_bystander(released, held)}"
    )


def _bystander(released: Sequence[Row], held: Sequence[Row]) -> str:
    beside_released, beside_held = _waits(released), _waits(held)
    if beside_released is None or beside_held is None:
        return "a bystander was not measured"
    return (
        f"a bystander waits {beside_held} while the GIL is held, "
        f"{beside_released} while it is released"
    )


def _waits(rows: Sequence[Row]) -> str | None:
    """The typical median over kernels, and the worst there was."""
    stalls = [row.stall for row in rows if row.stall is not None]
    if not stalls:
        return None
    typical = median(stall.median_s for stall in stalls)
    worst = max(stall.max_s for stall in stalls)
    return f"{milliseconds(typical)} ms (at most {milliseconds(worst)} ms)"


def _times(rows: Sequence[Row]) -> str:
    """The typical speedup over kernels: "1.90 times"."""
    return f"{median(row.speedup for row in rows):.2f} times"


def _range(rows: Sequence[Row]) -> str:
    """The least and the most of several kernels: " (1.40 to 1.95 over three kernels)"."""
    values = [row.speedup for row in rows]
    if len(values) < 2:
        return ""
    return f" ({min(values):.2f} to {max(values):.2f} over {word(len(values))} kernels)"


def _noisy(rows: Sequence[Row]) -> str:
    """The kernels whose rows are noisy, if they are half of them or more; else an empty string."""
    noisy = {row.kernel for row in rows if row.noisy and _spread_of(row) > _TOO_NOISY}
    kernels = {row.kernel for row in rows}
    return ", ".join(sorted(noisy)) if 2 * len(noisy) >= len(kernels) and noisy else ""


def _spread_of(row: Row) -> float:
    return (row.wall_s if row.threads == 1 else row.speedups).relative


def _of_callable(evidence: Evidence, threads: int) -> str:
    row = evidence.of(Way.CALLABLE, threads)[0]
    alone = evidence.of(Way.CALLABLE, 1)[0]
    name = row.kernel
    if _noisy([row]):
        return (
            f"This run is too noisy to conclude about {name}: its times spread over more than "
            f"{_TOO_NOISY:.0%} from round to round."
        )
    if alone.stall is None:
        return f"{name} was timed, but no bystander was measured."
    waits = _waits([alone])
    figures = f"a bystander waits {waits} beside one call of {per_unit(alone.call_s * 1e9)}"
    free = alone.stall.median_s < _FREE_BELOW * evidence.switch_interval_s
    if threads > 1:
        figures = (
            f"{word(threads)} threads are {row.speedup:.2f} times as fast as one, and {figures}"
        )
    if not evidence.gil_enabled:
        return f"{name} ran without a GIL: {figures}."
    if free and threads > 1 and row.speedup < _PARALLEL_FROM:
        if _starved(evidence, [row]):
            cause = f"they got the time of only {row.cpus:.2f} CPUs: a lock, or a busy machine"
        else:
            cause = "they got their CPUs: what they share, such as memory, is the limit"
        return f"{name} lets other threads run, yet gains nothing from them ({cause}): {figures}."
    if free:
        return f"{name} lets other threads run: {figures}."
    if alone.stall.median_s < _KEPT_FROM * evidence.switch_interval_s:
        return f"{name} lets other threads run only part of the time: {figures}."
    if alone.stall.median_s > 1.5 * evidence.switch_interval_s:
        return f"{name} holds the GIL and lets nobody else run: {figures}."
    return (
        f"{name} keeps the GIL and hands it over only every "
        f"{milliseconds(evidence.switch_interval_s)} ms, as Python code does: {figures}."
    )


def _cpus(evidence: Evidence) -> str:
    return "1 CPU" if evidence.cpus == 1 else f"{evidence.cpus} CPUs"
