# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Programs that send shared memory from process to process; test_pickling.py runs them.

What a child runs stands here, where the child of any start method can import it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from nativeconc import shared
from python.shared.processes import descriptors, new_name

BIG = 50_000


def specimens() -> dict[str, Any]:
    """Shared memory of every kind: small in an arena, big in a segment of its own, named, views."""

    def grid() -> shared.Array:
        return shared.copy(np.arange(float(BIG)).reshape(100, -1))

    frozen = grid()[1:3]
    frozen.flags.writeable = False
    record = shared.zeros(5, [("a", int), ("b", "S3")])
    record["a"] = range(5)
    name = new_name("read")
    found = {
        "small": shared.copy(np.arange(10.0)),
        "big": shared.copy(np.arange(float(BIG))),
        "named": shared.full((3, 4), 7, name=new_name("small")),
        "big and named": shared.full(BIG, 7, name=new_name("big")),
        "slice": shared.copy(np.arange(200.0).reshape(20, 10))[::-3, 1::2],
        "slice of a big one": grid()[50::-7, 3::5],
        "transpose": grid()[3:6].T,
        "read only": frozen,
        "0-d": shared.copy(3.5),
        "empty": shared.zeros((0, 3)),
        "empty end": grid()[100:],
        "Fortran": shared.full((30, 40), 1, order="F"),
        "records": record,
        "buffer": shared.Buffer(100),
        "big buffer": shared.Buffer(8 * BIG, name=new_name("buffer")),
        "empty buffer": shared.Buffer(0),
        "named to read": shared.full(5, 9, name=name),
    }
    found["attached to read"] = shared.attach(name, "r")
    found["named to read"].flags.writeable = False  # it is the same memory
    return found


def look(thing: Any) -> Any:
    return np.frombuffer(thing, np.uint8) if isinstance(thing, shared.Buffer) else thing


def describe(thing: Any) -> tuple[Any, ...]:
    array = look(thing)
    kind = (array.shape, array.strides, str(array.dtype), array.flags.writeable)
    return (type(thing), *kind, thing.name, zlib.crc32(array.tobytes()))


def mark(thing: Any) -> None:
    """Changes the content where that is allowed."""
    array = look(thing)
    if array.flags.writeable:
        array[...] = np.ones((), array.dtype) if array.dtype.names is None else (7, b"abc")


def is_marked(thing: Any) -> bool:
    array = look(thing)
    one = 1 if array.dtype.names is None else np.array((7, b"abc"), array.dtype)
    return bool((array == one).all())


def visit(thing: Any) -> tuple[tuple[Any, ...], Any, Any]:
    """What a worker does: looks, makes an array of its own, and writes. All of it goes back."""
    seen = describe(thing)
    made = shared.copy(look(thing))
    mark(thing)
    return seen, thing, made


class Visit:
    """The other side of a visit: what was sent, what must come back, and what came."""

    def __init__(self, key: str, thing: Any) -> None:
        self.key, self.thing = key, thing
        self.described = describe(thing)
        self.content = look(thing).copy()

    def check(self, came: tuple[tuple[Any, ...], Any, Any]) -> None:
        seen, back, made = came
        assert seen == self.described, (self.key, seen, self.described)
        # The child has written to our memory, and what it sends back is that memory.
        if look(self.thing).flags.writeable:
            assert is_marked(self.thing), self.key
            look(self.thing)[...] = self.content
        assert describe(back) == self.described, self.key
        # What the child has made is there, and is shared memory of our own from now on.
        assert type(made) is shared.Array, self.key
        assert made.flags.writeable
        np.testing.assert_array_equal(made, self.content)
        mark(made)
        assert is_marked(made), self.key


# --- transports: they take things to a worker, and bring what visit() returns after its death -----


def _answer_pipe(end: Any, things: Any) -> None:
    for thing in things:
        end.send(visit(thing))


def by_process_arguments(context: Any, things: list[Any]) -> list[Any]:
    here, there = context.Pipe()
    child = context.Process(target=_answer_pipe, args=(there, things))
    child.start()
    there.close()
    return _after_its_end(child, lambda: [here.recv() for _ in things])


def _answer_each(end: Any) -> None:
    while (thing := end.recv()) is not None:
        end.send(visit(thing))


def by_pipe(context: Any, things: list[Any]) -> list[Any]:
    here, there = context.Pipe()
    child = context.Process(target=_answer_each, args=(there,))
    child.start()
    there.close()
    for thing in (*things, None):
        here.send(thing)
    return _after_its_end(child, lambda: [here.recv() for _ in things])


def _answer_queue(tasks: Any, answers: Any) -> None:
    while (thing := tasks.get()) is not None:
        answers.put(visit(thing))


def by_queue(context: Any, things: list[Any]) -> list[Any]:
    tasks, answers = context.Queue(), context.Queue()
    child = context.Process(target=_answer_queue, args=(tasks, answers))
    child.start()
    for thing in (*things, None):
        tasks.put(thing)
    return _after_its_end(child, lambda: [answers.get() for _ in things])


def _after_its_end(child: Any, receive: Callable[[], list[Any]]) -> list[Any]:
    child.join()
    assert child.exitcode == 0
    return receive()


def by_pool(context: Any, things: list[Any]) -> list[Any]:
    with context.Pool(2) as pool:
        found = pool.map(visit, things, chunksize=1)
        pool.close()
        pool.join()
    return found


def by_executor(context: Any, things: list[Any]) -> list[Any]:
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        return list(pool.map(visit, things))


TRANSPORTS = {
    "process arguments": by_process_arguments,
    "pipe": by_pipe,
    "queue": by_queue,
    "pool": by_pool,
    "executor": by_executor,
}


def there_and_back(method: str, transport: str) -> None:
    """The whole matrix of one start method and one transport."""
    context = multiprocessing.get_context(method)
    visits = [Visit(key, thing) for key, thing in specimens().items()]
    found = TRANSPORTS[transport](context, [visit.thing for visit in visits])
    assert len(found) == len(visits)
    gc.collect()
    for visit, came in zip(visits, found, strict=True):
        visit.check(came)


# --- deaths ---------------------------------------------------------------------------------------


def _send_and_sleep(end: Any, size: int, is_named: bool) -> None:
    name = new_name("victim") if is_named else None
    end.send_bytes(b"begin")
    end.send(shared.full(size, 5.0, name=name))
    end.send_bytes(b"sent")
    time.sleep(1000)  # it is killed here; only a test that fails waits so long


def killed_after_sending(method: str) -> None:
    """What a child has sent is there after kill -9 of it, whatever it was."""
    context = multiprocessing.get_context(method)
    for size in (10, BIG):
        for is_named in (False, True):
            here, there = context.Pipe(duplex=False)
            child = context.Process(target=_send_and_sleep, args=(there, size, is_named))
            child.start()
            there.close()
            assert here.recv_bytes() == b"begin"
            pickled = here.recv_bytes()
            assert here.recv_bytes() == b"sent"
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            assert child.exitcode == -signal.SIGKILL
            array = multiprocessing.reduction.ForkingPickler.loads(pickled)
            assert type(array) is shared.Array
            assert (array == 5).all()
            array[...] = 6
            assert (array == 6).all()
            if is_named:
                assert (shared.attach(array.name) == 6).all()


# --- other ways than between parent and child -----------------------------------------------------


def _put_and_wait(queue: Any, done: Any) -> None:
    for thing in specimens().values():
        queue.put((describe(thing), thing))
    queue.put(None)
    done.wait()


def _get_and_answer(queue: Any, done: Any, end: Any) -> None:
    while (item := queue.get()) is not None:
        described, thing = item
        assert describe(thing) == described
        end.send((described, thing))
    end.send(None)
    done.wait()


def siblings(method: str) -> None:
    """From one child to another through a queue, and from there to the parent."""
    context = multiprocessing.get_context(method)
    queue, done = context.Queue(), context.Event()
    here, there = context.Pipe(duplex=False)
    children = [
        context.Process(target=_put_and_wait, args=(queue, done)),
        context.Process(target=_get_and_answer, args=(queue, done, there)),
    ]
    for child in children:
        child.start()
    there.close()
    found = []
    while (item := here.recv()) is not None:
        described, thing = item
        assert describe(thing) == described
        found.append(item)
    done.set()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert len(found) == len(specimens())
    for described, thing in found:  # the creator has gone, and who passed it on, too
        assert describe(thing) == described
        mark(thing)


def _be_grandchild(end: Any, thing: Any) -> None:
    end.send(visit(thing))


def _be_child(end: Any, thing: Any, method: str) -> None:
    context = multiprocessing.get_context(method)
    here, there = context.Pipe(duplex=False)
    grandchild = context.Process(target=_be_grandchild, args=(there, thing))
    grandchild.start()
    there.close()
    found = _after_its_end(grandchild, lambda: [here.recv()])
    end.send(found[0])


def grandchild(method: str) -> None:
    """Down two generations, and up again."""
    context = multiprocessing.get_context(method)
    for key in ("small", "big", "named", "slice"):
        sent = Visit(key, specimens()[key])
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_be_child, args=(there, sent.thing, method))
        child.start()
        there.close()
        sent.check(_after_its_end(child, lambda here=here: [here.recv()])[0])


def _load_twice(end: Any) -> None:
    while (pickled := end.recv_bytes()) != b"end":
        first, second = (multiprocessing.reduction.ForkingPickler.loads(pickled) for _ in range(2))
        mark(first)
        assert is_marked(second)
        assert describe(first) == describe(second)
        end.send_bytes(b"ok")


def loaded_twice(method: str) -> None:
    """A pickle may be unpickled as often as one likes, as long as what it gave is held."""
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    child = context.Process(target=_load_twice, args=(there,))
    child.start()
    there.close()
    things = specimens()
    for key in ("small", "big", "named", "slice", "buffer", "0-d", "empty"):
        here.send_bytes(multiprocessing.reduction.ForkingPickler.dumps(things[key]))
        assert here.recv_bytes() == b"ok"
        assert is_marked(things[key])
    here.send_bytes(b"end")
    child.join()
    assert child.exitcode == 0


def nothing_is_left(method: str) -> None:
    """When all has arrived and is forgotten, no descriptor and no name is left."""
    context = multiprocessing.get_context(method)
    there_and_back(method, "pipe")  # what multiprocessing itself keeps is there now
    _forget()
    before = descriptors()
    here, there = context.Pipe()
    child = context.Process(target=_answer_each, args=(there,))
    child.start()
    there.close()
    for _ in range(50):
        for size in (10, BIG):
            here.send(shared.full(size, 1.0))
            here.recv()
    here.send(None)
    child.join()
    child.close()
    here.close()
    _forget()
    assert shared.in_flight()[:2] == (0, 0), shared.in_flight()
    assert descriptors() == before, (before, descriptors())


def _forget() -> None:
    gc.collect()
    shared.sweep()


# --- joblib ---------------------------------------------------------------------------------------


def by_joblib() -> None:
    """Through joblib and its loky, which pickle in their own way."""
    import joblib
    from joblib.externals.loky import get_reusable_executor

    visits = [Visit(key, thing) for key, thing in specimens().items()]
    calls = [joblib.delayed(visit)(one.thing) for one in visits]
    # So few bytes make joblib write plain arrays to files; ours are left alone.
    found = joblib.Parallel(n_jobs=2, backend="loky", max_nbytes=1000)(calls)
    get_reusable_executor().shutdown(wait=True)
    gc.collect()
    for one, came in zip(visits, found, strict=True):
        one.check(came)
