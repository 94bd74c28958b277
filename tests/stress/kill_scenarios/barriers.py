# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A barrier whose parties are killed: those who wait are told, and meet again."""

from __future__ import annotations

import nativeconc as nc
from nativeconc import shared
from stress.kill_harness import WORKERS, Board, Scenario, Table, Worker


class Barriers(Scenario):
    """shared.Barrier, of all workers. Its action sees that all are there, and counts the rounds."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.rounds = Table(1, "number")
        self.rows = Table(board.rows, "waits", *(f"was {i}" for i in range(WORKERS)))
        self.barrier = shared.Barrier(WORKERS, self.count)

    def count(self) -> None:
        """The last one runs it, while all wait.

        Who came and was killed since has a successor already, who is not there.
        """
        living, waits = self.board.living(), self.rows["waits"]
        missing = [n for n in living if not waits[n] and n in self.board.living()]
        died = [n for n in range(len(waits)) if waits[n] and n not in self.board.living()]
        assert len(missing) <= len(died), f"{missing} of {living} are not there"
        for n in died:
            waits[n] = 0
        self.rounds["number"][0] += 1

    def step(self, me: Worker) -> None:
        waits = self.rows["waits"]
        waits[me.number] = 1
        try:
            index = self.barrier.wait(me.rng.choice((None, None, None, None, 100, 1e-2)))
        except nc.BrokenBarrierError:
            waits[me.number] = 0
            if self.barrier.broken and not self.board.stopped:
                self.barrier.reset()
            return
        waits[me.number] = 0
        self.rows[f"was {index}"][me.number] += 1

    def let_go(self) -> None:
        self.barrier.abort()

    def check(self) -> None:
        # In each round each place is had once; who was killed may not have written that down.
        rounds, killed = self.rounds["number"][0], sum(self.board.workers["doomed"])
        assert rounds > 0
        for i in range(WORKERS):
            assert rounds - killed <= sum(self.rows[f"was {i}"]) <= rounds, (rounds, killed, i)
        assert self.barrier.broken
        self.barrier.reset()
        assert not self.barrier.broken
        assert self.barrier.n_waiting == 0
