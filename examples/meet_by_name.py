# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Two programs that know nothing of each other but a name share an array.

Run it in two terminals, in any order::

    python examples/meet_by_name.py produce
    python examples/meet_by_name.py consume

or once without a role: then it starts both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

from nativeconc import shared

COUNT = 1_000_000


def produce(name: str) -> None:
    """Make an array under a name, fill it, and stay until somebody has answered."""
    table = shared.Array((COUNT + 1,), name=name)
    table[:COUNT] = np.arange(COUNT)
    answer = table[COUNT:]  # the last number is the consumer's; this is a view of it
    answer[0] = -1

    # A name is there at once, for everybody. So it can tell others that the numbers are complete.
    ready = shared.Buffer(0, name=f"{name} is ready")

    print(f"producer, process {os.getpid()}: {COUNT} numbers are there, named {name!r}", flush=True)
    while answer[0] < 0:
        time.sleep(0.01)
    print(f"producer: the consumer says that their sum is {answer[0]:.0f}", flush=True)
    ready.close()
    # Here the last holder leaves, and the names go with it. Had this process been killed, the next
    # one that asks for them would find nothing either.


def consume(name: str) -> None:
    """Wait for the array, use it, and answer in it."""
    attach(f"{name} is ready")
    table = attach(name)  # an array of the shape and dtype that the producer gave it
    print(f"consumer, process {os.getpid()}: attached to {table.size} numbers", flush=True)
    table[COUNT] = table[:COUNT].sum()


def attach(name: str) -> Any:
    """Attach to a name as soon as there is one."""
    while True:
        try:
            return shared.attach(name)
        except FileNotFoundError:  # nobody holds such a name yet
            time.sleep(0.01)


def both() -> None:
    """Start two processes that get nothing but the name."""
    name = f"meeting-{os.getpid()}"
    command = [sys.executable, __file__]
    processes = [subprocess.Popen([*command, role, name]) for role in ("consume", "produce")]
    try:
        if any(process.wait() != 0 for process in processes):
            raise SystemExit("a process failed")
    finally:
        for process in processes:  # without the other one it would wait for ever
            process.kill()
            process.wait()
    left = [segment.name for segment in shared.segments() if str(segment.name).startswith(name)]
    print(f"names that are left: {left}")


def main() -> None:
    """Take the role that the command line gives."""
    match sys.argv[1:]:
        case []:
            both()
        case ["produce", *rest]:
            produce(*rest or ["meeting"])
        case ["consume", *rest]:
            consume(*rest or ["meeting"])
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
