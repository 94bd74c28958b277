# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nc.Thread`: a thread that can be asked for its result."""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Any

from nativeconc._core import Event

__all__ = ["Thread"]


class Thread(threading.Thread):
    """A :class:`threading.Thread` whose :meth:`result` returns, or raises, what came of it.

    It is created and used as `threading.Thread` is, subclassed as it is, and may stand wherever one
    may. What `run` returns is the result: the target's return value, unless a subclass overrides
    `run`. An exception that ends `run` goes to `threading.excepthook` as usual, unless somebody
    already waits in :meth:`result` for it.

    The thread keeps its result or exception for as long as it exists.
    """

    # threading.Thread's own.
    _initialized: bool
    _target: Callable[..., Any] | None
    _args: Iterable[Any]
    _kwargs: Mapping[str, Any]

    _outcome: _Outcome | None = None  # none yet: not started

    def start(self) -> None:
        """Start the thread. It can be started once.

        Raises:
            RuntimeError: It was started before, or the system grants no more threads.
        """
        if self._outcome is None and self._initialized:
            self._outcome = _Outcome()
            # Here, and not around the target, because a subclass may override run(). threading
            # calls it once, on the new thread.
            vars(self)["run"] = partial(self._run_and_keep, self._outcome, self.run)
        super().start()

    def run(self) -> Any:
        """What the thread does: call the target. A subclass may do something else.

        Returns:
            What the target returns, which becomes the thread's result.
        """
        try:
            if self._target is not None:
                return self._target(*self._args, **self._kwargs)
            return None
        finally:
            # The target's arguments may refer to the thread.
            del self._target, self._args, self._kwargs

    def result(self, timeout: float | None = None) -> Any:
        """Wait until the thread has ended, and return what `run` returned, or raise what it raised.

        It may be called any number of times, from any number of threads, and gives the same every
        time. Waits as `join` does: without the GIL, and until a signal handler raises.

        Args:
            timeout: seconds to wait at most; None waits for ever, a negative number not at all.

        Raises:
            TimeoutError: The thread has not ended in time.
            TypeError: `timeout` is not a number.
            ValueError: `timeout` is NaN.
            OverflowError: `timeout` is more than `threading.TIMEOUT_MAX`.
            RuntimeError: The thread has not been started, or asks for its own result, or was left
                behind by a fork.
            BaseException: Whatever ended the thread, with the traceback from there.
        """
        outcome = self._outcome
        if outcome is None or self.ident is None:
            raise RuntimeError("cannot wait for the result of a thread before it is started")
        if self is threading.current_thread():
            raise RuntimeError("a thread cannot wait for its own result")
        if outcome.is_left_behind() and not self.is_alive():
            raise RuntimeError(f"{self!r} has no result: it did not end in this process")
        began = time.monotonic()
        if not outcome.wait(timeout):
            raise TimeoutError(f"{self!r} has not ended within {timeout} seconds")
        # All that may be left to do is threading.excepthook, in what is left of the time.
        self.join(None if timeout is None else began + float(timeout) - time.monotonic())
        try:
            return outcome.get()
        finally:
            # The exception refers to this frame, which must not refer to what holds the exception.
            del self, outcome

    def _run_and_keep(self, outcome: _Outcome, run: Callable[[], Any]) -> None:
        vars(self).pop("run", None)  # it refers to the thread
        try:
            value = run()
        except BaseException as error:
            if not outcome.set_error(error):
                raise  # to threading.excepthook
        else:
            outcome.set_value(value)

    def _bootstrap(self) -> None:
        # What the new thread runs first. Were threading to name it otherwise, a failed thread would
        # still go, but not before the garbage collector came.
        outcome = self._outcome
        try:
            super()._bootstrap()  # type: ignore[misc]
        finally:
            if outcome is not None:
                outcome.clear_frames_of_start()
            del self, outcome


class _Outcome:
    """What came of a thread, once it is known, and whether somebody waits for it."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._is_known = Event()
        # Not threading's, which may be ours: locks that nobody made are not to be watched.
        self._guard = _thread.allocate_lock()
        self._waiters = 0  # in this process
        self._value: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    def is_left_behind(self) -> bool:
        """Whether this is a forked child, where other threads of the parent never end."""
        return self._is_forked() and not self._is_known.is_set()

    def wait(self, timeout: float | None) -> bool:
        """Returns whether the outcome is known now."""
        if self._is_known.is_set():
            return self._is_known.wait(timeout)  # at once, but not with a timeout that will not do
        self._count(1)
        try:
            self._is_known.wait(timeout)
        finally:
            self._count(-1)
        # Once more: an exception that was kept for us, because we waited, must come out.
        return self._is_known.is_set()

    def _is_forked(self) -> bool:
        """In a forked child the guard may be held, and waiters counted, that the child lacks."""
        return os.getpid() != self._process

    def _count(self, change: int) -> None:
        if self._is_forked():
            return
        with self._guard:
            self._waiters += change

    def set_value(self, value: Any) -> None:
        self._value = value
        self._is_known.set()

    def set_error(self, error: BaseException) -> bool:
        """Returns whether somebody waits, and will raise it."""
        self._error = error
        self._traceback = _beyond_our_frames(error.__traceback__)
        if self._is_forked():  # the forking thread, which nobody is known to wait for
            self._is_known.set()
            return False
        with self._guard:
            self._is_known.set()
            return self._waiters > 0

    def clear_frames_of_start(self) -> None:
        """Breaks a cycle: an exception refers, from frame to frame, to those that began the thread.

        They refer to the thread, which keeps the exception.
        """
        if self._error is None:
            return
        self._error.__traceback__ = self._traceback
        frame = None if self._traceback is None else self._traceback.tb_frame.f_back
        while frame is not None:
            try:
                frame.clear()
            except RuntimeError:
                return  # it has not ended: it is the one that calls
            frame = frame.f_back

    def get(self) -> Any:
        if self._error is None:
            return self._value
        try:
            raise self._error.with_traceback(self._traceback)
        finally:
            del self


def _beyond_our_frames(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    return traceback
