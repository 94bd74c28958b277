# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites of buffers over the native one and its twin."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from contracts.buffer_contract import BufferContract
from contracts.buffer_name_contract import BufferNameContract
from nativeconc import reference, shared
from python.shared.processes import new_name


@pytest.fixture
def name() -> str:
    """A name that nobody else uses."""
    return new_name("contract")


class TestNativeBuffer(BufferContract, BufferNameContract):
    make = shared.Buffer
    attach = staticmethod(shared.attach)
    view = staticmethod(memoryview)


class TestReferenceBuffer(BufferContract, BufferNameContract):
    make = reference.Buffer
    attach = staticmethod(reference.attach)

    @staticmethod
    def view(buffer: Any) -> memoryview:
        return buffer.__buffer__()


if sys.version_info >= (3, 12):  # before that a class cannot offer the buffer protocol

    class TestReferenceBufferThroughTheProtocol(TestReferenceBuffer):
        view = staticmethod(memoryview)
