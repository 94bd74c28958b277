# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the suites of conditions need: locks of every kind, and threads that wait."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import nativeconc as nc
from contracts.blocking import run_in_thread, wait_until
from nativeconc import reference


class ForeignLock:
    """A lock by somebody else, with no more than is asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, blocking: bool = True) -> bool:
        return self._lock.acquire(blocking)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class WithoutWith:
    """A lock that is only acquired and released."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.acquire = self._lock.acquire
        self.release = self._lock.release


class SaysNothing:
    """A lock whose acquire() returns nothing once it has it; and never waits for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def acquire(self, blocking: bool = True) -> bool | None:
        me = threading.get_ident()
        if not blocking:
            return self._lock.acquire(False) and self._own(me)
        if self._owner == me:
            raise RuntimeError("it has the lock already")
        self._lock.acquire()
        self._own(me)
        return None

    def _own(self, me: int) -> bool:
        self._owner = me
        return True

    def release(self) -> None:
        self._owner = None
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class DerivedRLock(nc.RLock):
    pass


LOCKS = {
    "its-own": lambda: None,
    "threading.Lock": threading.Lock,
    "threading.RLock": threading.RLock,
    "nc.Lock": nc.Lock,
    "nc.RLock": nc.RLock,
    "derived-RLock": DerivedRLock,
    "reference.Lock": reference.Lock,
    "reference.RLock": reference.RLock,
    "foreign": ForeignLock,
}
REENTRANT = [name for name in LOCKS if "RLock" in name or name == "its-own"]

any_lock = pytest.mark.parametrize("make_lock", LOCKS.values(), ids=LOCKS)
any_rlock = pytest.mark.parametrize("make_lock", [LOCKS[n] for n in REENTRANT], ids=REENTRANT)


def is_held(condition: Any) -> bool:
    """Could another thread not take its lock?"""

    def try_it() -> bool:
        if condition.acquire(False):
            condition.release()
            return False
        return True

    return bool(run_in_thread(try_it))


class Waiters:
    """Threads that wait for a notify, one after the other, and tell when they have had it."""

    def __init__(self, condition: Any) -> None:
        self.condition = condition
        self.entered = 0
        self.woken: list[tuple[int, bool]] = []
        self.threads: list[threading.Thread] = []

    def add(self, timeout: float | None = None) -> None:
        number = len(self.threads)
        thread = threading.Thread(target=self._wait, args=(number, timeout))
        self.threads.append(thread)
        thread.start()
        wait_until(lambda: self.entered > number or not thread.is_alive())
        assert self.entered > number
        with self.condition:  # it has given the lock back, so it waits
            pass

    def _wait(self, number: int, timeout: float | None) -> None:
        with self.condition:
            self.entered += 1
            got = self.condition.wait(timeout)
            self.woken.append((number, got))

    def settled(self, n: int) -> list[int]:
        """Who has been woken, once n have and more have had the time to."""
        wait_until(lambda: len(self.woken) >= n)
        time.sleep(0.01)
        with self.condition:
            return [number for number, _ in self.woken]

    def join(self) -> None:
        for thread in self.threads:
            thread.join()
