# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nativeconc deadlocks`: run a script with all of its locks watched."""

from __future__ import annotations

import mmap
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from nativeconc._own_lock import OwnLock
from nativeconc.deadlock import _journal
from nativeconc.deadlock._launch import NotFoundError, run_module, run_script
from nativeconc.deadlock.patch import patch_threading
from nativeconc.deadlock.report import Report
from nativeconc.deadlock.settings import enable

__all__ = ["execute"]

OK, FAILED, BAD_INPUT, FOUND, INTERRUPTED = 0, 1, 2, 3, 130
_HERE = str(Path(__file__).parent)


def execute(target: str, arguments: Sequence[str] = (), *, is_module: bool = False) -> int:
    """Run a script, or a module, as Python itself would; return the exit code of the command.

    For the main thread of a process that does nothing else. Waits for the threads of the script, as
    the end of a process does; afterwards no new ones should be started.
    """
    findings = _Findings(sys.stderr)
    enable(policy="raise", order=True, stacks=True)
    patch_threading()
    run = run_module if is_module else run_script
    with _journal.listen(findings.show):
        try:
            code = _exit_code(lambda: run(target, arguments))
        except NotFoundError as error:
            findings.say(f"nativeconc deadlocks: {error}")
            return BAD_INPUT
        code = _exit_code(_wait_for_threads) or code
    return findings.conclude(code)


def _exit_code(action: Callable[[], None]) -> int:
    """Run it; what Python's exit code would be if it were a script."""
    try:
        action()
    except NotFoundError:
        raise
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or OK
        print(leaving.code, file=sys.stderr)
        return FAILED
    except BaseException as error:
        _show_uncaught(error)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
    return OK


def _show_uncaught(error: BaseException) -> None:
    """As the interpreter does at the top; without our own calls."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    error.__traceback__ = trace
    try:
        sys.excepthook(type(error), error, trace)
    except BaseException:
        traceback.print_exc()
        traceback.print_exception(error)


def _is_ours(trace: TracebackType) -> bool:
    filename = trace.tb_frame.f_code.co_filename
    return filename.startswith((_HERE, "<frozen "))


def _wait_for_threads() -> None:
    """What the interpreter does at exit, and will not do twice: end executors, join all threads."""
    interruptions: list[BaseException] = []
    usual = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        # From 3.13 on, Ctrl-C ends the wait, but is only printed.
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            interruptions.append(unraisable.exc_value)
        else:
            usual(unraisable)

    sys.unraisablehook = hook
    try:
        vars(threading)["_shutdown"]()
    finally:
        sys.unraisablehook = usual
    if interruptions:
        raise interruptions[0]


class _Findings:
    """Shows each report as it comes, counts them, and says at the end what there was."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._mutex = OwnLock()
        self._pid = os.getpid()
        self._deadlocks = 0
        self._orders = 0
        # Memory that forked children share: one of them has found something.
        self._in_children = mmap.mmap(-1, 1)

    def show(self, report: _journal.AnyReport) -> _journal.Heard:
        """Print a report, in the thread that found it."""
        with self._mutex():
            if isinstance(report, Report):
                self._deadlocks += 1
            else:
                self._orders += 1
            number = self._deadlocks + self._orders
            where = ""
            if os.getpid() != self._pid:
                self._in_children[0] = 1
                where = f" in a forked child, process {os.getpid()}"
            self.say(f"\nnativeconc deadlocks: report {number}{where}\n\n{report}\n")
        return _journal.Heard.SHOWN

    def say(self, text: str) -> None:
        """Print a line; the script may have closed the stream or stand in the middle of a print."""
        try:
            self._stream.write(f"{text}\n")
            self._stream.flush()
        except (OSError, RuntimeError, ValueError):
            os.write(2, f"{text}\n".encode(errors="backslashreplace"))

    def conclude(self, code: int) -> int:
        """Print the last line; return the exit code of all, `code` being the script's own."""
        if os.getpid() != self._pid:
            return code
        found = [
            f"{count} {one if count == 1 else many}"
            for count, one, many in (
                (self._deadlocks, "deadlock", "deadlocks"),
                (self._orders, "lock order that can deadlock", "lock orders that can deadlock"),
            )
            if count
        ]
        if self._in_children[0]:
            found.append("something in a forked child")
        self.say(f"nativeconc deadlocks: found {' and '.join(found) or 'nothing'}")
        return FOUND if found else code
