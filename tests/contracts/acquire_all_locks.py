# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the suites of `acquire_all` need: locks by somebody else."""

from __future__ import annotations

import threading
from typing import Any

from contracts.blocking import run_in_thread


class Traced:
    """A lock by somebody else, which writes down what is done to it."""

    def __init__(self, name: str, log: list[str], error: type[BaseException] | None = None) -> None:
        self._lock = threading.Lock()
        self._name = name
        self._log = log
        self.error = error
        self.release_error: type[BaseException] | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self.error is not None:
            raise self.error(self._name)
        taken = self._lock.acquire(blocking, timeout)
        if taken:
            self._log.append(f"+{self._name}")
        return taken

    def release(self) -> None:
        self._lock.release()
        self._log.append(f"-{self._name}")
        if self.release_error is not None:
            raise self.release_error(self._name)

    def locked(self) -> bool:
        return self._lock.locked()


def is_free(lock: Any) -> bool:
    def try_it() -> bool:
        if lock.acquire(timeout=0):
            lock.release()
            return True
        return False

    return bool(run_in_thread(try_it))
