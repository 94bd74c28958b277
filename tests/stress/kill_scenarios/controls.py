# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The same with what multiprocessing has. Nobody expects that to survive."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
from typing import Any

from stress.kill_harness import Board, Scenario, Worker
from stress.kill_scenarios.account import BIGGEST, Account
from stress.kill_scenarios.queues import Queues, make_message

# What is made there can be handed to forked children, too; not the other way round.
SPAWN = multiprocessing.get_context("spawn")


class ControlLocks(Scenario):
    """multiprocessing.Lock, around a sum that is repaired by whoever enters next."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.account = Account(board)
        self.lock = SPAWN.Lock()

    def favourite(self) -> int:
        return self.account.sums["inside"][0]

    def step(self, me: Worker) -> None:
        with self.lock:
            self.account.repair_if_needed()
            self.account.change(me, me.rng.randrange(1, BIGGEST + 1))
        self.account.settle(me)


class ControlQueues(Queues):
    """multiprocessing.Queue, one message at a time. That it loses some is no failure."""

    def make_queue(self) -> Any:
        return SPAWN.Queue(64)

    def fill(self) -> int:
        return 0

    def produce(self, me: Worker) -> None:
        which = self.rows["put"][me.number]
        if which == len(self.taken_by[0]):
            self.put_nothing()
            return
        self.queue.put(make_message(me.rng, me.number, which, is_plain=True))
        self.rows["put"][me.number] = which + 1

    def consume(self, me: Worker) -> None:
        with contextlib.suppress(queue.Empty):
            self.mark(self.queue.get(*me.rng.choice(((), (True, 1e-3), (False,)))), me.number)

    def check(self) -> None:
        self.queue.cancel_join_thread()
