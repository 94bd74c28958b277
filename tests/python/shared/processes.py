# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of shared memory do with processes, and what they count of them."""

from __future__ import annotations

import gc
import os
import time
import traceback
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

from nativeconc import shared

NAMES = Path("/dev/shm")
TESTS = Path(__file__).resolve().parents[2]


def fork() -> int:
    """os.fork(), whose warning about threads (the watchdog is one) is no error here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process", DeprecationWarning)
        return os.fork()


def start_fork(body: Callable[[], object]) -> int:
    """Runs body in a forked child, which ends with 0 if it raised nothing; returns its pid."""
    pid = fork()
    if pid == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def exit_code(pid: int) -> int:
    """Waits for a child; minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_fork(body: Callable[[], object]) -> None:
    """Runs body in a forked child and demands that it raises nothing."""
    assert exit_code(start_fork(body)) == 0


def new_name(what: str = "test") -> str:
    """A name that nobody else has."""
    return f"{what}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def path_of(name: str) -> Path:
    """Where the file of a name lies."""
    return NAMES / f"nativeconc-{os.geteuid()}-{name}"


def files_with(part: str) -> list[str]:
    """What lies in /dev/shm with this in its name."""
    return sorted(path.name for path in NAMES.iterdir() if part in path.name)


def come_to_rest() -> None:
    """Free what earlier tests have left to the garbage collector, and what is kept for later."""
    gc.collect()
    shared.sweep()


def descriptors(pid: int | str = "self") -> list[str]:
    """What each open descriptor of a process means, sorted."""
    found = []
    for descriptor in list(Path(f"/proc/{pid}/fd").iterdir()):
        try:
            found.append(str(descriptor.readlink()))
        except FileNotFoundError:  # the one that listed the folder
            continue
    return sorted(found)


def mappings(pid: int | str = "self") -> list[str]:
    """The mappings of segments that a process has."""
    lines = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
    segments = ("/memfd:nativeconc", "/dev/shm/nativeconc", "/dev/shm/#")
    return [line for line in lines if any(part in line for part in segments)]


def shmem() -> int:
    """Bytes of shared memory of the whole machine."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Shmem:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("/proc/meminfo tells no Shmem")


def wait_until(holds: Callable[[], object]) -> None:
    """Looks again and again; the test's watchdog ends it if it never holds."""
    while not holds():
        time.sleep(0.01)
