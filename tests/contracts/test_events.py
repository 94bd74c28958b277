# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of events over every implementation.

That `threading` passes shows that a suite asks for no more than the standard library gives.
"""

from __future__ import annotations

import threading

import nativeconc as nc
from contracts.event_contract import EventContract, NativeConcEventContract
from nativeconc import reference


class TestNativeEvent(NativeConcEventContract):
    make = staticmethod(nc.Event)


class TestReferenceEvent(NativeConcEventContract):
    make = staticmethod(reference.Event)


class TestThreadingEvent(EventContract):
    make = staticmethod(threading.Event)
