# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""shared.Queue in one process and its forks: arrays, signals, limits, and what it refuses."""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nativeconc import shared
from nativeconc.errors import SegmentError
from python.shared.processes import (
    exit_code,
    in_fork,
    new_name,
    start_fork,
)

BIG = 100_000


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10),
        np.arange(BIG),
        np.arange(BIG * 4).reshape(4, -1)[::-2, 3::5],
        np.asfortranarray(np.arange(BIG).reshape(100, -1)),
        np.array(["a", None], dtype=object),
        np.zeros((BIG, 0)),
        np.ma.masked_array(np.arange(BIG), np.arange(BIG) % 2),
    ],
    ids=["small", "big", "strided", "Fortran", "objects", "empty", "masked"],
)
def test_ordinary_arrays_travel_as_snapshots(array: Any) -> None:
    q = shared.Queue()
    q.put(array)
    before = array.copy()
    if array.dtype != object:
        array += 1
    came = q.get()
    assert type(came) is type(array)
    np.testing.assert_array_equal(came, before)
    assert came.dtype == array.dtype
    assert came.flags.writeable
    if array.flags.fnc:
        assert came.flags.fnc


def test_a_read_only_array_stays_read_only() -> None:
    q = shared.Queue()
    array = np.arange(BIG)
    array.flags.writeable = False
    q.put(array)
    assert not q.get().flags.writeable


def test_arrays_of_one_message_live_as_long_as_they_are_used() -> None:
    q = shared.Queue()
    q.put({"a": np.full(BIG, 1), "b": np.full(BIG, 2)})
    came = q.get()
    b = came["b"]
    del came, q
    gc.collect()
    assert (b == 2).all()
    b[:] = 3
    memory = weakref.ref(b)
    del b
    gc.collect()
    assert memory() is None


def test_a_forked_child_has_its_own_copy_of_what_its_parent_received() -> None:
    q = shared.Queue()
    q.put(np.zeros(BIG))
    array = q.get()
    array[0] = 1

    def child() -> None:
        assert array[0] == 1
        array[1] = 2

    in_fork(child)
    assert array[1] == 0


def test_what_one_receiver_writes_nobody_else_sees() -> None:
    q = shared.Queue()
    array = np.zeros(BIG)
    q.put_many([array, array])
    one, two = q.get_many(2)
    one[:] = 1
    assert not two.any()
    assert not array.any()


def test_one_big_array_twice_in_a_message_is_one_array() -> None:
    q = shared.Queue()
    array = np.zeros(BIG)
    q.put([array, array])
    one, two = q.get()
    assert one is two


def test_shared_arrays_stay_shared() -> None:
    q = shared.Queue()
    for array in (shared.zeros(10), shared.zeros(BIG), shared.zeros(5, name=new_name("queued"))):
        q.put([array, array[1:3], {"same": array}])
        came, part, rest = q.get()
        assert type(came) is shared.Array
        came[1] = 5
        assert part[0] == rest["same"][1] == array[1] == 5


def test_shared_locks_stay_shared() -> None:
    q = shared.Queue()
    lock = shared.Lock()
    q.put(lock)
    with q.get():
        assert lock.locked()
        in_fork(lambda: q.put(lock.acquire(blocking=False)))
    assert q.get() is False
    assert not lock.locked()


def test_a_message_that_is_not_put_leaves_nothing_on_its_way() -> None:
    q = shared.Queue(100)
    q.put(b"x" * 50)
    shared.sweep(in_flight=True)
    before = shared.in_flight().handles
    for array in (shared.zeros(10), shared.zeros(BIG)):
        with pytest.raises((queue.Full, ValueError)):
            q.put(array, block=False)
    with pytest.raises(TypeError):
        shared.Queue().put([shared.zeros(10), threading.Lock()])
    assert shared.in_flight().handles == before


def test_a_handle_cannot_be_read_without_its_message() -> None:
    q = shared.Queue()
    array = shared.zeros(BIG)

    class Embeds:
        def __reduce__(self) -> Any:
            return bytes, (pickle.dumps(array),)

    q.put(Embeds())
    embedded = q.get()
    assert (pickle.loads(embedded) == 0).all()  # known here
    loads = "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"
    import subprocess
    import sys

    child = subprocess.run([sys.executable, "-c", loads], input=embedded, capture_output=True)
    assert b"FileNotFoundError" in child.stderr
    assert b"can only be unpickled with it" in child.stderr


def test_puts_and_gets_nest_in_pickling() -> None:
    inner, outer = shared.Queue(), shared.Queue()
    array, other = shared.zeros(BIG), shared.zeros(BIG)

    class PutsToo:
        def __reduce__(self) -> Any:
            inner.put([np.arange(BIG), other])
            return get_inner, ()

    def get_inner() -> Any:
        return inner.get()

    globals()["get_inner"] = get_inner
    get_inner.__qualname__ = "get_inner"
    outer.put([PutsToo(), array, np.arange(BIG)])
    (ordinary, came_other), came, last = outer.get()
    came[0], came_other[0] = 1, 2
    assert (array[0], other[0]) == (1, 2)
    assert (ordinary == last).all()


def test_a_signal_handler_may_use_the_queue_that_is_waited_for() -> None:
    q = shared.Queue()
    before = signal.signal(signal.SIGUSR1, lambda *_: q.put("from the handler"))
    try:
        threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGUSR1)).start()
        assert q.get() == "from the handler"
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("what", ["get", "put", "get_many", "put_many"])
def test_ctrl_c_ends_a_wait_and_changes_nothing(what: str) -> None:
    q = shared.Queue(64)
    if what.startswith("put"):
        q.put(b"x" * 20)
    calls: dict[str, Callable[[], object]] = {
        "get": q.get,
        "put": lambda: q.put(1),
        "get_many": lambda: q.get_many(3),
        "put_many": lambda: q.put_many([1, 2]),
    }
    threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        calls[what]()
    assert q.qsize() == (1 if what.startswith("put") else 0)
    if what.startswith("put"):
        assert q.get() == b"x" * 20
    q.put("works")
    assert q.get() == "works"


def test_a_wait_lets_other_threads_run() -> None:
    q = shared.Queue()
    ran = []
    thread = threading.Timer(0.02, lambda: (ran.append(1), q.put(None)))
    thread.start()
    q.get()
    assert ran == [1]


def test_a_stopped_process_keeps_nobody_beyond_deadlines() -> None:

    q = shared.Queue()

    def put_for_ever() -> None:
        while True:
            q.put(1)
            q.get()

    child = start_fork(put_for_ever)
    try:
        for _ in range(20):
            time.sleep(0.005)
            os.kill(child, signal.SIGSTOP)
            start = time.monotonic()
            try:
                q.get(timeout=0.02)
            except queue.Empty:
                assert time.monotonic() - start >= 0.02
            try:
                q.put(2, timeout=0.02)
            except queue.Full:
                assert time.monotonic() - start >= 0.02
            os.kill(child, signal.SIGCONT)
    finally:
        os.kill(child, signal.SIGKILL)
        os.kill(child, signal.SIGCONT)
    assert exit_code(child) == -signal.SIGKILL
    q.put("alive")
    while q.get(timeout=10) != "alive":
        pass


def test_what_a_batch_left_over_is_not_doubled_by_a_fork() -> None:
    q = shared.Queue()
    q.put_many([1, Unloadable(), 2, 3])
    with pytest.raises(RuntimeError, match="not here"):
        q.get_many(10)

    def child() -> None:
        assert q.empty()
        with pytest.raises(queue.Empty):
            q.get_nowait()

    in_fork(child)
    assert q.get_many(10) == [1, 2, 3]


def refuse_to_load() -> None:
    raise RuntimeError("not here")


class Unloadable:
    def __reduce__(self) -> Any:
        return refuse_to_load, ()


def test_a_fork_goes_on_with_the_queue() -> None:
    q = shared.Queue()
    in_fork(lambda: q.put([np.arange(BIG), shared.full(3, 4)]))
    big, small = q.get()
    assert big[-1] == BIG - 1
    assert small[0] == 4


def test_subclasses_keep_their_class_and_attributes() -> None:
    q = Labelled()
    q.label = "first"
    outer = shared.Queue()
    outer.put(q)
    came = outer.get()
    assert type(came) is Labelled
    assert came.label == "first"
    came.put(1)
    assert q.get() == 1


class Labelled(shared.Queue):
    label: str


def test_is_made_once() -> None:
    q = shared.Queue()
    with pytest.raises(RuntimeError, match="already"):
        q.__init__()  # type: ignore[misc]
    unmade = shared.Queue.__new__(shared.Queue)
    for call in (unmade.get, unmade.close, unmade.qsize, lambda: unmade.put(1)):
        with pytest.raises(RuntimeError, match="has not been called"):
            call()
    assert "unmade" in repr(unmade)


def test_attach_finds_a_queue() -> None:
    q = shared.Queue(1000, name=new_name("queue"))
    found = shared.attach(q.name or "")
    assert type(found) is shared.Queue
    assert found.capacity_bytes == 1000
    with pytest.raises(ValueError, match="only mode='r\\+'"):
        shared.attach(q.name or "", "r")


def test_a_name_of_something_else_is_refused() -> None:
    buffer = shared.Buffer(100, name=new_name("buffer"))
    for arguments in ((), (100,)):
        with pytest.raises(ValueError, match=r"no queue|already"):
            shared.Queue(*arguments, name=buffer.name)
    q = shared.Queue(100, name=new_name("queue"))
    with pytest.raises((ValueError, SegmentError)):
        shared.Lock(name=q.name)


def test_is_listed_among_the_segments() -> None:
    q = shared.Queue(1000, name=new_name("queue"))
    found = {segment.name: segment for segment in shared.segments()}
    assert found[q.name].kind == "queue"


def test_many_shared_arrays_travel_in_one_message() -> None:
    q = shared.Queue()
    arrays = [shared.full(20_000, i) for i in range(300)]  # more than a letter takes
    q.put(arrays)
    for i, came in enumerate(q.get()):
        came[0] = -1
        assert arrays[i][0] == -1


def test_weak_references_and_ends() -> None:
    q = shared.Queue()
    q.put([q, np.zeros(BIG)])  # it is in itself: that must not keep it
    reference = weakref.ref(q)
    del q
    gc.collect()
    assert reference() is None
