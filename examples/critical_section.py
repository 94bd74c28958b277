# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A critical section: why two threads that change one thing need a lock.

Run it with ``python examples/critical_section.py``.
"""

from __future__ import annotations

import contextlib
import threading
import time

import nativeconc as nc

THREADS = 4
DEPOSITS = 50


class Account:
    """A balance that threads add to."""

    def __init__(self) -> None:
        self.balance = 0

    def deposit(self) -> None:
        """Add one: read, compute, write. Between read and write another thread may come in."""
        seen = self.balance
        time.sleep(0.0001)  # stands for the work that a real program does here
        self.balance = seen + 1


def run(guard: contextlib.AbstractContextManager[object]) -> int:
    """Let several threads deposit, each inside the guard, and return the balance."""
    account = Account()

    def work() -> None:
        for _ in range(DEPOSITS):
            with guard:
                account.deposit()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return account.balance


def main() -> None:
    """Do it without a lock, then with one."""
    expected = THREADS * DEPOSITS

    # nullcontext guards nothing: threads overwrite each other's deposits, and money is lost.
    balance = run(contextlib.nullcontext())
    print(f"without a lock: balance {balance}, expected {expected}")

    # One thread at a time: `with lock:` waits until it is free and gives it back at the end.
    balance = run(nc.Lock())
    print(f"with nc.Lock(): balance {balance}, expected {expected}")

    # A lock that is never given back need not hang a program: ask for it within a time.
    lock = nc.Lock()
    lock.acquire()
    try:
        with lock.timeout(0.05):
            print("never printed")
    except nc.LockTimeout:
        print("the lock was not free within 0.05 seconds, and the program went on")


if __name__ == "__main__":
    main()
