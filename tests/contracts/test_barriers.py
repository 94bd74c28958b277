# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of barriers over every implementation.

That `threading` passes shows that a suite asks for no more than the standard library gives.
"""

from __future__ import annotations

import threading

import nativeconc as nc
from contracts.barrier_contract import BarrierContract, NativeConcBarrierContract
from nativeconc import reference


class TestNativeBarrier(NativeConcBarrierContract):
    make = staticmethod(nc.Barrier)


class TestReferenceBarrier(NativeConcBarrierContract):
    make = staticmethod(reference.Barrier)


class TestThreadingBarrier(BarrierContract):
    make = staticmethod(threading.Barrier)
