# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of semaphores over those of nativeconc.shared. Nothing is left out."""

from __future__ import annotations

from contracts.semaphore_contract import NativeConcBoundedContract, NativeConcUnboundedContract
from nativeconc import shared
from nativeconc.reference import shared as reference_shared


class TestSharedSemaphore(NativeConcUnboundedContract):
    make = staticmethod(shared.Semaphore)


class TestSharedBoundedSemaphore(NativeConcBoundedContract):
    make = staticmethod(shared.BoundedSemaphore)


class TestReferenceSharedSemaphore(NativeConcUnboundedContract):
    make = staticmethod(reference_shared.Semaphore)


class TestReferenceSharedBoundedSemaphore(NativeConcBoundedContract):
    make = staticmethod(reference_shared.BoundedSemaphore)
