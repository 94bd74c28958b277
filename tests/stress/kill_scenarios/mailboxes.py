# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A condition variable whose waiters and notifiers are killed: items are put and taken under it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import nativeconc as nc
from nativeconc import shared
from stress.kill_harness import Board, Scenario, Worker
from stress.kill_scenarios.account import Account

ROOM = 6


class Mailboxes(Scenario):
    """shared.Condition, of a lock whose deaths are repaired by a function.

    A sum says how many items are there. Workers of even seats put some, those of odd seats take
    some; they wait without a deadline for room and for items. Who was notified and died has not
    passed it on; but then somebody new comes, who looks before it waits.
    """

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.items = Account(board)
        self.lock = self.make_lock()
        self.is_room, self.is_item = shared.Condition(self.lock), shared.Condition(self.lock)

    def make_lock(self) -> Any:
        return shared.RLock(on_owner_death=self.repair)

    def repair(self, dead: shared.DeadOwner) -> None:
        self.items.repair(dead)
        self.is_room.notify_all()
        self.is_item.notify_all()

    def favourite(self) -> int:
        return self.items.sums["inside"][0]

    def step(self, me: Worker) -> None:
        if me.seat % 2:
            done = self.exchange(me, self.is_item, lambda: self.items.look() > 0, -1, self.is_room)
        else:
            done = self.exchange(
                me, self.is_room, lambda: self.items.look() < ROOM, 1, self.is_item
            )
        if done:
            self.items.settle(me)

    def exchange(
        self, me: Worker, mine: Any, possible: Callable[[], bool], amount: int, others: Any
    ) -> bool:
        """Wait until it is possible to put or take, do it, and tell the others."""
        with mine:
            if me.rng.random() < 0.2:
                if not mine.wait_for(
                    lambda: possible() or self.board.stopped, me.rng.choice((1e-3, 9))
                ):
                    return False
            else:
                while not (possible() or self.board.stopped):
                    mine.wait(me.rng.choice((None, None, None, 1e-4, 100)))
            if not possible():
                return False
            self.items.change(me, amount)
            if me.rng.random() < 0.9:
                others.notify(me.rng.choice((1, 1, 2)))
            else:
                others.notify_all()
        return True

    def let_go(self) -> None:
        with contextlib.suppress(nc.LockTimeout), self.lock.timeout(1):
            self.is_room.notify_all()
            self.is_item.notify_all()

    def check(self) -> None:
        with self.lock.recover(60) as dead:
            if dead is not None:
                self.repair(dead)
            self.items.check()
        assert not self.lock.locked()
        for condition in (self.is_room, self.is_item):
            assert condition.stats().waiters == 0
            with condition:
                assert not condition.wait(1e-3)


class ToldMailboxes(Mailboxes):
    """The same, but whoever wants the lock is told of a death: in wait(), too."""

    def make_lock(self) -> Any:
        return shared.RLock()

    def step(self, me: Worker) -> None:
        try:
            super().step(me)
        except nc.OwnerDiedError:
            assert not self.lock._is_owned()
            self.recover()

    def recover(self) -> None:
        with self.lock.recover() as dead:
            if dead is not None:
                self.repair(dead)

    def let_go(self) -> None:
        try:
            super().let_go()
        except nc.OwnerDiedError:
            self.recover()
