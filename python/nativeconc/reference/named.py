# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A lock that may have a name, which its `repr` shows."""

from __future__ import annotations

from nativeconc.reference.permits import ThreadsOnly

__all__ = ["Named"]


class Named(ThreadsOnly):
    """What `Lock`, `RLock` and `RWLock` share.

    Args:
        name: what `repr` calls the lock.

    Raises:
        TypeError: The name is neither a str nor None.
    """

    def __init__(self, *, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a str or None, not {type(name).__name__}")
        self._name = name

    @property
    def name(self) -> str | None:
        """The name given at creation, or None."""
        return self._name

    def _describe(self, state: str, details: str = "") -> str:
        name = "" if self._name is None else f" {self._name!r}"
        kind = type(self).__name__
        return f"<{state} reference.{kind} object{name}{details} at {id(self):#x}>"
