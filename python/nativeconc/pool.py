# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""How many threads the kernels use.

The default is the number of cores this process may really use: the smaller of its affinity mask,
its cgroup's CPU quota and the environment variable ``NATIVECONC_NUM_THREADS``. Threads are started
when a kernel first wants them, are shared by all callers, and are stopped before a fork and at
exit.
"""

from __future__ import annotations

import atexit
from contextvars import ContextVar
from types import TracebackType

from nativeconc import _core

__all__ = ["get_num_threads", "num_threads", "set_num_threads"]


def get_num_threads() -> int:
    """Return how many threads a kernel called here uses when ``threads`` is not given.

    Raises:
        ValueError: ``NATIVECONC_NUM_THREADS`` is not a number from 1 to 1024.
    """
    return _core.resolve_threads(None)


def set_num_threads(n: int) -> None:
    """Set the default number of threads of this process, for all its Python threads.

    More threads than cores are allowed, and useful only to try things out. Inside a
    :class:`num_threads` block that block's number still counts.

    Args:
        n: from 1 to 1024.

    Raises:
        TypeError: n is not an int.
        ValueError: n is out of range.
    """
    _core.set_num_threads(n)


# What held outside each block that is open here. Kept by the context, not by the num_threads
# object: threads and tasks may enter one object at the same time.
_enclosing: ContextVar[tuple[int | None, ...]] = ContextVar("nativeconc_enclosing", default=())


class num_threads:  # noqa: N801 - reads as a function: ``with nc.num_threads(2):``
    """A context manager: kernels called inside use ``n`` threads by default.

    It holds for the calling thread (or asyncio task) alone, so two threads can use different
    numbers at the same time. Blocks nest.

    Args:
        n: from 1 to 1024.

    Raises:
        TypeError: n is not an int.
        ValueError: n is out of range.

    Example:
        >>> with num_threads(2):
        ...     get_num_threads()
        2
    """

    def __init__(self, n: int) -> None:
        self._n = _core.parse_thread_count(n)

    def __enter__(self) -> None:
        _enclosing.set((*_enclosing.get(), _core.num_threads_context.get()))
        _core.num_threads_context.set(self._n)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not _enclosing.get():
            raise RuntimeError(
                "this num_threads block was not entered in the thread or task that leaves it"
            )
        *rest, before = _enclosing.get()
        _enclosing.set(tuple(rest))
        _core.num_threads_context.set(before)


# An idle pool is joined while the process is still whole.
atexit.register(_core.stop_idle_workers)
