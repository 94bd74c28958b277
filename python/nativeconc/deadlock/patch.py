# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Makes `threading` hand out our primitives."""

from __future__ import annotations

import threading

from nativeconc import _core
from nativeconc._own_lock import OwnLock

__all__ = ["patch_threading", "unpatch_threading"]

# What `threading` itself is built with stays: its private names, and Thread's own locks. Thread
# makes its Event by the public name, so that one is ours, too.
_NAMES = ("Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier")

_mutex = OwnLock()
_originals: dict[str, object] = {}


def patch_threading() -> None:
    """Make the names in :mod:`threading` stand for our primitives, for the whole process.

    ``Lock``, ``RLock``, ``Condition``, ``Semaphore``, ``BoundedSemaphore``, ``Event`` and
    ``Barrier`` become the classes of this package, so third-party code that uses
    ``threading.Lock()`` takes part in deadlock detection. Locks made before, and names imported
    from there before (``from threading import Lock``), stay as they are: call this first, before
    other imports. A forked child inherits it; a process that is started anew must call it itself.

    A second call changes nothing.
    """
    with _mutex():
        if _originals:
            return
        for name in _NAMES:
            _originals[name] = getattr(threading, name)
        for name in _NAMES:
            setattr(threading, name, getattr(_core, name))


def unpatch_threading() -> None:
    """Give the names in :mod:`threading` back what they stood for before :func:`patch_threading`.

    Primitives made meanwhile go on working. A name to which somebody else has given a new meaning
    since then is left alone. Without a patch it changes nothing.
    """
    with _mutex():
        for name, original in _originals.items():
            if getattr(threading, name, None) is getattr(_core, name):
                setattr(threading, name, original)
        _originals.clear()
