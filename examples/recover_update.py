# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A process is killed in the middle of a money transfer; the next one finds out and repairs it.

The lock says that its owner died. What was half done is then undone by a note that the owner wrote
before it began: any program that changes more than one thing can do that.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

import nativeconc as nc
from nativeconc import shared

SPAWN = multiprocessing.get_context("spawn")


class Bank:
    """Accounts in shared memory. Pickles: what it is made of does."""

    def __init__(self, balances: list[int]) -> None:
        self.lock = shared.Lock()
        self.balances = shared.zeros(len(balances), dtype=int)
        self.balances[:] = balances
        self.note = shared.zeros(3, dtype=int)  # source, its balance before, and 1 while it counts
        self.target = shared.zeros(2, dtype=int)  # the other one, and its balance before

    def transfer(self, source: int, target: int, amount: int, *, die: bool = False) -> None:
        """Move money; `die` in the middle of it."""
        with self.lock:
            self.target[:] = target, self.balances[target]
            self.note[:] = source, self.balances[source], 1
            self.balances[source] -= amount
            if die:
                os.kill(os.getpid(), signal.SIGKILL)
            self.balances[target] += amount
            self.note[2] = 0

    def repair(self) -> None:
        """Undo what the dead owner of the lock had begun."""
        with self.lock.recover() as dead:
            if dead is None:
                return
            print(f"process {dead.pid} died while it had the lock")
            if self.note[2]:
                self.balances[self.target[0]] = self.target[1]
                self.balances[self.note[0]] = self.note[1]
                self.note[2] = 0

    def total(self) -> int:
        """All the money there is."""
        with self.lock:
            return int(self.balances.sum())


def clumsy(bank: Bank) -> None:
    """What the other process does."""
    bank.transfer(0, 1, 30, die=True)


def main() -> None:
    """Lose a process, and find all the money."""
    bank = Bank([100, 50])
    print("before:", bank.balances, "total", bank.total())
    process: Any = SPAWN.Process(target=clumsy, args=(bank,))
    process.start()
    process.join()
    print("half done:", bank.balances)
    try:
        bank.total()
    except nc.OwnerDiedError as error:
        print(f"OwnerDiedError: of process {error.pid}")
    bank.repair()
    print("repaired:", bank.balances, "total", bank.total())
    bank.transfer(0, 1, 30)
    print("after:", bank.balances, "total", bank.total())


if __name__ == "__main__":
    main()
