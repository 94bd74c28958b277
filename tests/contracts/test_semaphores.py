# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of semaphores over every implementation.

That `threading` passes shows that a suite asks for no more than the standard library gives.
"""

from __future__ import annotations

import threading

import nativeconc as nc
from contracts.semaphore_contract import (
    BoundedContract,
    NativeConcBoundedContract,
    NativeConcUnboundedContract,
    UnboundedContract,
)
from nativeconc import reference


class TestNativeSemaphore(NativeConcUnboundedContract):
    make = staticmethod(nc.Semaphore)


class TestNativeBoundedSemaphore(NativeConcBoundedContract):
    make = staticmethod(nc.BoundedSemaphore)


class TestReferenceSemaphore(NativeConcUnboundedContract):
    make = staticmethod(reference.Semaphore)


class TestReferenceBoundedSemaphore(NativeConcBoundedContract):
    make = staticmethod(reference.BoundedSemaphore)


class TestThreadingSemaphore(UnboundedContract):
    make = staticmethod(threading.Semaphore)


class TestThreadingBoundedSemaphore(BoundedContract):
    make = staticmethod(threading.BoundedSemaphore)
