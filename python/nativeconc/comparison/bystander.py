# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A bystander: a thread that only wants to run now and then, and notes how late it was let run.

It sleeps a millisecond at a time. How much later than that it goes on is its lateness: some of it
is the machine's own (timer slack, other programs), which an idle run beforehand tells; the rest
is what the work beside it took from it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from nativeconc.comparison.starting import start_all

__all__ = ["SLEEP_S", "Bystander", "Lateness", "Stall", "measure_idle"]

SLEEP_S = 0.001
_IDLE_S = 0.3


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the bystander was beside nothing at all: the machine's own share, in seconds."""

    count: int
    median_s: float
    max_s: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Lateness:
        """Summarise `samples` (seconds, at least one)."""
        return cls(len(samples), median(samples), max(samples))


@dataclass(frozen=True, slots=True)
class Stall:
    """How long the bystander was kept from running, beyond the idle lateness, in seconds."""

    count: int
    median_s: float
    max_s: float

    @classmethod
    def of(cls, samples: Sequence[float], idle: Lateness) -> Stall:
        """Subtract the idle median from every sample (not below zero) and summarise them."""
        beyond = [max(0.0, sample - idle.median_s) for sample in samples]
        return cls(len(beyond), median(beyond), max(beyond))


class Bystander:
    """Runs beside the body of its `with` block; `latenesses` tells of it afterwards.

    Leaving the block waits for the last sample, so there is always at least one.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._samples: list[tuple[float, float, float]] = []  # asleep, awake, lateness
        self._clock = clock
        self._sleep = sleep
        self._stop = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="compare-bystander", daemon=True)

    def __enter__(self) -> Bystander:
        start_all([self._thread])
        self._ready.wait()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop = True
        self._thread.join()

    def latenesses(self, start: float = -math.inf, end: float = math.inf) -> list[float]:
        """The latenesses, in seconds, of all sleeps that touch the time from `start` to `end`.

        Starting and joining threads leaves the bystander in peace and would flatter the work. If
        no sleep touches that time, all count.
        """
        touching = [late for asleep, awake, late in self._samples if asleep < end and awake > start]
        return touching or [late for _, _, late in self._samples]

    def _watch(self) -> None:
        self._ready.set()
        while True:
            asleep = self._clock()
            self._sleep(SLEEP_S)
            awake = self._clock()
            self._samples.append((asleep, awake, max(0.0, awake - asleep - SLEEP_S)))
            if self._stop:
                return


def measure_idle(seconds: float = _IDLE_S) -> Lateness:
    """The bystander's lateness while this process does nothing else. Blocks for `seconds`."""
    with Bystander() as bystander:
        time.sleep(seconds)
    return Lateness.of(bystander.latenesses())
