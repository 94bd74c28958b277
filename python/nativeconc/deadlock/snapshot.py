# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What holds and waits at this moment."""

from __future__ import annotations

from nativeconc import _core
from nativeconc.deadlock import _build
from nativeconc.deadlock._stacks import thread_name
from nativeconc.deadlock.hold import Hold
from nativeconc.deadlock.report import Report

__all__ = ["find", "held"]


def find() -> list[Report]:
    """The deadlocks that there are at this moment.

    Those with a plain `Lock` among them too, however short they have lasted; such a one may yet be
    resolved by a thread that is not part of it. A deadlock that gave one of its threads a
    :class:`nativeconc.DeadlockError` is none any more.

    Never waits for a lock. For debuggers, signal handlers and tests.
    """
    return [
        _build.report(kind, not any(isinstance(raw[3], _core.Lock) for raw in parties), parties)
        for kind, parties in _core.deadlock_find()
    ]


def held() -> list[Hold]:
    """The locks that threads hold at this moment, as far as they have an owner.

    Never waits for a lock. While other threads run, this may be out of date as soon as it returns.
    """
    return [
        Hold(
            ident=ident,
            name=thread_name(ident, name, is_alive=fate == "alive"),
            lock=lock,
            label=_build.label_of(lock),
            mode=mode,
            took=_build.site_of(took),
        )
        for ident, name, lock, mode, took, fate in _core.deadlock_held()
    ]
