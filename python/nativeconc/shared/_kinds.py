# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Kinds of segments, as their headers number them (cpp/nativeconc/shared/segment_header.hpp)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Kind"]


class Kind(IntEnum):
    """What lies in a segment; its name in lower case is what `shared.segments` calls it."""

    BUFFER = 1
    ARRAY = 2
    ARENA = 3
    THREADS = 4
    PRIMITIVE = 5
    QUEUE = 6
