# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Programs of several processes around queues; test_queue_processes.py runs them.

What a child runs stands here, where the child of any start method can import it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from nativeconc import shared
from python.shared.handles import Visit, specimens, visit
from python.shared.processes import descriptors, in_fork, new_name, start_fork

BIG = 100_000


def serve(requests: shared.Queue, answers: shared.Queue) -> None:
    """Returns what visit() makes of each thing, and dies by SIGKILL when there are no more."""
    try:
        while True:
            key, thing = requests.get()
            answers.put((key, visit(thing)))
    except shared.ShutDown:
        os.kill(os.getpid(), signal.SIGKILL)


def there_and_back(method: str) -> None:
    """All kinds of shared memory go to a child, which is dead when the answers are read."""
    context = multiprocessing.get_context(method)
    requests, answers = shared.Queue(), shared.Queue()
    child = context.Process(target=serve, args=(requests, answers))
    child.start()
    visits = {key: Visit(key, thing) for key, thing in specimens().items()}
    for key, one in visits.items():
        requests.put((key, one.thing))
    requests.close()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert answers.qsize() == len(visits)
    for _ in range(len(visits)):
        key, came = answers.get(timeout=10)
        visits[key].check(came)


def put_and_die(queue: shared.Queue, count: int) -> None:
    for i in range(count):
        array = shared.full((10,), i)
        queue.put((array, shared.full((BIG,), i), np.full((BIG,), i)))
    os.kill(os.getpid(), signal.SIGKILL)


def forward(source: shared.Queue, target: shared.Queue) -> None:
    """Passes on what another process has made, and dies with all of it on the way."""
    try:
        while True:
            target.put(source.get())
    except shared.ShutDown:
        os.kill(os.getpid(), signal.SIGKILL)


def dead_senders(method: str) -> None:
    """What a sender has put stays valid though it is dead, also what it had from another."""
    context = multiprocessing.get_context(method)
    first, second = shared.Queue(), shared.Queue()
    maker = context.Process(target=put_and_die, args=(first, 20))
    maker.start()
    maker.join()
    messenger = context.Process(target=forward, args=(first, second))
    messenger.start()
    own = [shared.full((10,), -i) for i in range(20)]
    for array in own:
        first.put((array, array, array))
    first.close()
    messenger.join()
    addresses = set()
    # Memory of our own is not given out again while others have it.
    others = [shared.full((10,), 99) for _ in range(200)]
    for i in range(20):
        small, big, ordinary = second.get(timeout=10)
        assert type(small) is type(big) is shared.Array
        assert type(ordinary) is np.ndarray
        for array in (small, big, ordinary):
            assert (array == i).all()
        array[:] = 5
    for i in range(20):
        small, same, _ = second.get(timeout=10)
        assert same is small
        assert (small == -i).all()
        small[0] = 1234
        assert own[i][0] == 1234
        addresses.add(id(small))
    assert all((array == 99).all() for array in others)


def blocks_outlive_their_messenger() -> None:
    """A block that only a dead messenger's message holds is not given out again."""
    there, back = shared.Queue(), shared.Queue()
    array = shared.full((10,), 7)
    there.put(array)

    def pass_on() -> None:
        back.put(there.get())
        os.kill(os.getpid(), signal.SIGKILL)

    child = start_fork_killed(pass_on)
    assert child == -signal.SIGKILL
    del array
    gc.collect()
    shared.sweep()
    others = [shared.full((10,), 8) for _ in range(5000)]  # all blocks that there are, and more
    came = back.get(timeout=10)
    assert (came == 7).all()
    came[:] = 9
    assert all((other == 8).all() for other in others)


def start_fork_killed(body: Any) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(start_fork(body), 0)[1])


def count_up(queue: shared.Queue, number: int, total: int) -> None:
    for i in range(total):
        queue.put((number, i, "x" * (i % 50)))


def take_until_closed(queue: shared.Queue, results: shared.Queue) -> None:
    taken = []
    try:
        while True:
            taken += queue.get_many(20)
    except shared.ShutDown:
        results.put([(number, i) for number, i, _ in taken])


def many_to_many(method: str) -> None:
    """Nothing is lost, doubled or out of order where nobody dies."""
    context = multiprocessing.get_context(method)
    queue, results = shared.Queue(5000), shared.Queue()
    producers = [context.Process(target=count_up, args=(queue, n, 1000)) for n in range(3)]
    consumers = [context.Process(target=take_until_closed, args=(queue, results)) for _ in range(2)]
    for process in (*producers, *consumers):
        process.start()
    for process in producers:
        process.join()
        assert process.exitcode == 0
    queue.close()
    taken = [results.get(timeout=50) for _ in consumers]
    for process in consumers:
        process.join()
    for messages in taken:
        for number in range(3):
            mine = [i for n, i in messages if n == number]
            assert mine == sorted(mine)
    assert sorted(m for messages in taken for m in messages) == [
        (n, i) for n in range(3) for i in range(1000)
    ]


def put_for_ever(queue: shared.Queue, number: int, said: shared.Array) -> None:
    i = 0
    while True:
        big = np.full((BIG,), i) if i % 10 == 0 else None
        queue.put((number, i, big))
        i += 1
        said[number] = i  # so many puts have returned


def get_for_ever(queue: shared.Queue, results: shared.Queue) -> None:
    while True:
        number, i, big = queue.get()
        assert big is None or (big == i).all()
        results.put((number, i))


def killed_at_random(method: str) -> None:
    """Producers and consumers are killed in the middle; nobody else loses anything."""
    context = multiprocessing.get_context(method)
    n_producers, n_consumers = 4, 6
    queue, results = shared.Queue(20_000_000), shared.Queue()
    said = shared.zeros((n_producers,), int)
    producers = [
        context.Process(target=put_for_ever, args=(queue, n, said)) for n in range(n_producers)
    ]
    consumers = [
        context.Process(target=get_for_ever, args=(queue, results)) for _ in range(n_consumers)
    ]
    for process in (*producers, *consumers):
        process.start()
    came: list[tuple[int, int]] = []
    while len(came) < 200:
        came += results.get_many(1000, timeout=50)
    for process in (*consumers[:-1], *producers):
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            came += take_what_is_there(results)
        process.kill()
        process.join()
    queue.close()  # the last consumer drains it
    consumers[-1].join()
    assert consumers[-1].exitcode == 1  # ShutDown came out of get
    came += take_what_is_there(results)
    assert max(Counter(came).values()) == 1  # none is doubled
    lost = 0
    for number in range(n_producers):
        mine = {i for n, i in came if n == number}
        put = int(said[number])
        assert mine <= set(range(put + 1))  # the last put may not have returned
        lost += len(set(range(put)) - mine)
    # Each dead consumer may have had one in its hands, taken or passed on halfway.
    assert lost <= n_consumers - 1, lost


def take_what_is_there(queue: shared.Queue) -> list[Any]:
    taken: list[Any] = []
    while not queue.empty():
        taken += queue.get_many(1000)
    return taken


def double(queue: shared.Queue) -> int:
    queue.put(queue.get() * 2)
    return queue.qsize()


def through_an_executor(method: str) -> None:
    """Queues are arguments of tasks, of any start method, and go through other transports."""
    context = multiprocessing.get_context(method)
    queue = shared.Queue()
    queue.put(21)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(double, queue).result() == 1
    assert queue.get() == 42
    here, there = context.Pipe()
    here.send(queue)
    there.recv().put("by pipe")
    assert queue.get() == "by pipe"


def queue_in_a_queue(method: str) -> None:
    """A queue travels through a queue, and outlives its sender."""
    context = multiprocessing.get_context(method)
    outer = shared.Queue()
    child = context.Process(target=send_a_queue, args=(outer,))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    inner = outer.get(timeout=10)
    assert inner.get() == "before"
    inner.put("after")
    assert inner.get() == "after"


def send_a_queue(outer: shared.Queue) -> None:
    inner = shared.Queue(1000)
    inner.put("before")
    outer.put(inner)
    os.kill(os.getpid(), signal.SIGKILL)


def meet(name: str, said: str) -> None:
    shared.Queue(name=name).put(said)


def by_name(method: str) -> None:
    """Unrelated processes meet at a name; what they put stays there."""
    context = multiprocessing.get_context(method)
    queue = shared.Queue(100_000, name=new_name("queue"))
    children = [context.Process(target=meet, args=(queue.name, str(n))) for n in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert sorted(queue.get_many(5)) == ["0", "1", "2"]
    array = shared.full((1000,), 4)
    queue.put(array)
    same = shared.attach(queue.name).get()
    same[0] = 5
    assert array[0] == 5


def nothing_is_left() -> None:
    """Neither descriptors nor mappings stay, whatever was put, taken or left behind."""

    def use() -> None:
        queue = shared.Queue()
        for _ in range(3):
            queue.put((np.zeros(BIG), shared.zeros(BIG), shared.zeros(10), b"x" * BIG, queue))
        del_me = queue.get()
        del del_me
        in_fork(queue.get)

    use()
    gc.collect()
    shared.sweep(in_flight=True)
    before = descriptors()
    for _ in range(5):
        use()
    gc.collect()
    shared.sweep(in_flight=True)
    after = descriptors()
    assert after == before, (set(after) - set(before), len(after), len(before))
