# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of barriers over those of nativeconc.shared. Nothing is left out."""

from __future__ import annotations

from contracts.barrier_contract import NativeConcBarrierContract
from nativeconc import shared
from nativeconc.reference import shared as reference_shared


class TestSharedBarrier(NativeConcBarrierContract):
    make = staticmethod(shared.Barrier)


class TestReferenceSharedBarrier(NativeConcBarrierContract):
    make = staticmethod(reference_shared.Barrier)
