# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.Event`."""

from __future__ import annotations

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting

__all__ = ["Event"]


class Event(Meeting, reference.Event):
    """A flag that threads wait for.

    Args:
        name: what it is met by.
    """

    def __init__(self, *, name: str | None = None) -> None:  # noqa: ARG002
        if self._is_first():
            super().__init__()
