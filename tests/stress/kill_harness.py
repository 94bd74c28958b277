# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that share something, work on it, and are killed at random instants, again and again.

A scenario says what they share, what one step of work is, and what must hold in the end. Whoever is
killed is replaced, and after each kill all who live must go on; how soon they do is measured. All
choices come from a seed; what instant of whose work a kill meets is the machine's.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from nativeconc import shared

WORKERS = 4
SPAWNED = 0.01  # of the workers; the others are forked
LIMIT_S = 30.0
PAUSES_S = (0, 1e-4, 1e-3, 4e-3)


class Table:
    """Columns of 64-bit numbers in shared memory, with a row for each process that ever was."""

    def __init__(self, rows: int, *names: str) -> None:
        self.names = names
        self.numbers = shared.zeros((len(names), rows), dtype=np.int64)
        self.columns = dict(zip(names, map(memoryview, self.numbers), strict=True))

    def __getitem__(self, name: str) -> memoryview:
        """A column. Each of its elements is written by one store, and by one process at a time."""
        return self.columns[name]

    def __getstate__(self) -> Any:
        return self.names, self.numbers

    def __setstate__(self, state: Any) -> None:
        self.names, self.numbers = state
        self.columns = dict(zip(self.names, map(memoryview, self.numbers), strict=True))


class Board:
    """What all know of all workers. Their numbers begin at 1 and are never used again."""

    def __init__(self, kills: int) -> None:
        self.rows = kills + 2 * WORKERS + 1  # for each worker that there will be, and for 0
        self.workers = Table(self.rows, "pid", "doomed", "steps")
        self.seats = Table(WORKERS, "number")
        self.ends = Table(1, "stop")

    @property
    def stopped(self) -> bool:
        return self.ends["stop"][0] != 0

    def living(self) -> list[int]:
        """Who is not about to be killed, nor was, and may have begun."""
        doomed = self.workers["doomed"]
        return [number for number in self.seats["number"] if number and not doomed[number]]


class Scenario:
    """What processes share, and what they do with it. Pickles to a spawned worker."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def step(self, me: Worker) -> None:
        """In a worker, again and again. Must end, as long as others live or come."""
        raise NotImplementedError

    def favourite(self) -> int:
        """The number of a worker whose death at this moment hurts most, or 0."""
        return 0

    def let_go(self) -> None:
        """In the end, until all have come home: wakes those who wait for others."""

    def check(self) -> None:
        """When all workers have ended: raises AssertionError if something is lost or left."""


@dataclass(eq=False)
class Worker:
    """What a worker knows of itself."""

    number: int
    seat: int  # from 0 to WORKERS - 1, that of one who was killed; all are taken, most of the time
    rng: random.Random


def work(scenario: Scenario, number: int, seat: int, seed: int) -> None:
    """The target of a worker's process."""
    board = scenario.board
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    me = Worker(number, seat, random.Random(f"{seed} {number}"))
    board.workers["pid"][number] = os.getpid()
    parent, steps = os.getppid(), board.workers["steps"]
    while not board.stopped and os.getppid() == parent:
        scenario.step(me)
        steps[number] += 1


class HungError(Exception):
    """Somebody who lives did not go on after a kill."""


@dataclass(eq=False)
class Harness:
    make: Callable[[Board], Scenario]
    seed: int
    kills: int
    limit_s: float = LIMIT_S
    is_quiet: bool = False  # dumps no stacks
    killed: int = 0
    killed_at: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    went_on_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.board = Board(self.kills)
        self.scenario = self.make(self.board)
        self.steps = self.board.workers["steps"]
        self.seats = self.board.seats["number"]
        self.started = 0
        self.living: dict[int, BaseProcess] = {}

    def run(self) -> None:
        """All kills, and the end. Raises HungError, or AssertionError."""
        try:
            for _ in range(WORKERS):
                self.start()
            self.wait_for_all(time.monotonic(), dict.fromkeys(self.living, 0))
            while self.killed < self.kills:
                self.kill_some()
            self.end()
        finally:
            for process in self.living.values():
                process.kill()
                process.join()

    def start(self) -> None:
        """A new worker, for a seat whose owner was killed."""
        self.started += 1
        seat = next(i for i, number in enumerate(self.seats) if number not in self.living)
        self.seats[seat] = self.started
        is_spawned = self.started == 1 or self.rng.random() < SPAWNED
        method = "spawn" if is_spawned else "fork"
        process = multiprocessing.get_context(method).Process(
            target=work,
            args=(self.scenario, self.started, seat, self.seed),
            daemon=True,
        )
        process.start()
        self.living[self.started] = process

    # --- kills ----------------------------------------------------------------------------------

    def kill_some(self) -> None:
        """One kill, or some in a row; then all others must go on, and so must the new ones."""
        time.sleep(self.rng.choice(PAUSES_S) * self.rng.random())
        self.kill(self.choose())
        while self.rng.random() < 0.2 and len(self.living) > 1:
            time.sleep(self.rng.choice((0, 1e-3, 3e-2)) * self.rng.random())
            self.kill(self.choose())
        before = {number: self.steps[number] for number in self.living}
        for _ in range(WORKERS - len(self.living)):
            self.start()
            before[self.started] = 0
        self.went_on_s.append(self.wait_for_all(self.killed_at, before))

    def choose(self) -> int:
        if self.rng.random() < 0.5:
            give_up = time.monotonic() + 2e-3
            while time.monotonic() < give_up:
                if (number := self.scenario.favourite()) in self.living:
                    self.done["in the midst"] += 1
                    return number
        return self.rng.choice(list(self.living))

    def kill(self, number: int) -> None:
        process = self.living.pop(number)
        assert process.pid is not None
        self.board.workers["doomed"][number] = 1
        if self.rng.random() < 0.3:
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(self.rng.choice((0, 1e-3, 3e-2)) * self.rng.random())
            self.done["stopped"] += 1
        self.killed_at = time.monotonic()
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, process.exitcode
        process.close()
        self.killed += 1

    # --- what the others do ---------------------------------------------------------------------

    def wait_for_all(self, start: float, before: dict[int, int]) -> float:
        """Until each has done a step; returns how long the old ones took, in seconds."""
        old_s, behind = None, set(before)
        while behind:
            behind = {number for number in behind if self.steps[number] == before[number]}
            if old_s is None and not any(before[number] for number in behind):
                old_s = time.monotonic() - start
            if behind:
                self.look_after(behind, start)
                time.sleep(1e-4)  # how exactly it is known when they went on
        return old_s or 0.0

    def look_after(self, behind: set[int], start: float) -> None:
        for number in behind:
            code = self.living[number].exitcode
            assert code is None, f"worker {number} ended with {code}"
        if time.monotonic() - start > self.limit_s:
            self.dump(behind)
            raise HungError(f"{sorted(behind)} of {sorted(self.living)} did not go on")

    def dump(self, behind: set[int]) -> None:
        """Let each print where it is, and say where in the kernel."""
        if self.is_quiet:
            return
        for number, process in self.living.items():
            folder = Path(f"/proc/{process.pid}")
            what = "hangs" if number in behind else "goes on"
            where = [(folder / name).read_text().strip() for name in ("wchan", "syscall")]
            print(f"worker {number}, {process.pid}, {what}: {where}", file=sys.stderr, flush=True)
            os.kill(process.pid or 0, signal.SIGUSR1)
            time.sleep(0.2)

    def end(self) -> None:
        """All come home, and the scenario looks whether all is there."""
        start = time.monotonic()
        faulthandler.dump_traceback_later(3 * self.limit_s, exit=True)  # this process may hang, too
        self.board.ends["stop"][0] = 1
        while self.living:
            self.scenario.let_go()
            for number, process in list(self.living.items()):
                if process.exitcode is not None:
                    assert process.exitcode == 0, f"worker {number} ended with {process.exitcode}"
                    process.close()
                    del self.living[number]
            if time.monotonic() - start > self.limit_s:
                self.dump(set(self.living))
                raise HungError(f"{sorted(self.living)} did not come home")
            time.sleep(1e-3)  # between looks; limit_s is the limit
        self.scenario.check()
        faulthandler.cancel_dump_traceback_later()
