# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Messages of a shared.Queue that do not pickle, or do not unpickle, and what becomes of others."""

from __future__ import annotations

import pickle
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nativeconc import shared

BIG = 100_000


class Fragile:
    """Pickles, but does not unpickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def test_a_thread_that_waits_gets_what_another_has_left_over() -> None:
    q = shared.Queue()
    got: list[Any] = []

    def take(how: Callable[[], Any]) -> None:
        try:
            got.append(how())
        except ValueError:
            got.append("lost")

    for _ in range(50):
        waiting = threading.Thread(target=take, args=(q.get,))
        waiting.start()
        time.sleep(0.002)  # it waits by now, mostly
        q.put_many([Fragile(), "left over"])
        take(lambda: q.get_many(2)[0])  # mostly takes both, before the other one is awake
        waiting.join()
        assert sorted(got) == ["left over", "lost"]
        got.clear()


def test_a_failed_put_many_says_how_many_were_put() -> None:
    q = shared.Queue(1000)
    for objects, error in (["a" * 2000], ValueError), ([lambda: None], Exception), (7, TypeError):
        with pytest.raises(error) as info:
            q.put_many(objects)
        assert info.value.put_count == 0
    with pytest.raises(queue.Full) as info:
        q.put_many(["a" * 300] * 9, block=False)
    assert info.value.put_count == q.qsize() > 0


def test_get_many_takes_any_number_for_a_limit() -> None:
    q = shared.Queue()
    q.put_many(range(3))
    assert q.get_many(2**70) == [0, 1, 2]


class Released:
    """Gives its memory to pickle, and lets another take it back meanwhile."""

    def __init__(self) -> None:
        self.memory = bytearray(b"x" * BIG * 8)
        self.buffer = pickle.PickleBuffer(self.memory)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return bytes, (self.buffer,)


class Releases:
    """Releases the buffer of another while the message is pickled."""

    def __init__(self, other: Released) -> None:
        self.other = other

    def __reduce__(self) -> tuple[Any, ...]:
        self.other.buffer.release()
        return int, ()


def test_a_buffer_that_is_released_meanwhile_is_still_there() -> None:
    q = shared.Queue()
    released = Released()
    q.put([released, Releases(released)])
    assert q.get() == [bytes(released.memory), 0]
    released.memory.clear()  # nobody has it any more
