# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.shared.Queue`."""

from __future__ import annotations

import math
import operator
import pickle
import threading
import time
from collections import deque
from collections.abc import Iterable
from queue import Empty, Full
from typing import Any, NoReturn, SupportsIndex
from weakref import WeakValueDictionary

from nativeconc._shut_down import ShutDown
from nativeconc.reference.buffer import checked_name
from nativeconc.reference.timeouts import Seconds, optional_timeout

__all__ = ["Queue"]

_CAPACITY = 256 << 20
_NAMED_CAPACITY = 16 << 20
_FRAME = 24


class _Messages:
    """What queues of one name share."""

    def __init__(self, capacity: int, name: str | None) -> None:
        self.capacity = capacity
        self.name = name
        self.waiting: deque[bytes] = deque()
        self.used = 0
        self.is_closed = False
        self.changed = threading.Condition()


_named: WeakValueDictionary[str, _Messages] = WeakValueDictionary()
_lock = threading.Lock()


def _frame_bytes(pickled: bytes) -> int:
    """How much of the capacity a message takes."""
    return _FRAME + (len(pickled) + 7) // 8 * 8


class Queue:
    """A queue of pickled messages, bounded by bytes, for the threads of one process.

    Args:
        capacity_bytes: how many bytes of pickled messages it holds, with 24 bytes and rounding for
            each; None for a default, or for what the existing one has.
        name: queues of one name are one, as long as one of them lives.

    Raises:
        ValueError: Less than 1 byte, or the name has another capacity, or cannot be one.
    """

    def __init__(
        self, capacity_bytes: SupportsIndex | None = None, *, name: str | None = None
    ) -> None:
        capacity = None if capacity_bytes is None else operator.index(capacity_bytes)
        if capacity is not None and capacity < 1:
            raise ValueError("capacity_bytes must be at least 1")
        if name is None:
            self._messages = _Messages(capacity or _CAPACITY, None)
        else:
            self._messages = _meet(capacity, checked_name(name))

    @property
    def name(self) -> str | None:
        """The name by which others meet here, or None."""
        return self._messages.name

    @property
    def capacity_bytes(self) -> int:
        """Bytes of messages that the queue holds."""
        return self._messages.capacity

    @property
    def closed(self) -> bool:
        """Whether close() was called, by anybody."""
        return self._messages.is_closed

    def put(self, obj: object, block: object = True, timeout: Seconds | None = None) -> None:
        """Put a message: the object is pickled now, and is in the queue when this returns.

        Args:
            obj: anything that can be pickled.
            block: False: not to wait for room.
            timeout: seconds to wait at most; None waits for ever, a negative number not at all.

        Raises:
            queue.Full: There was no room in time.
            ShutDown: The queue is closed.
            ValueError: The message is larger than the queue, or the timeout is NaN.
            OverflowError: A timeout above `threading.TIMEOUT_MAX`.
            Exception: Whatever pickling the object raises.
        """
        deadline = _deadline(block, timeout)
        self._refuse_if_closed()
        self._put(self._pickled(obj), deadline)

    def put_nowait(self, obj: object, /) -> None:
        """The same as put(obj, block=False)."""
        self.put(obj, block=False)

    def put_many(
        self, objs: Iterable[object], block: object = True, timeout: Seconds | None = None
    ) -> None:
        """Put many messages, in order. All are pickled before the first is put.

        Args:
            objs: what to put.
            block: False: not to wait for room.
            timeout: seconds to wait at most, for all together.

        Raises:
            Exception: What put() raises; `put_count` says how many were put before.
        """
        deadline = _deadline(block, timeout)
        self._refuse_if_closed()
        for count, pickled in enumerate([self._pickled(obj) for obj in objs]):
            try:
                self._put(pickled, deadline)
            except BaseException as error:
                error.put_count = count  # type: ignore[attr-defined]
                raise

    def get(self, block: object = True, timeout: Seconds | None = None) -> Any:
        """Take the next message.

        Args:
            block: False: not to wait for one.
            timeout: seconds to wait at most; None waits for ever, a negative number not at all.

        Raises:
            queue.Empty: None came in time.
            ShutDown: The queue is closed, and nothing is left in it.
            ValueError: The timeout is NaN.
            OverflowError: A timeout above `threading.TIMEOUT_MAX`.
            Exception: Whatever unpickling the message raises; it is taken.
        """
        return pickle.loads(self._take(1, _deadline(block, timeout))[0])

    def get_nowait(self) -> Any:
        """The same as get(block=False)."""
        return self.get(block=False)

    def get_many(
        self, max_items: SupportsIndex, block: object = True, timeout: Seconds | None = None
    ) -> list[Any]:
        """Take the messages that are there, in one go: at least one, for which it waits.

        Args:
            max_items: how many at most.
            block: False: not to wait for the first.
            timeout: seconds to wait for the first at most.

        Raises:
            Exception: What get() raises; the others of the batch come with the next calls.
            ValueError: `max_items` is less than 1.
        """
        most = operator.index(max_items)
        if most < 1:
            raise ValueError("max_items must be at least 1")
        taken = self._take(most, _deadline(block, timeout))
        done: list[Any] = []
        try:
            for pickled in taken:
                done.append(pickle.loads(pickled))  # noqa: PERF401 - see below
        except BaseException:
            rest = [*map(pickle.dumps, done), *taken[len(done) + 1 :]]
            with self._messages.changed:
                self._messages.waiting.extendleft(reversed(rest))
                self._messages.used += sum(map(_frame_bytes, rest))
            raise
        return done

    def qsize(self) -> int:
        """Messages in the queue, just now."""
        return len(self._messages.waiting)

    def empty(self) -> bool:
        """Whether there is no message in the queue, just now."""
        return not self._messages.waiting

    def full(self) -> bool:
        """Whether not even the smallest message would fit, just now."""
        return self._messages.used + _FRAME > self._messages.capacity

    def close(self) -> None:
        """Close the queue, for all: put raises from now on, get when the queue is drained."""
        with self._messages.changed:
            self._messages.is_closed = True
            self._messages.changed.notify_all()

    def _refuse_if_closed(self) -> None:
        if self._messages.is_closed:
            raise ShutDown("the queue is closed")

    def _pickled(self, obj: object) -> bytes:
        pickled = pickle.dumps(obj, protocol=5)
        if _frame_bytes(pickled) > self._messages.capacity:
            raise ValueError(
                f"a message of {_frame_bytes(pickled)} bytes is larger than the queue, which holds "
                f"{self._messages.capacity} (capacity_bytes)"
            )
        return pickled

    def _put(self, pickled: bytes, deadline: float) -> None:
        messages, size = self._messages, _frame_bytes(pickled)
        with messages.changed:
            while not messages.is_closed and messages.used + size > messages.capacity:
                if not messages.changed.wait(_rest(deadline)) and time.monotonic() >= deadline:
                    raise Full
            self._refuse_if_closed()
            messages.waiting.append(pickled)
            messages.used += size
            messages.changed.notify_all()

    def _take(self, most: int, deadline: float) -> list[bytes]:
        messages = self._messages
        with messages.changed:
            while not messages.waiting:
                self._refuse_if_closed()
                if not messages.changed.wait(_rest(deadline)) and time.monotonic() >= deadline:
                    raise Empty
            taken = [messages.waiting.popleft() for _ in range(min(most, len(messages.waiting)))]
            messages.used -= sum(map(_frame_bytes, taken))
            messages.changed.notify_all()
            return taken

    def __copy__(self) -> NoReturn:
        raise TypeError("a queue cannot be copied: it is shared")

    def __deepcopy__(self, memo: dict[int, Any], /) -> NoReturn:
        self.__copy__()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a twin of a queue cannot be sent to another process")

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name!r}"
        state = "closed " if self.closed else ""
        return f"<{state}reference.{type(self).__name__}{name}: {self.qsize()} messages>"


def _meet(capacity: int | None, name: str) -> _Messages:
    with _lock:
        messages = _named.get(name)
        if messages is None:
            return _named.setdefault(name, _Messages(capacity or _NAMED_CAPACITY, name))
    if capacity not in (None, messages.capacity):
        raise ValueError(
            f"there is already a queue named {name!r}, and it holds {messages.capacity} bytes, not "
            f"{capacity}"
        )
    return messages


def _deadline(block: object, timeout: Seconds | None) -> float:
    """When to give up, on the monotonic clock."""
    if not block:
        return 0.0
    seconds = optional_timeout(timeout)
    return math.inf if seconds is None else time.monotonic() + seconds


def _rest(deadline: float) -> float:
    return min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
