# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What an implementation of buffers gives to the contracts."""

from __future__ import annotations

from typing import Any


class BufferSubject:
    """Each implementation's tests fill this in."""

    make: Any
    """The class."""
    attach: Any
    """The function."""

    @staticmethod
    def view(buffer: Any) -> memoryview:
        """What `memoryview(buffer)` gives, where a class may offer that."""
        raise NotImplementedError
