# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Named locks and the like: from what their memory says of itself to an object."""

from __future__ import annotations

from typing import Any

from nativeconc import _core

__all__ = ["describe", "over_named"]

_TYPES: dict[str, type[Any]] = {
    "Barrier": _core.SharedBarrier,
    "BoundedSemaphore": _core.SharedBoundedSemaphore,
    "Condition": _core.SharedCondition,
    "Event": _core.SharedEvent,
    "Lock": _core.SharedLock,
    "RLock": _core.SharedRLock,
    "RWLock": _core.SharedRWLock,
    "Semaphore": _core.SharedSemaphore,
}


def describe(meta: bytes) -> tuple[str, dict[str, str]]:
    """("Lock", {"on_owner_death": "raise"}) of what a primitive's creator wrote beside it."""
    name, *parameters = meta.decode().split(" ")
    return name, dict(parameter.split("=", 1) for parameter in parameters)


def over_named(buffer: _core.Buffer) -> Any:
    """The object that lies in a named buffer, as it was created.

    A repair function stays with the process that gave it: others raise `OwnerDiedError`. So do a
    barrier's action and timeout: others have none.
    """
    name, parameters = describe(buffer._meta)
    arguments = [
        "raise" if value == "callable" else value
        for key, value in parameters.items()
        if key in ("on_owner_death", "lock")  # the rest, the memory itself knows
    ]
    return _TYPES[name]._over(buffer, *arguments)
