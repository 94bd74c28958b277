# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The measuring instruments behind one interface, so that the logic can be tested without time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from nativeconc.comparison.bystander import Bystander, Lateness, measure_idle
from nativeconc.comparison.cases import Call
from nativeconc.comparison.runner import Run, run_calls
from nativeconc.comparison.ways import Way

__all__ = ["Harness", "Instruments"]


class Harness(Protocol):
    """What measuring needs: a clock, and the three kinds of run."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""

    def time(self, calls: Sequence[Call], total: int, way: Way, threads: int) -> Run:
        """Do the work undisturbed; its wall time and CPU time."""

    def stall(self, calls: Sequence[Call], total: int, way: Way, threads: int) -> list[float]:
        """Do the work beside a bystander; its latenesses in seconds, at least one."""

    def idle(self) -> Lateness:
        """The bystander's lateness beside nothing."""


class Instruments:
    """The real harness: threads and `time.perf_counter`."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        return time.perf_counter()

    def time(self, calls: Sequence[Call], total: int, way: Way, threads: int) -> Run:
        """Do the work undisturbed; its wall time and CPU time."""
        return run_calls(calls, total, way, threads)

    def stall(self, calls: Sequence[Call], total: int, way: Way, threads: int) -> list[float]:
        """Do the work beside a bystander; its latenesses in seconds, at least one."""
        with Bystander() as bystander:
            run = run_calls(calls, total, way, threads)
        return bystander.latenesses(run.start, run.end)

    def idle(self) -> Lateness:
        """The bystander's lateness beside nothing."""
        return measure_idle()
