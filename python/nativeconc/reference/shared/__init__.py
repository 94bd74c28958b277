# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twins of `nativeconc.shared`'s primitives: what they do, without the processes.

They work among the threads of one process, where names meet too. They have the semantics of the
real ones: a lock belongs to the thread that took it, and `recover` takes it in any state. What they
do not do is survive: no owner is ever found dead.
"""

from nativeconc.reference.shared.barrier import Barrier
from nativeconc.reference.shared.condition import Condition
from nativeconc.reference.shared.event import Event
from nativeconc.reference.shared.lock import Lock
from nativeconc.reference.shared.rlock import RLock
from nativeconc.reference.shared.rwlock import RWLock
from nativeconc.reference.shared.semaphore import BoundedSemaphore, Semaphore

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Lock",
    "RLock",
    "RWLock",
    "Semaphore",
]
