# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of `acquire_all` over every implementation."""

from __future__ import annotations

import nativeconc as nc
from contracts.acquire_all_contract import AcquireAllContract
from contracts.acquire_all_wait_contract import AcquireAllWaitContract
from nativeconc import reference


class TestNativeAcquireAll(AcquireAllContract):
    kinds = nc


class TestReferenceAcquireAll(AcquireAllContract):
    kinds = reference


class TestNativeAcquireAllWait(AcquireAllWaitContract):
    kinds = nc


class TestReferenceAcquireAllWait(AcquireAllWaitContract):
    kinds = reference
