# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twins of `nativeconc.shared.Semaphore` and `BoundedSemaphore`."""

from __future__ import annotations

from typing import SupportsIndex

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting

__all__ = ["BoundedSemaphore", "Semaphore"]


class Semaphore(Meeting, reference.Semaphore):
    """A counter of permits.

    Args:
        value: the permits at the start, from 0 to 2147483647.
        name: what it is met by.
    """

    def __init__(self, value: SupportsIndex = 1, *, name: str | None = None) -> None:  # noqa: ARG002
        if self._is_first():
            super().__init__(value)


class BoundedSemaphore(Meeting, reference.BoundedSemaphore):
    """A semaphore that refuses to hold more permits than it started with.

    Args:
        value: the permits at the start, and the most there may ever be.
        name: what it is met by.
    """

    def __init__(self, value: SupportsIndex = 1, *, name: str | None = None) -> None:  # noqa: ARG002
        if self._is_first():
            super().__init__(value)
