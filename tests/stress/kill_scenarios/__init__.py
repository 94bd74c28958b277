# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What killed processes worked on: one scenario for each primitive."""

from __future__ import annotations

from collections.abc import Callable

from stress.kill_harness import Board, Scenario
from stress.kill_scenarios.barriers import Barriers
from stress.kill_scenarios.controls import ControlLocks, ControlQueues
from stress.kill_scenarios.events import Events
from stress.kill_scenarios.locks import Locks, RLocks
from stress.kill_scenarios.mailboxes import Mailboxes, ToldMailboxes
from stress.kill_scenarios.queues import Queues
from stress.kill_scenarios.rwlocks import RWLocks
from stress.kill_scenarios.semaphores import BoundedSemaphores, Semaphores

SCENARIOS: dict[str, Callable[[Board], Scenario]] = {
    "Lock": Locks,
    "RLock": RLocks,
    "RWLock": RWLocks,
    "Semaphore": Semaphores,
    "BoundedSemaphore": BoundedSemaphores,
    "Event": Events,
    "Condition": Mailboxes,
    "Condition, told of deaths": ToldMailboxes,
    "Barrier": Barriers,
    "Queue": Queues,
}
"""By name."""

CONTROLS: dict[str, Callable[[Board], Scenario]] = {
    "multiprocessing.Lock": ControlLocks,
    "multiprocessing.Queue": ControlQueues,
}
"""They hang sooner or later."""
