# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Who a thread is. `threading.get_ident` will not do: its numbers are used again."""

from __future__ import annotations

import threading

__all__ = ["ThreadId", "this_thread"]


class ThreadId:
    """One for each thread, equal to no other, now or later."""

    def __init__(self) -> None:
        self.ident = threading.get_ident()


class _Local(threading.local):
    def __init__(self) -> None:  # runs once in each thread
        self.id = ThreadId()


_local = _Local()


def this_thread() -> ThreadId:
    """The id of the calling thread."""
    return _local.id
