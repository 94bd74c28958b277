# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.RWLock`."""

from __future__ import annotations

from typing import Any

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting
from nativeconc.reference.shared.recovery import OwnerDeath, Recoverable

__all__ = ["RWLock"]


class RWLock(Meeting, Recoverable, reference.RWLock):
    """Many readers or one writer.

    Args:
        name: what it is met by.
        on_owner_death: of no effect.
    """

    def __init__(self, *, name: str | None = None, on_owner_death: OwnerDeath = "raise") -> None:
        if self._is_first():
            super().__init__(name=name)
            self._set_owner_death(on_owner_death)

    def _exclusive(self) -> Any:
        return self.write()
