# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Run calls in T Python threads that start together, and take the wall time.

Thread i of T does calls i, i + T, i + 2T, ...: the total work is the same for every T. The threads
meet at a barrier; the time is from the first start after it to the last end. The collector of
cyclic garbage is off meanwhile, as in `timeit`.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from nativeconc.comparison.cases import Call
from nativeconc.comparison.starting import start_all
from nativeconc.comparison.ways import Way

__all__ = ["Run", "WorkError", "run_calls"]

_STOP_GRACE_S = 2.0


class Run(NamedTuple):
    """When work was done, in seconds on the clock of `time.perf_counter`, and its CPU time.

    The CPU time is that of the whole process between start and end.
    """

    start: float
    end: float
    cpu_s: float

    @property
    def wall_s(self) -> float:
        """From the first start to the last end."""
        return self.end - self.start


class WorkError(Exception):
    """What was measured raised: the cause is the exception that it raised."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.cause = cause


def run_calls(
    calls: Sequence[Call],
    total: int,
    way: Way,
    threads: int,
) -> Run:
    """Do `total` calls, going round `calls`, in the given way; return when that was.

    Way.POOL uses one Python thread and hands `threads` to the call; every other way uses `threads`
    Python threads. Even one thread is a new thread, so that all are measured alike.

    Blocks until the work is done. Ctrl-C stops the threads before their next call and is raised.

    Raises:
        WorkError: A call raised. The threads have stopped.
        ThreadsRefusedError: The system grants no more threads. Those that ran have stopped.
    """
    python_threads = 1 if way is Way.POOL else threads
    barrier = threading.Barrier(python_threads)
    stop = threading.Event()
    spans: list[tuple[float, float]] = []
    cpu_spans: list[tuple[float, float]] = []
    errors: list[BaseException] = []

    def work(first: int) -> None:
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            return  # Ctrl-C, or no more threads
        try:
            start, cpu_start = time.perf_counter(), time.process_time()
            for index in range(first, total, python_threads):
                if stop.is_set():
                    return
                calls[index % len(calls)](threads)
            spans.append((start, time.perf_counter()))
            cpu_spans.append((cpu_start, time.process_time()))
        except BaseException as error:  # SystemExit too: it is the work's, not ours
            errors.append(error)
            stop.set()

    # Daemons: a call that never returns must not keep the process from ending after Ctrl-C.
    workers = [
        threading.Thread(target=work, args=(i,), name=f"compare-{i}", daemon=True)
        for i in range(python_threads)
    ]
    with _no_collection():
        try:
            start_all(workers)
            for worker in workers:
                worker.join()
        except BaseException:
            stop.set()
            barrier.abort()
            for worker in workers:
                if worker.ident is not None:
                    worker.join(_STOP_GRACE_S)
            raise
    if errors:
        raise WorkError(errors[0]) from errors[0]
    (start, end), (cpu_start, cpu_end) = _hull(spans), _hull(cpu_spans)
    return Run(start, end, cpu_end - cpu_start)


def _hull(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(start for start, _ in spans), max(end for _, end in spans)


@contextmanager
def _no_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
