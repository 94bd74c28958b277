# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.RLock`."""

from __future__ import annotations

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting
from nativeconc.reference.shared.recovery import OwnerDeath, Recoverable

__all__ = ["RLock"]


class RLock(Meeting, Recoverable, reference.RLock):
    """A lock that its owner may take again.

    Args:
        name: what it is met by.
        on_owner_death: of no effect.
    """

    def __init__(self, *, name: str | None = None, on_owner_death: OwnerDeath = "raise") -> None:
        if self._is_first():
            super().__init__(name=name)
            self._set_owner_death(on_owner_death)
