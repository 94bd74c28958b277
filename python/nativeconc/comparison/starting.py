# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Start threads, and say clearly when the system grants no more of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

__all__ = ["ThreadsRefusedError", "start_all"]


class ThreadsRefusedError(RuntimeError):
    """The system grants this process no more threads."""


def start_all(threads: Iterable[threading.Thread]) -> None:
    """Start new threads, one after the other.

    Raises:
        ThreadsRefusedError: One could not be started. Those before it run.
    """
    for thread in threads:
        try:
            thread.start()
        except RuntimeError as error:
            raise ThreadsRefusedError(
                f"the system grants no more threads than the {threading.active_count()} that run "
                f"now ({error}): ask for fewer, or raise the limit (ulimit -u, the cgroup's "
                "pids.max, memory for their stacks)"
            ) from error
