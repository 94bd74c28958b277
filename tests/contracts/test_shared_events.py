# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of events over those of nativeconc.shared."""

from __future__ import annotations

from contracts.event_contract import NativeConcEventContract
from nativeconc import shared
from nativeconc.reference import shared as reference_shared


class TestSharedEvent(NativeConcEventContract):
    make = staticmethod(shared.Event)

    # threading.Thread asks for it after a fork; it uses no shared event.
    test_keeps_its_flag_after_a_fork = None


class TestReferenceSharedEvent(NativeConcEventContract):
    make = staticmethod(reference_shared.Event)
