# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of conditions over every implementation.

That `threading` passes shows that a suite asks for no more than the standard library gives.
"""

from __future__ import annotations

import threading

import nativeconc as nc
from contracts.condition_contract import ConditionContract, NativeConcConditionContract
from nativeconc import reference


class TestNativeCondition(NativeConcConditionContract):
    make = staticmethod(nc.Condition)


class TestReferenceCondition(NativeConcConditionContract):
    make = staticmethod(reference.Condition)


class TestThreadingCondition(ConditionContract):
    make = staticmethod(threading.Condition)
