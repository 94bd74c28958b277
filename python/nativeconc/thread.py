# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nc.Thread`: a thread that can be asked for its result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any

__all__ = ["Thread"]


class Thread(threading.Thread):
    """A :class:`threading.Thread` whose :meth:`result` returns, or raises, what came of it.

    It is created and used as `threading.Thread` is, subclassed as it is, and may stand wherever one
    may. What `run` returns is the result: the target's return value, unless a subclass overrides
    `run`. An exception that ends `run` goes to `threading.excepthook` as usual, unless somebody
    already waits in :meth:`result` for it.

    The thread keeps its result or exception for as long as it exists.
    """

    # Of threading.Thread, which deletes them when the thread has run.
    _target: Callable[..., Any] | None
    _args: Iterable[Any]
    _kwargs: Mapping[str, Any]

    _outcome: _Outcome | None = None  # none yet: not started

    def start(self) -> None:
        """Start the thread. It can be started once.

        Raises:
            RuntimeError: It was started before, or the system grants no more threads.
        """
        if self._outcome is None:
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
            RuntimeError: The thread has not been started, or asks for its own result, or was left
                behind by a fork.
            BaseException: Whatever ended the thread, with the traceback from there.
        """
        outcome = self._outcome
        if outcome is None:
            raise RuntimeError("cannot wait for the result of a thread before it is started")
        if self is threading.current_thread():
            raise RuntimeError("a thread cannot wait for its own result")
        with outcome.awaited():
            self.join(timeout)
            is_late = self.is_alive()
        # An exception that was kept for us, because we waited, is raised even when time is up.
        if not outcome.is_known:
            if is_late:
                raise TimeoutError(f"{self!r} has not ended within {timeout} seconds")
            raise RuntimeError(f"{self!r} has no result: it did not end in this process")
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

    def _bootstrap_inner(self) -> None:
        try:
            super()._bootstrap_inner()  # type: ignore[misc]
        finally:
            if self._outcome is not None:
                self._outcome.forget_our_frames()


class _Outcome:
    """What came of a thread, once it is known, and whether somebody waits for it."""

    def __init__(self) -> None:
        self.is_known = False
        self._guard = threading.Lock()
        self._waiters = 0
        self._value: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Somebody waits for the thread for as long as the body lasts."""
        with self._guard:
            self._waiters += 1
        try:
            yield
        finally:
            with self._guard:
                self._waiters -= 1

    def set_value(self, value: Any) -> None:
        self._value = value
        self.is_known = True

    def set_error(self, error: BaseException) -> bool:
        """Returns whether somebody waits, and will raise it."""
        self._error = error
        self._traceback = _beyond_our_frames(error.__traceback__)
        with self._guard:
            self.is_known = True
            return self._waiters > 0

    def forget_our_frames(self) -> None:
        """The frames that started the thread refer to it, and it keeps the exception."""
        if self._error is not None:
            self._error.__traceback__ = self._traceback

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
