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
from collections.abc import Callable, Sequence

from nativeconc._core import DeadlockError, DeadlockWarning
from nativeconc.deadlock import _build, _journal
from nativeconc.deadlock._build import RawEdge, RawParty, RawSharedParty
from nativeconc.deadlock._journal import Heard
from nativeconc.deadlock._stacks import stacks_now
from nativeconc.deadlock.order_report import OrderReport
from nativeconc.deadlock.report import Report

__all__ = ["between_processes", "deadlock", "order"]

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
    return _tell(kind, certain, raises, lambda ident: _build.report(kind, certain, parties, ident))


def between_processes(
    certain: bool, parties: Sequence[RawSharedParty], raises: bool
) -> BaseException | None:
    """The same, of a deadlock between processes, or one over locks that processes share."""
    return _tell("cycle", certain, raises, lambda i: _build.shared_report(certain, parties, i))


def _tell(
    kind: str, certain: bool, raises: bool, build: Callable[[int | None], Report]
) -> BaseException | None:
    """Make a report, and give it to those whom it concerns."""
    raised_in = threading.get_ident() if raises else None
    failure = None
    try:
        report = build(raised_in)
    except Exception as error:
        report, failure = Report(kind, certain, (), raised_in), error
    heard = _journal.add(report)
    if raises:
        exception = DeadlockError(report.summary if heard is Heard.SHOWN else _text(report))
        exception.report = report
        if failure is not None:  # even None would hide what was being handled
            exception.__cause__ = failure
        return exception
    if heard is not Heard.NOT:
        return None
    return _warn(f"{_text(report)}\n\n{_HOW_TO_RAISE}", report)


def order(edges: Sequence[RawEdge]) -> BaseException | None:
    """This thread is about to take a lock, in an order that can deadlock.

    Issues a DeadlockWarning, unless a listener takes care of reports. Returns None, or that warning
    itself where warnings are errors.
    """
    try:
        report = _build.order_report(edges)
    except Exception:
        report = OrderReport(())
    return _warn(_text(report), report) if _journal.add(report) is Heard.NOT else None


def _text(report: _journal.AnyReport) -> str:
    try:
        return str(report)
    except Exception:
        return report.summary


def _warn(message: str, report: _journal.AnyReport) -> BaseException | None:
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
