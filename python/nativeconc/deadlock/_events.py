# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the core calls when it has found something, in the thread that found it.

A thread that waits for a lock gets here, at any time: inside a signal handler, while the
interpreter ends, with little memory left. So if a report cannot be made, a shorter message takes
its place.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence

from nativeconc._core import DeadlockError, DeadlockWarning
from nativeconc.deadlock import _build, _journal
from nativeconc.deadlock._build import RawEdge, RawParty
from nativeconc.deadlock._journal import Heard
from nativeconc.deadlock._stacks import stacks_now

__all__ = ["deadlock", "order"]

_HOW_TO_RAISE = (
    'The threads wait on. With nativeconc.deadlock.enable(policy="raise") one of them gets '
    "DeadlockError."
)


def deadlock(
    kind: str, certain: bool, parties: Sequence[RawParty], raises: bool
) -> BaseException | None:
    """There is a deadlock, and this thread is part of it.

    Returns the exception that this thread gets: DeadlockError if `raises`; else, after a
    DeadlockWarning, None, or that warning itself where warnings are errors. Where a listener takes
    care of reports there is no warning.
    """
    report, heard = None, Heard.NOT
    try:
        ident = threading.get_ident()
        report = _build.report(kind, certain, parties, ident if raises else None)
        heard = _journal.add(report)
        message = report.summary if heard is Heard.SHOWN else str(report)
    except Exception as error:
        message = f"deadlock ({kind}, {len(parties)} threads); no report could be made: {error!r}"
    if raises:
        exception = DeadlockError(message)
        exception.report = report
        return exception
    return _warn(f"{message}\n\n{_HOW_TO_RAISE}", report) if heard is Heard.NOT else None


def order(edges: Sequence[RawEdge]) -> BaseException | None:
    """This thread is about to take a lock, in an order that can deadlock.

    Issues a DeadlockWarning. Returns None, or that warning itself where warnings are errors.
    """
    report, heard = None, Heard.NOT
    try:
        report = _build.order_report(edges)
        heard = _journal.add(report)
        message = str(report)
    except Exception as error:
        message = f"lock order that can deadlock; no report could be made: {error!r}"
    return _warn(message, report) if heard is Heard.NOT else None


def _warn(message: str, report: _journal.AnyReport | None) -> BaseException | None:
    """Issue a warning on behalf of the line in which this thread takes the lock."""
    warning = DeadlockWarning(message)
    warning.report = report
    try:
        ident = threading.get_ident()
        stack = stacks_now([ident])[ident]
        filename, line = (stack[-1].filename, stack[-1].line) if stack else ("<unknown>", 0)
        # Without a registry it is shown each time: the core tells of each deadlock once.
        warnings.warn_explicit(warning, DeadlockWarning, filename, line)
    except Exception as error:  # the warning, as an error; or what the program's own hook raised
        return error
    return None
