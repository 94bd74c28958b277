# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.Barrier`."""

from __future__ import annotations

from collections.abc import Callable
from typing import SupportsIndex

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting
from nativeconc.reference.timeouts import Seconds

__all__ = ["Barrier"]


class Barrier(Meeting, reference.Barrier):
    """So many threads wait for each other, and then all go on.

    Args:
        parties: how many, 1 or more.
        action: called by the last one before the others go on.
        timeout: seconds of each wait that gives none itself; None waits for ever.
        name: what it is met by.
    """

    def __init__(
        self,
        parties: SupportsIndex,
        action: Callable[[], object] | None = None,
        timeout: Seconds | None = None,
        *,
        name: str | None = None,  # noqa: ARG002
    ) -> None:
        if self._is_first():
            super().__init__(parties, action, timeout)
