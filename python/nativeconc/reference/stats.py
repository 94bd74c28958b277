# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `stats()` of every primitive returns, and how it is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["Stats", "WaitStats"]


class Stats(NamedTuple):
    """How often and how long threads waited for a primitive. Times are in seconds."""

    waited: int
    wait_total: float
    wait_max: float
    waiters: int
    owner: int | None


class WaitStats:
    """Counts waits. Taking what is free, and a mere try, is no wait."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waited = 0
        self._total = 0.0
        self._max = 0.0
        self._waiters = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """One thread waits for as long as the body lasts."""
        with self._guard:
            self._waiters += 1
        start = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - start
            with self._guard:
                self._waiters -= 1
                self._waited += 1
                self._total += seconds
                self._max = max(self._max, seconds)

    def now(self, owner: int | None = None) -> Stats:
        """The figures of this moment. A wait is counted in `waited` once it has ended."""
        with self._guard:
            return Stats(self._waited, self._total, self._max, self._waiters, owner)
