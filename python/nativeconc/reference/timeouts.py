# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The rules for timeouts, and the context manager that ``lock.timeout(seconds)`` returns."""

from __future__ import annotations

import math
import threading
from types import TracebackType
from typing import Protocol, SupportsFloat, SupportsIndex

from nativeconc.errors import LockTimeout
from nativeconc.reference.permits import ThreadsOnly

__all__ = ["Seconds", "TimedEntry", "lock_timeout", "parse_seconds", "semaphore_timeout"]

Seconds = SupportsFloat | SupportsIndex


def parse_seconds(seconds: Seconds) -> float:
    """Turn a timeout into a float, negative ones too.

    Raises:
        TypeError: It is not a number.
        ValueError: It is NaN.
        OverflowError: It is more than `threading.TIMEOUT_MAX`.
    """
    if isinstance(seconds, str | bytes | bytearray):
        raise TypeError(f"timeout must be a number of seconds, not {type(seconds).__name__}")
    try:
        value = float(seconds)
    except TypeError:
        raise TypeError(
            f"timeout must be a number of seconds, not {type(seconds).__name__}"
        ) from None
    if math.isnan(value):
        raise ValueError("timeout must be a number of seconds, not NaN")
    if value > threading.TIMEOUT_MAX:
        raise OverflowError(
            f"timeout is too large: {seconds!r}; "
            f"at most {threading.TIMEOUT_MAX:.0f} seconds are allowed"
        )
    return value


def lock_timeout(blocking: bool, timeout: Seconds) -> float | None:
    """The wait that ``Lock.acquire(blocking, timeout)`` asks for; None is for ever, 0 a mere try.

    Raises:
        ValueError: A timeout is given to a try, or is negative but not -1.
    """
    value = parse_seconds(timeout)
    if value == -1:
        return None if blocking else 0.0
    if not blocking:
        raise ValueError("can't specify a timeout for a non-blocking acquire")
    if value < 0:
        raise ValueError(f"timeout must be a non-negative number or -1 (for ever), not {timeout!r}")
    return value


def semaphore_timeout(blocking: bool, timeout: Seconds | None) -> float | None:
    """The same for ``Semaphore.acquire``: None waits for ever, a negative timeout not at all.

    Raises:
        ValueError: A timeout is given to a try.
    """
    if timeout is None:
        return None if blocking else 0.0
    if not blocking:
        raise ValueError("can't specify a timeout for a non-blocking acquire")
    return max(parse_seconds(timeout), 0.0)


class _Primitive(Protocol):
    def acquire(self, blocking: bool = True, timeout: float = ...) -> bool: ...
    def release(self) -> None: ...


class TimedEntry(ThreadsOnly):
    """Enters within the time, or raises `LockTimeout`; leaving releases."""

    def __init__(self, primitive: _Primitive, seconds: Seconds) -> None:
        self._seconds = parse_seconds(seconds)
        if self._seconds < 0:
            raise ValueError(f"timeout must be a non-negative number of seconds, not {seconds!r}")
        self._primitive = primitive

    def __enter__(self) -> bool:
        if not self._primitive.acquire(timeout=self._seconds):
            raise LockTimeout(f"{self._primitive!r} was not free within {self._seconds} seconds")
        return True

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._primitive.release()
