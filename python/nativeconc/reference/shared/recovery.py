# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What `recover` returns, and what `on_owner_death` may be."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, TypeAlias

from nativeconc.reference.timeouts import Seconds, TimedEntry, time_limit

__all__ = ["OwnerDeath", "Recoverable", "Recovery"]

OwnerDeath: TypeAlias = Literal["raise", "continue"] | Callable[[Any], object]


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


class Recoverable:
    """What `Lock`, `RLock` and `RWLock` share: whose owner may die, as far as they know."""

    _on_owner_death: OwnerDeath

    def _set_owner_death(self, on_owner_death: OwnerDeath) -> None:
        """`__init__`'s argument.

        Raises:
            TypeError: It is neither a str nor a callable.
            ValueError: It is another str.
        """
        if on_owner_death not in ("raise", "continue") and not callable(on_owner_death):
            error = ValueError if isinstance(on_owner_death, str) else TypeError
            raise error(
                f"on_owner_death must be 'raise', 'continue' or a callable, not {on_owner_death!r}"
            )
        self._on_owner_death = on_owner_death

    @property
    def on_owner_death(self) -> OwnerDeath:
        """What it was made with."""
        return self._on_owner_death

    def recover(self, timeout: Seconds | None = None) -> Recovery:
        """Return a context manager that takes the lock in any state, and gives None."""
        return Recovery(self._exclusive(), timeout)

    def _exclusive(self) -> Any:
        """What is to be entered to have it alone."""
        return self
