# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Threads for contract tests: run one, hold one that is blocked, or give one orders."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Long enough for a thread that would not block to show it. Too short only makes a test weaker.
SETTLE_S = 0.03


class Call:
    """A function call on a thread of its own."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._started = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._started.wait()

    def _run(self) -> None:
        self._started.set()
        try:
            self._value = self._function()
        except BaseException as error:  # handed to whoever asks for the result
            self._error = error

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value


def run_in_thread(function: Callable[[], Any]) -> Any:
    """Calls it on another thread and returns, or raises, what came of it."""
    return Call(function).result()


@contextmanager
def blocked_in(function: Callable[[], Any]) -> Iterator[Call]:
    """Gives a call that has had time to block. It must end before the body does."""
    call = Call(function)
    time.sleep(SETTLE_S)
    yield call
    call.result()


class OtherThread(concurrent.futures.ThreadPoolExecutor):
    """Another thread that does what it is told, one call after the other: ``other(lock.acquire)``.

    For what belongs to the thread that took it.
    """

    def __init__(self) -> None:
        super().__init__(1)

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.submit(function, *args, **kwargs).result()


def wait_until(condition: Callable[[], Any]) -> None:
    """However long it takes: the watchdog ends what never happens."""
    while not condition():
        time.sleep(0.001)


def wait_until_asleep(thread: threading.Thread) -> None:
    """Until it has been found asleep, or gone, several times in a row: it may wait for the GIL."""

    def is_asleep() -> bool:
        try:
            stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
            return stat.rpartition(") ")[2].startswith("S")
        except (FileNotFoundError, ProcessLookupError):
            return True

    looks = 0
    while looks < 5:
        looks = looks + 1 if is_asleep() else 0
        time.sleep(0.001)
