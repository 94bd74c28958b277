# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A sum in two halves that a lock protects, with a journal from which a death is made good."""

from __future__ import annotations

import os
from typing import Any

from stress.kill_harness import Board, Table, Worker

BIGGEST = 9


class Account:
    """The halves are equal whenever nobody is inside.

    Whoever changes them writes first what it is about to do; whoever finds that half-done, does the
    rest. Beside the sum stands what each worker asked for, committed, and knows to be done.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.sums = Table(
            1, "left", "right", "inside", "intent", "who", "amount", "before", "committed", "deaths"
        )
        self.rows = Table(board.rows, "asked", "committed", "done")

    def change(self, me: Worker, amount: int) -> None:
        """Add something, at most BIGGEST, to both halves. The lock is held."""
        sums, number = self.sums, me.number
        assert sums["inside"][0] == 0, "somebody else is inside"
        sums["inside"][0] = number
        before = sums["left"][0]
        assert sums["right"][0] == before, "the halves differ"
        self.rows["asked"][number] += amount
        sums["who"][0] = number
        sums["amount"][0] = amount
        sums["before"][0] = before
        sums["committed"][0] = self.rows["committed"][number]
        sums["intent"][0] = 1
        self._carry_out()
        assert sums["inside"][0] == number, "somebody else is inside"
        sums["inside"][0] = 0

    def look(self) -> int:
        """The sum, for a reader: the halves are equal, and nobody changes them meanwhile."""
        assert self.sums["inside"][0] == 0, "somebody else is inside"
        left, right = self.sums["left"][0], self.sums["right"][0]
        assert left == right, "the halves differ"
        assert self.sums["inside"][0] == 0, "somebody else is inside"
        return left

    def settle(self, me: Worker) -> None:
        """After change(), when the lock is not held any more."""
        self.rows["done"][me.number] = self.rows["asked"][me.number]

    def _carry_out(self) -> None:
        sums = self.sums
        after = sums["before"][0] + sums["amount"][0]
        sums["left"][0] = after
        self.rows["committed"][sums["who"][0]] = sums["committed"][0] + sums["amount"][0]
        sums["right"][0] = after
        sums["intent"][0] = 0

    def repair(self, dead: Any) -> None:
        """Make good what a death left undone. The lock is held."""
        inside = self.sums["inside"][0]
        if inside != 0:
            pid = self.board.workers["pid"][inside]
            assert pid == dead.pid, f"{pid} died inside, and {dead} is said to have died"
            assert pid != os.getpid()
        if self.sums["intent"][0]:
            self._carry_out()
        self.sums["inside"][0] = 0
        self.sums["deaths"][0] += 1

    def repair_if_needed(self) -> None:
        """The same, where nobody is told of a death."""
        if self.sums["inside"][0] != 0:
            if self.sums["intent"][0]:
                self._carry_out()
            self.sums["inside"][0] = 0
            self.sums["deaths"][0] += 1

    def check(self) -> None:
        """When all have ended, and all was repaired."""
        committed = self.rows["committed"]
        total = sum(committed)
        assert self.look() == total, (self.look(), total)
        for number, (asked, mine, done) in enumerate(
            zip(self.rows["asked"], committed, self.rows["done"], strict=True)
        ):
            assert mine in (done, asked), (number, done, mine, asked)
            assert abs(asked - done) <= BIGGEST, (number, done, mine, asked)
