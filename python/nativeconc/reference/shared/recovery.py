# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What `recover` returns, and what `on_owner_death` may be."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, TypeAlias

from nativeconc.reference.timeouts import Seconds, TimedEntry, time_limit

__all__ = ["OwnerDeath", "Recovery", "checked"]

OwnerDeath: TypeAlias = Literal["raise", "continue"] | Callable[[Any], object]


def checked(on_owner_death: OwnerDeath) -> OwnerDeath:
    """The same.

    Raises:
        TypeError: It is neither a str nor a callable.
        ValueError: It is another str.
    """
    if on_owner_death in ("raise", "continue") or callable(on_owner_death):
        return on_owner_death
    error = ValueError if isinstance(on_owner_death, str) else TypeError
    raise error(f"on_owner_death must be 'raise', 'continue' or a callable, not {on_owner_death!r}")


class Recovery:
    """A context manager that takes a lock and gives the dead owner: here always None.

    Args:
        lock: what has `acquire` and `release`.
        timeout: seconds to wait at most; None waits for ever.
    """

    def __init__(self, lock: Any, timeout: Seconds | None) -> None:
        self._entry = lock if timeout is None else TimedEntry(lock, time_limit(timeout))

    def __enter__(self) -> None:
        self._entry.__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entry.__exit__(exc_type, exc, traceback)
