# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Children that take something and keep it until they are killed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from python.shared.processes import start_fork

__all__ = ["kill", "start_holder", "starting_holders"]


def start_holder(take: Callable[[], object]) -> int:
    """Calls it in a forked child, which then does nothing more; returns its pid, once it has."""
    reader, writer = os.pipe()

    def hold() -> None:
        take()
        os.write(writer, b"x")
        while True:  # until somebody kills it
            signal.pause()

    child = start_fork(hold)
    os.close(writer)
    try:
        assert os.read(reader, 1) == b"x", "it could not take it"
    finally:
        os.close(reader)
    return child


def kill(child: int) -> int:
    """kill -9, and the end of it; returns the pid."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return child


@contextmanager
def starting_holders() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Gives `start_holder`; those that have not been killed by the end are."""
    children: list[int] = []

    def start(take: Callable[[], object]) -> int:
        children.append(start_holder(take))
        return children[-1]

    try:
        yield start
    finally:
        for child in children:
            with contextlib.suppress(ChildProcessError):  # it has been killed already
                os.waitpid(child, os.WNOHANG)
                kill(child)
