# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a deadlock does, and what is looked for."""

from __future__ import annotations

import math
import threading
from typing import Literal, NamedTuple, SupportsFloat, SupportsIndex

from nativeconc import _core
from nativeconc._own_lock import OwnLock

__all__ = ["Settings", "active", "disable", "enable"]

_POLICIES = ("raise", "warn")


class Settings(NamedTuple):
    """The arguments of :func:`enable`."""

    policy: str
    order: bool
    grace: float
    stacks: bool


_DEFAULTS = Settings(policy="warn", order=False, grace=1.0, stacks=False)
_active = _DEFAULTS
_changing = OwnLock()  # keeps what is active in the core and `_active` the same


def enable(
    policy: Literal["raise", "warn"] = "raise",
    order: bool = False,
    grace: SupportsFloat | SupportsIndex = 1.0,
    stacks: bool = False,
) -> None:
    """Choose what a deadlock does, and what is looked for. Replaces all earlier settings.

    Deadlocks over `RLock` and `RWLock` alone are certain: exactly one of the threads gets
    :class:`nativeconc.DeadlockError` at once, whatever is set here. What follows about `policy` and
    `grace` is for those with a plain `Lock` among them, which any thread may release.

    Never blocks. May be called at any time, from any thread, and holds for the whole process; a
    forked child inherits it.

    What is recorded begins anew, even if nothing changes: what threads hold at that moment, where
    they took it, and all orders that were seen before are forgotten.

    Args:
        policy: ``"raise"``: one of the threads gets :class:`nativeconc.DeadlockError`. ``"warn"``:
            :class:`nativeconc.DeadlockWarning` is issued once, and the threads wait on.
        order: Whether to warn (:class:`nativeconc.DeadlockWarning`) when locks are taken in orders
            that can deadlock, before they ever do: A then B here, B then A there, also over more
            locks. Makes taking a lock while holding another somewhat slower.
        grace: How long such a deadlock must last, in seconds, before it counts.
        stacks: Whether to record where each lock is taken, for the reports. Makes taking a lock
            slower.

    Raises:
        ValueError: `policy` is not one of the two, or `grace` is negative or not finite.
        TypeError: An argument has the wrong type.
    """
    _configure(
        Settings(
            grace=_checked_grace(grace),
            policy=_checked_policy(policy),
            order=_checked_flag("order", order),
            stacks=_checked_flag("stacks", stacks),
        )
    )


def disable() -> None:
    """Go back to the defaults: policy ``"warn"``, grace 1.0, no order detection, no stacks.

    Live detection itself stays on: it costs only where a thread is about to wait.
    """
    _configure(_DEFAULTS)


def active() -> Settings:
    """What was chosen last."""
    return _active


def _configure(settings: Settings) -> None:
    global _active
    with _changing():
        _core.deadlock_configure(*settings)
        _active = settings


def _checked_policy(policy: object) -> str:
    if not isinstance(policy, str):
        raise TypeError(f"policy must be 'raise' or 'warn', not {type(policy).__name__}")
    if policy not in _POLICIES:
        raise ValueError(f"policy must be 'raise' or 'warn', not {policy!r}")
    return policy


def _checked_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(
            f"{name} must be True or False, not {value!r} of type {type(value).__name__}"
        )
    return value


def _checked_grace(grace: object) -> float:
    wrong = f"grace must be a number of seconds, not {type(grace).__name__}"
    if isinstance(grace, bool) or not isinstance(grace, SupportsFloat | SupportsIndex):
        raise TypeError(wrong)
    try:
        seconds = float(grace)
    except OverflowError:  # an int beyond all floats
        seconds = math.inf
    if not (0.0 <= seconds < math.inf):
        raise ValueError(f"grace must be a finite number of seconds, at least 0, not {grace!r}")
    # Nobody waits longer than this.
    return min(seconds, threading.TIMEOUT_MAX)
