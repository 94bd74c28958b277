# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Memory that processes share: buffers and NumPy arrays that never leak, dangle or crash.

    from nativeconc import shared

    image = shared.copy(pixels)                        # anonymous: handed to workers as a handle
    table = shared.Array((1000, 3), name="table")      # named: unrelated processes attach to it
    table = shared.attach("table")                     # ... such as this one

Anonymous memory has no name and no file: the kernel frees it with the last process that uses it,
even after ``kill -9`` of them all. A name lives as long as a process holds it; what only dead
processes held is removed by the next one that creates, attaches or sweeps. There is no tracker and
no daemon.

Everything here pickles to another process as a handle, under fork, spawn and forkserver, and
through ``Pipe``, ``multiprocessing.Queue`` and executors. What a child sends to the parent that
started it stays valid whatever happens to the child, if the parent has imported this module.
Otherwise the sender must live, and not have sent too many others, until the handle is unpickled;
else that raises `FileNotFoundError`.
"""

from nativeconc._core import Buffer
from nativeconc._core import SharedBarrier as Barrier
from nativeconc._core import SharedBoundedSemaphore as BoundedSemaphore
from nativeconc._core import SharedCondition as Condition
from nativeconc._core import SharedEvent as Event
from nativeconc._core import SharedLock as Lock
from nativeconc._core import SharedQueue as Queue
from nativeconc._core import SharedRLock as RLock
from nativeconc._core import SharedRWLock as RWLock
from nativeconc._core import SharedSemaphore as Semaphore
from nativeconc.shared import _handles, _leave  # noqa: F401 - for pickle, and for the end
from nativeconc.shared._in_flight import InFlight, in_flight
from nativeconc.shared._owner_death import DeadOwner
from nativeconc.shared._pages import Pages
from nativeconc.shared._queue import ShutDown
from nativeconc.shared.array import Array
from nativeconc.shared.attach import attach
from nativeconc.shared.create import copy, empty, full, zeros
from nativeconc.shared.segments import Holder, Segment, Use, segments, sweep

__all__ = [
    "Array",
    "Barrier",
    "BoundedSemaphore",
    "Buffer",
    "Condition",
    "DeadOwner",
    "Event",
    "Holder",
    "InFlight",
    "Lock",
    "Pages",
    "Queue",
    "RLock",
    "RWLock",
    "Segment",
    "Semaphore",
    "ShutDown",
    "Use",
    "attach",
    "copy",
    "empty",
    "full",
    "in_flight",
    "segments",
    "sweep",
    "zeros",
]
