# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Locks whose owners are killed: a sum behind each, one lock for each on_owner_death."""

from __future__ import annotations

from typing import Any

import nativeconc as nc
from nativeconc import shared
from stress.kill_harness import Board, Scenario, Worker
from stress.kill_scenarios.account import BIGGEST, Account


class GivenUpError(Exception):
    """A recovery that fails, on purpose."""


class Locks(Scenario):
    """shared.Lock."""

    kind: Any = shared.Lock
    POLICIES = ("raise", "continue", "callable")

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.accounts = [Account(board) for _ in self.POLICIES]
        self.locks = [
            self.kind(on_owner_death=account.repair if policy == "callable" else policy)
            for policy, account in zip(self.POLICIES, self.accounts, strict=True)
        ]

    def favourite(self) -> int:
        return max(account.sums["inside"][0] for account in self.accounts)

    def step(self, me: Worker) -> None:
        self.visit(me, me.rng.randrange(len(self.locks)))

    def visit(self, me: Worker, which: int) -> None:
        """One entry, in one of all ways; not if it takes too long."""
        lock, way = self.locks[which], me.rng.randrange(7)
        try:
            if way < 2:
                with lock:
                    self.inside(me, which)
            elif way == 2:
                with lock.timeout(me.rng.choice((0, 1e-4, 1e-3, 100))):
                    self.inside(me, which)
            elif way == 3:
                with nc.acquire_all(lock, timeout=100):
                    self.inside(me, which)
            elif way == 4:
                with lock.recover() as dead:
                    if dead is not None:
                        self.repair(me, which, dead)
                        return
                    self.inside(me, which)
            else:
                how = ((True,), (False,), (True, 1e-4), (True, 100))[me.rng.randrange(4)]
                if not lock.acquire(*how):
                    return
                self.inside(me, which)
                lock.release()
        except nc.OwnerDiedError as error:
            self.recover(me, which, error)
            return
        except (nc.LockTimeout, GivenUpError):
            return
        self.accounts[which].settle(me)

    def inside(self, me: Worker, which: int) -> None:
        account = self.accounts[which]
        if self.POLICIES[which] == "continue":
            account.repair_if_needed()
        account.change(me, me.rng.randrange(1, BIGGEST + 1))
        if which + 1 < len(self.locks) and me.rng.random() < 0.1:
            self.visit(me, which + 1)

    def recover(self, me: Worker, which: int, error: nc.OwnerDiedError) -> None:
        assert self.POLICIES[which] == "raise", error
        assert error.pid in self.board.workers["pid"], error
        try:
            with self.locks[which].recover() as dead:
                if dead is not None:
                    self.repair(me, which, dead)
        except GivenUpError:
            pass

    def repair(self, me: Worker, which: int, dead: shared.DeadOwner) -> None:
        if me.rng.random() < 0.2:
            raise GivenUpError
        self.accounts[which].repair(dead)

    def check(self) -> None:
        self.check_accounts()
        for lock in self.locks:
            assert not lock.locked()
            assert lock.stats().waiters == 0

    def check_accounts(self) -> None:
        for lock, account, policy in zip(self.locks, self.accounts, self.POLICIES, strict=True):
            with lock.recover() as dead:
                if policy == "continue":
                    account.repair_if_needed()
                elif dead is not None:
                    account.repair(dead)
            with lock.recover() as dead:
                assert dead is None
                account.check()
                assert account.look() > 0


class RLocks(Locks):
    """shared.RLock, entered more than once at times."""

    kind = shared.RLock

    def inside(self, me: Worker, which: int) -> None:
        if me.rng.random() < 0.3:
            with self.locks[which]:
                super().inside(me, which)
        else:
            super().inside(me, which)
