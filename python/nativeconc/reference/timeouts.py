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

__all__ = [
    "Acquirable",
    "Seconds",
    "TimedEntry",
    "lock_timeout",
    "optional_timeout",
    "parse_seconds",
    "semaphore_timeout",
    "time_limit",
]

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
    return optional_timeout(timeout)


def optional_timeout(timeout: Seconds | None) -> float | None:
    """The same for ``wait(timeout)``: None waits for ever, a negative timeout not at all."""
    return None if timeout is None else max(parse_seconds(timeout), 0.0)


def time_limit(seconds: Seconds) -> float:
    """The same for ``timeout(seconds)``, which must say how long.

    Raises:
        ValueError: It is negative.
    """
    value = parse_seconds(seconds)
    if value < 0:
        raise ValueError(f"timeout must be a non-negative number of seconds, not {seconds!r}")
    return value


class Acquirable(Protocol):
    """Whatever can be taken, within a time, and given back."""

    def acquire(self, blocking: bool = True, timeout: float = ...) -> bool: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


class TimedEntry(ThreadsOnly):
    """Enters within the time, or raises `LockTimeout`; leaving releases. May be entered again.

    Args:
        primitive: what to take.
        seconds: to wait at most; None waits for ever.
    """

    def __init__(self, primitive: Acquirable, seconds: float | None) -> None:
        self.primitive = primitive
        self.seconds = seconds

    def __enter__(self) -> bool:
        if self.seconds is None:
            return self.primitive.acquire()
        if not self.primitive.acquire(timeout=self.seconds):
            raise LockTimeout(f"{self.primitive!r} was not free within {self.seconds} seconds")
        return True

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.primitive.release()
