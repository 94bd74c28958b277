# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Two programs that know nothing of each other count in one file, under a lock with a name.

Run it in two terminals::

    python examples/counter_file.py count /tmp/counter
    python examples/counter_file.py count /tmp/counter

or once without a role: then it starts both, and kills a third one while it has the lock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nativeconc import shared

TURNS = 1000


def lock_of(path: Path) -> shared.Lock:
    """The lock of a counter file: whoever asks for it first makes it.

    A number that is written in one go is whole whatever happens, so whoever finds that the owner
    has died goes on.
    """
    return shared.Lock(name=f"counter {path.name}", on_owner_death="continue")


def count(path: Path) -> None:
    """Read, add one, write: many times, and nobody comes in between."""
    lock = lock_of(path)
    for _ in range(TURNS):
        with lock:
            number = int(path.read_text() or "0") if path.exists() else 0
            path.write_text(str(number + 1))
    print(f"process {os.getpid()} has counted {TURNS} times", flush=True)


def hold(path: Path) -> None:
    """Take the lock and keep it, for ever."""
    with lock_of(path):
        print("holds the lock", flush=True)
        time.sleep(3600)


def both() -> None:
    """Start two that count, and one that is killed with the lock."""
    path = Path(f"/tmp/counter-{os.getpid()}")
    command = [sys.executable, __file__]
    holder = subprocess.Popen([*command, "hold", str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    print(f"process {holder.pid}", holder.stdout.readline().strip(), flush=True)
    counters = [subprocess.Popen([*command, "count", str(path)]) for _ in range(2)]
    time.sleep(0.5)  # they wait for it
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    print(f"process {holder.pid} was killed with the lock", flush=True)
    if any(counter.wait() != 0 for counter in counters):
        raise SystemExit("a process failed")
    print(f"the file says {path.read_text()}")
    path.unlink()


def main() -> None:
    """Take the role that the command line gives."""
    match sys.argv[1:]:
        case []:
            both()
        case ["count", path]:
            count(Path(path))
        case ["hold", path]:
            hold(Path(path))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
