# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A first thread: start it, see that it is alive, wait for it to end.

Run it with ``python examples/first_thread.py``.
"""

from __future__ import annotations

import threading

import nativeconc as nc


def main() -> None:
    """Let one thread work while the main thread looks on."""
    # A closed gate: a semaphore without permits. The thread will wait at it.
    gate = nc.Semaphore(0)
    found: list[int] = []

    def work() -> None:
        gate.acquire()
        found.append(nc.kernels.count_primes(1_000_000))

    # Making a Thread object starts nothing yet.
    thread = threading.Thread(target=work, name="counter")
    print(f"before start: alive = {thread.is_alive()}")

    # From here on two threads run: this one, and the one inside work().
    thread.start()
    print(f"after start: alive = {thread.is_alive()}")

    # Open the gate, and wait until work() has returned.
    gate.release()
    thread.join()
    print(f"after join: alive = {thread.is_alive()}")

    # What the thread stored before it ended can be read safely after join().
    print(f"the thread counted {found[0]} primes")


if __name__ == "__main__":
    main()
