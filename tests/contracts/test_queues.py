# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Every queue against the contract; the standard library's against the part that they share."""

from __future__ import annotations

import multiprocessing
import queue

import pytest

from contracts.queue_contract import QueueContract, SharedQueueContract
from nativeconc import reference, shared
from python.shared.processes import new_name


@pytest.fixture
def name() -> str:
    """A name that nobody else uses."""
    return new_name("contract")


class TestStandardQueue(QueueContract):
    make = queue.Queue


class TestMultiprocessingQueue(QueueContract):
    make = staticmethod(multiprocessing.get_context("spawn").Queue)


class TestNativeQueue(SharedQueueContract):
    make = shared.Queue
    ShutDown = shared.ShutDown


class TestReferenceQueue(SharedQueueContract):
    make = reference.Queue
    ShutDown = shared.ShutDown
