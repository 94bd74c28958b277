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


class ByTimeoutAlone:
    """A lock by somebody else, with no more than is asked for; to wait for ever it says nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, *, timeout: float | None = None) -> bool | None:
        if timeout is not None:
            return self._lock.acquire(timeout=timeout)
        self._lock.acquire()
        return None

    def release(self) -> None:
        self._lock.release()


class OneOfMany:
    """Of the locks that share a list no more than one can be taken: the list says which is."""

    def __init__(self, taken: list[OneOfMany], tries: int = 1000) -> None:
        self._taken = taken
        self._tries = tries

    def acquire(self, timeout: float = -1) -> bool:  # noqa: ARG002
        self._tries -= 1
        assert self._tries > 0, "tries without end"
        if self._taken:
            return False
        self._taken.append(self)
        return True

    def release(self) -> None:
        self._taken.remove(self)


def is_free(lock: Any) -> bool:
    def try_it() -> bool:
        if lock.acquire(timeout=0):
            lock.release()
            return True
        return False

    return bool(run_in_thread(try_it))
