# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tells listeners of new reports: the command and pytest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import TypeAlias

from nativeconc.deadlock.order_report import OrderReport
from nativeconc.deadlock.report import Report

__all__ = ["AnyReport", "Heard", "Listener", "add", "listen"]

AnyReport: TypeAlias = Report | OrderReport


class Heard(IntEnum):
    """What was done about a report."""

    NOT = 0  # nothing: a warning may be needed
    NOTED = 1  # it will be shown in due time: no warning is needed
    SHOWN = 2  # it has been shown: an exception need not repeat all of it


# Called in the thread that found it, before an exception is raised there.
Listener: TypeAlias = Callable[[AnyReport], Heard]

_listeners: tuple[Listener, ...] = ()


def add(report: AnyReport) -> Heard:
    """Tell the listeners of a report; the most that one of them has done about it."""
    heard = Heard.NOT
    for listener in _listeners:
        with contextlib.suppress(Exception):  # their faults must not hide the deadlock
            heard = max(heard, listener(report))
    return heard


@contextlib.contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Tell `listener` of every report that is made inside the block, by whatever thread."""
    global _listeners
    _listeners = (*_listeners, listener)
    try:
        yield
    finally:
        _listeners = tuple(other for other in _listeners if other is not listener)
