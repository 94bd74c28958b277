# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suite of buffers over the native one and its twin."""

from __future__ import annotations

import sys
from typing import Any

from contracts.buffer_contract import BufferContract, name  # noqa: F401 - a fixture
from nativeconc import reference, shared


class TestNativeBuffer(BufferContract):
    make = shared.Buffer
    attach = staticmethod(shared.attach)
    view = staticmethod(memoryview)


class TestReferenceBuffer(BufferContract):
    make = reference.Buffer
    attach = staticmethod(reference.attach)

    @staticmethod
    def view(buffer: Any) -> memoryview:
        return buffer.__buffer__()


if sys.version_info >= (3, 12):  # before that a class cannot offer the buffer protocol

    class TestReferenceBufferThroughTheProtocol(TestReferenceBuffer):
        view = staticmethod(memoryview)
