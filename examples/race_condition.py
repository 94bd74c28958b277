# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A race condition: an update gets lost, step by step, and a lock that prevents it.

Two people put money into one account at the same time. What happens depends on who comes first:
they race. Here the worst case is made certain. Run it with ``python examples/race_condition.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import nativeconc as nc


class Account:
    """A balance, and a lock for those who change it."""

    def __init__(self) -> None:
        self.balance = 100
        self.lock = nc.Lock()

    def deposit(self, who: str, amount: int, pause: Callable[[], object]) -> None:
        """Three steps: read, add, write. `pause` is where another thread may come in."""
        seen = self.balance
        print(f"  {who} reads {seen}")
        pause()
        self.balance = seen + amount
        print(f"  {who} writes {seen + amount}")

    def deposit_safely(self, who: str, amount: int, pause: Callable[[], object]) -> None:
        """The same inside a lock: the three steps of one thread come before those of the other."""
        with self.lock:
            self.deposit(who, amount, pause)


def run(
    deposit: Callable[[str, int, Callable[[], object]], None], pause: Callable[[], object]
) -> None:
    """Two deposits in two threads."""
    threads = [
        nc.Thread(target=deposit, args=("Ada", 10, pause)),
        nc.Thread(target=deposit, args=("Bob", 20, pause)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.result()


def main() -> None:
    """Lose a deposit, then keep both."""
    # Nobody writes before both have read: a barrier lets its threads go on when all have come.
    account = Account()
    print(f"without a lock, starting at {account.balance}:")
    run(account.deposit, nc.Barrier(2).wait)
    print(f"  the balance is {account.balance}: one deposit is lost")

    # Pauses do no harm now: whoever comes second waits until the first has written.
    account = Account()
    print(f"with a lock, starting at {account.balance}:")
    run(account.deposit_safely, lambda: time.sleep(0.01))
    print(f"  the balance is {account.balance}: both deposits are there")


if __name__ == "__main__":
    main()
