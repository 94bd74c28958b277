# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A study: one comparison from the plan to the result, which also keeps half of one."""

from __future__ import annotations

from collections.abc import Sequence

from nativeconc.comparison.bystander import Lateness
from nativeconc.comparison.cases import Case
from nativeconc.comparison.comparison import Comparison, Parameters
from nativeconc.comparison.harness import Harness, Instruments
from nativeconc.comparison.machine import Machine
from nativeconc.comparison.measure import Cell, Progress, Report, measure_case
from nativeconc.comparison.plan import DEFAULT_REPEAT, plan_case, run_target
from nativeconc.comparison.row import rows_of

__all__ = ["DEFAULT_BUDGET_S", "Study"]

DEFAULT_BUDGET_S = 40.0


class Study:
    """Runs a comparison and holds what has been measured so far.

    Args:
        cases: What to compare.
        threads: The numbers of threads, ascending, with 1 among them.
        size: The units of one native call, or None.
        repeat: How often to time each row; None: `DEFAULT_REPEAT` times, or fewer if the budget
            does not allow it.
        budget_s: How long the whole should take, in seconds.
        harness: What measures; tests give one without time.
        machine: Where it runs.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        threads: tuple[int, ...],
        *,
        size: int | None = None,
        repeat: int | None = None,
        budget_s: float = DEFAULT_BUDGET_S,
        harness: Harness | None = None,
        machine: Machine | None = None,
    ) -> None:
        self._cases = tuple(cases)
        self._threads = threads
        self._size = size
        self._repeat = repeat
        self._budget_s = budget_s
        self._harness = harness or Instruments()
        self._machine = machine or Machine.here()
        self._idle: Lateness | None = None
        self._cells: list[Cell] = []
        self._began: float | None = None
        self._complete = False

    def run(self, report: Report | None = None) -> None:
        """Measure everything. Blocks; Ctrl-C is raised, and `result` still has what there is.

        Args:
            report: Called between runs with what is done next and the share done so far.

        Raises:
            WorkError: What was measured raised.
        """
        harness, progress = self._harness, Progress(report)
        self._began = harness.now()
        end = self._began + self._budget_s
        progress.tell("idle machine")
        self._idle = harness.idle()
        repeat = self._repeat or DEFAULT_REPEAT
        target_s = run_target(
            self._budget_s, repeat, self._cases, self._threads, self._machine.cpus
        )
        for index, case in enumerate(self._cases):
            part = progress.part(index, len(self._cases))
            part.tell(f"{case.name}: probing")
            now = harness.now()
            share_end = now + (end - now) / (len(self._cases) - index)
            loads = plan_case(
                case, harness, target_s, self._threads, self._size, self._machine.cpus
            )
            cells = [Cell(case, load, count) for load in loads for count in self._threads]
            self._cells += cells
            deadline = share_end if self._repeat is None else None
            measure_case(cells, harness, repeat, deadline=deadline, progress=part)
            _free_inputs(cells)
        progress.tell("done", 1.0)
        self._complete = True

    def result(self) -> Comparison:
        """What was measured, be it all or only a part."""
        idle = self._idle or Lateness(0, 0.0, 0.0)
        began = self._harness.now() if self._began is None else self._began
        return Comparison(
            machine=self._machine,
            parameters=Parameters(
                kernels=tuple(case.name for case in self._cases),
                threads=self._threads,
                size=self._size,
                repeat=self._repeat or DEFAULT_REPEAT,
                budget_s=self._budget_s if self._repeat is None else None,
            ),
            idle=idle,
            elapsed_s=self._harness.now() - began,
            complete=self._complete,
            _rows=rows_of(self._cells, idle),
        )


def _free_inputs(cells: Sequence[Cell]) -> None:
    """Let go of the input of a finished kernel before the next one makes its own."""
    for cell in cells:
        cell.load = cell.load.without_calls()
