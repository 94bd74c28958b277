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

    A thread that runs does not wait, so what runs in a thread does not find a deadlock of that
    thread: in a signal handler, one of the main thread. Ask in another thread (`docs/deadlocks.md`
    shows how). Now and then the main thread looks for signals, and does not wait for that moment
    either; so ask again before you believe that there is nothing.

    Of deadlocks between processes, those of which a thread of this process is part.

    Never waits for a lock. For debuggers and tests.
    """
    here = [
        _build.report(kind, certain, parties) for kind, certain, parties in _core.deadlock_find()
    ]
    across = [
        _build.shared_report(certain, parties) for certain, parties in _core.deadlock_find_shared()
    ]
    return here + across


def held() -> list[Hold]:
    """The locks that threads hold at this moment, as far as that is known.

    By default what a thread holds is not recorded, and only locks that somebody waits for without a
    time limit are known. Under ``enable(order=True)`` or ``enable(stacks=True)``, all that were
    taken since that call are known, too.

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
