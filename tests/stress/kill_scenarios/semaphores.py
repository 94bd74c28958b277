# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Semaphores, those who hold whose permits are killed: they come back, and there are no more."""

from __future__ import annotations

import time
from typing import Any

import nativeconc as nc
from nativeconc import shared
from stress.kill_harness import Board, Scenario, Table, Worker

PERMITS = 3
MOST = 2  # that one holds


class Semaphores(Scenario):
    """shared.Semaphore. Each writes down how many permits it has, just after and before."""

    kind: Any = shared.Semaphore

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.semaphore = self.kind(PERMITS)
        self.rows = Table(board.rows, "held")  # 4 * how often it has changed + how many it has

    def favourite(self) -> int:
        held = self.rows["held"]
        return next((number for number in self.board.living() if held[number] % 4), 0)

    def step(self, me: Worker) -> None:
        semaphore, way = self.semaphore, me.rng.randrange(6)
        try:
            if way < 2:
                with semaphore:
                    self.inside(me, 1)
            elif way == 2:
                with semaphore.timeout(me.rng.choice((0, 1e-4, 100))):
                    self.inside(me, 1)
            elif way == 3:
                with nc.acquire_all(semaphore, timeout=100):
                    self.inside(me, 1)
            else:
                how = ((True,), (False,), (True, 1e-4), (True, 100))[me.rng.randrange(4)]
                if not semaphore.acquire(*how):
                    return
                if me.rng.random() < 0.5 and semaphore.acquire(False):
                    self.inside(me, 2)
                    semaphore.release(2)
                else:
                    self.inside(me, 1)
                    semaphore.release()
        except nc.LockTimeout:
            pass

    def inside(self, me: Worker, permits: int) -> None:
        self.note(me, permits)
        before = self.picture()
        if me.rng.random() < 0.1:
            time.sleep(me.rng.random() * 1e-3)
        after = self.picture()
        # What was the same before and after was so in between. Who is doomed may be dead by then.
        living = self.board.living()
        at_once = {n: before[n] % 4 for n in living if before.get(n) == after.get(n, -1)}
        assert sum(at_once.values()) <= PERMITS, at_once
        self.note(me, 0)

    def note(self, me: Worker, permits: int) -> None:
        held = self.rows["held"]
        held[me.number] = (held[me.number] // 4 + 1) * 4 + permits

    def picture(self) -> dict[int, int]:
        held = self.rows["held"]
        return {number: held[number] for number in self.board.living()}

    def check(self) -> None:
        for _ in range(2):
            taken = 0
            while self.semaphore.acquire(False):
                taken += 1
            assert taken == PERMITS
            self.semaphore.release(PERMITS)
        assert self.semaphore.stats().waiters == 0
        assert f"value={PERMITS}" in repr(self.semaphore), self.semaphore


class BoundedSemaphores(Semaphores):
    """shared.BoundedSemaphore, which raises where there is a permit too many."""

    kind = shared.BoundedSemaphore

    def check(self) -> None:
        super().check()
        try:
            self.semaphore.release()
        except ValueError:
            return
        raise AssertionError("a permit too many")
