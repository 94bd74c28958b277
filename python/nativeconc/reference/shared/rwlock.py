# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.RWLock`."""

from __future__ import annotations

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting
from nativeconc.reference.shared.recovery import OwnerDeath, Recovery, checked
from nativeconc.reference.timeouts import Seconds

__all__ = ["RWLock"]


class RWLock(Meeting, reference.RWLock):
    """Many readers or one writer.

    Args:
        name: what it is met by.
        on_owner_death: of no effect.
    """

    def __init__(self, *, name: str | None = None, on_owner_death: OwnerDeath = "raise") -> None:
        if self._is_first():
            super().__init__(name=name)
            self._on_owner_death = checked(on_owner_death)

    @property
    def on_owner_death(self) -> OwnerDeath:
        """What it was made with."""
        return self._on_owner_death

    def recover(self, timeout: Seconds | None = None) -> Recovery:
        """Return a context manager that takes it to write, in any state, and gives None."""
        return Recovery(self.write(), timeout)
