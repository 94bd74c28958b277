# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the suites of reader-writer locks need: both sides of a lock, and its state."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.blocking import run_in_thread

SIDES = ("read", "write")
both_sides = pytest.mark.parametrize("side", SIDES)


def acquire(lock: Any, side: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(lock, f"acquire_{side}")(*args, **kwargs)


def release(lock: Any, side: str) -> Any:
    return getattr(lock, f"release_{side}")()


def may(lock: Any, side: str) -> bool:
    """Could another thread read, or write?"""

    def try_it() -> bool:
        if acquire(lock, side, False):
            release(lock, side)
            return True
        return False

    return bool(run_in_thread(try_it))


def state(lock: Any) -> str:
    """As other threads find it."""
    return "free" if may(lock, "write") else "read" if may(lock, "read") else "written"
