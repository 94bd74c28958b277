# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a queue does, whoever implements it.

`QueueContract` is what `queue.Queue` and `multiprocessing.Queue` document, as far as they agree;
`SharedQueueContract` adds what nativeconc promises beyond them.
"""

from __future__ import annotations

import pickle
import queue
import threading
import time
from typing import Any

import pytest

from contracts.blocking import blocked_in, run_in_thread


class Unpicklable:
    """Raises when it is pickled."""

    def __reduce__(self) -> Any:
        raise RuntimeError("not this one")


def refuse_to_load() -> None:
    raise RuntimeError("not here")


class Unloadable:
    """Raises when it is unpickled."""

    def __reduce__(self) -> Any:
        return refuse_to_load, ()


class QueueContract:
    make: Any
    """Makes one, of a default capacity."""

    def test_what_is_put_comes_out_in_order(self) -> None:
        q = self.make()
        for value in (1, "two", {"three": [3.0]}, None, b""):
            assert q.put(value) is None
        assert [q.get(timeout=10) for _ in range(5)] == [1, "two", {"three": [3.0]}, None, b""]

    def test_get_waits_for_a_message(self) -> None:
        q = self.make()
        with blocked_in(q.get) as call:
            assert not call.is_done()
            q.put("it")
        assert call.result() == "it"

    def test_get_of_an_empty_queue_raises_empty_in_time(self) -> None:
        q = self.make()
        with pytest.raises(queue.Empty):
            q.get_nowait()
        with pytest.raises(queue.Empty):
            q.get(False)
        start = time.monotonic()
        with pytest.raises(queue.Empty):
            q.get(timeout=0.05)
        assert time.monotonic() - start >= 0.05
        with pytest.raises(queue.Empty):
            q.get(block=True, timeout=0)

    def test_put_takes_block_and_timeout_by_place_and_by_name(self) -> None:
        q = self.make()
        q.put(1, True, 10)
        q.put(2, block=True, timeout=None)
        q.put(3, False)
        q.put_nowait(4)
        assert [q.get(True, 10) for _ in range(4)] == [1, 2, 3, 4]

    def test_a_thread_gets_what_another_has_put(self) -> None:
        q = self.make()
        run_in_thread(lambda: q.put([1, 2]))
        assert run_in_thread(lambda: q.get(timeout=10)) == [1, 2]

    def test_empty_tells(self) -> None:
        q = self.make()
        assert q.empty()
        q.put(1)
        while q.empty():  # a feeder thread may still have it
            time.sleep(0.001)
        assert q.get(timeout=10) == 1
        assert q.empty()


class SharedQueueContract(QueueContract):
    make: Any
    """Takes capacity_bytes and name."""
    ShutDown: Any

    def full_queue(self) -> Any:
        q = self.make(64)
        q.put(b"x" * 20)
        return q

    # --- bounds

    def test_is_bounded_by_bytes(self) -> None:
        q = self.make(1024)
        assert q.capacity_bytes == 1024
        with pytest.raises(queue.Full) as caught:
            q.put_many([b"x" * 70] * 50, block=False)
        count = caught.value.put_count  # type: ignore[attr-defined]
        assert 1024 // (70 + 64) <= count <= 1024 // (70 + 24)
        assert q.qsize() == count

    def test_has_a_default_capacity(self) -> None:
        assert self.make().capacity_bytes >= 1 << 20
        assert self.make(None).capacity_bytes == self.make().capacity_bytes

    def test_full_tells(self) -> None:
        q = self.make(64)
        assert not q.full()
        q.put(b"x" * 20)
        assert q.full()
        q.get()
        assert not q.full()

    def test_put_into_a_full_queue_raises_full_in_time(self) -> None:
        q = self.full_queue()
        for arguments in ({"block": False}, {"timeout": 0}, {"timeout": -5}):
            with pytest.raises(queue.Full):
                q.put(1, **arguments)
        start = time.monotonic()
        with pytest.raises(queue.Full):
            q.put(1, timeout=0.05)
        assert time.monotonic() - start >= 0.05
        assert q.qsize() == 1

    def test_put_waits_for_room(self) -> None:
        q = self.full_queue()
        with blocked_in(lambda: q.put("next")) as call:
            assert not call.is_done()
            q.get()
        assert q.get(timeout=10) == "next"

    def test_a_message_larger_than_the_queue_is_refused(self) -> None:
        q = self.make(100)
        with pytest.raises(ValueError, match="larger than the queue, which holds 100"):
            q.put(b"x" * 100)
        with pytest.raises(ValueError, match="larger than the queue"):
            q.put_many([1, b"x" * 100])
        assert q.empty()

    @pytest.mark.parametrize("capacity", [0, -1])
    def test_a_capacity_of_less_than_one_is_refused(self, capacity: int) -> None:
        with pytest.raises(ValueError, match=r"capacity_bytes must|size must be"):
            self.make(capacity)

    def test_a_capacity_that_is_no_int_is_refused(self) -> None:
        with pytest.raises(TypeError):
            self.make(1.5)

    # --- what travels

    def test_a_message_is_a_snapshot(self) -> None:
        q = self.make()
        value = [1]
        q.put(value)
        value.append(2)
        assert q.get() == [1]

    @pytest.mark.parametrize("size", [0, 1, 1000, 65_530, 65_536, 100_000, 3_000_000])
    def test_bytes_of_any_size_travel(self, size: int) -> None:
        q = self.make()
        q.put(b"x" * size)
        assert q.get() == b"x" * size

    def test_out_of_band_buffers_travel_and_can_be_written(self) -> None:
        q = self.make()
        q.put([pickle.PickleBuffer(bytearray(b"a" * 200_000)), bytearray(b"b" * 200_000)])
        first, second = q.get()
        with memoryview(first) as view:
            assert view.tobytes() == b"a" * 200_000
            assert not view.readonly
        assert second == b"b" * 200_000

    def test_an_error_of_pickling_surfaces_in_put(self) -> None:
        q = self.make()
        with pytest.raises(RuntimeError, match="not this one"):
            q.put(Unpicklable())
        with pytest.raises(RuntimeError, match="not this one"):
            q.put_many([1, Unpicklable()])
        assert q.empty()

    def test_an_error_of_unpickling_surfaces_in_get_and_takes_one_message(self) -> None:
        q = self.make()
        q.put_many([Unloadable(), 1])
        with pytest.raises(RuntimeError, match="not here"):
            q.get()
        assert q.get() == 1

    def test_an_error_of_unpickling_loses_nothing_else_of_a_batch(self) -> None:
        q = self.make()
        q.put_many([1, 2, Unloadable(), 3, 4])
        with pytest.raises(RuntimeError, match="not here"):
            q.get_many(10)
        assert q.qsize() == 4
        assert not q.empty()
        assert q.get() == 1
        assert q.get_many(2) == [2, 3]
        assert q.get_many(5) == [4]
        assert q.empty()

    # --- batches

    def test_batches_keep_the_order(self) -> None:
        q = self.make()
        q.put_many(iter(range(5)))
        q.put_many([])
        assert q.qsize() == 5
        assert q.get_many(3) == [0, 1, 2]
        assert q.get_many(max_items=10, block=False) == [3, 4]

    def test_get_many_waits_for_the_first_alone(self) -> None:
        q = self.make()
        with blocked_in(lambda: q.get_many(10)) as call:
            assert not call.is_done()
            q.put("it")
        assert call.result() == ["it"]
        with pytest.raises(queue.Empty):
            q.get_many(10, block=False)
        with pytest.raises(queue.Empty):
            q.get_many(10, timeout=0.01)

    @pytest.mark.parametrize("most", [0, -1])
    def test_get_many_of_less_than_one_is_refused(self, most: int) -> None:
        with pytest.raises(ValueError, match="max_items must be at least 1"):
            self.make().get_many(most)

    def test_a_batch_larger_than_the_queue_goes_through_in_parts(self) -> None:
        q = self.make(256)
        with blocked_in(lambda: q.put_many(range(100))):
            got: list[int] = []
            while len(got) < 100:
                got += q.get_many(7, timeout=10)
        assert got == list(range(100))

    def test_a_batch_that_fails_tells_how_much_was_put(self) -> None:
        q = self.make(256)
        with pytest.raises(queue.Full) as caught:
            q.put_many(range(100), timeout=0.01)
        assert caught.value.put_count == q.qsize() > 0  # type: ignore[attr-defined]
        assert q.get_many(100) == list(range(caught.value.put_count))  # type: ignore[attr-defined]

    # --- arguments

    def test_wrong_arguments_are_refused(self) -> None:
        q = self.make()
        for call in (
            lambda: q.put(),
            lambda: q.put(1, True, None, 4),
            lambda: q.put(1, wait=True),
            lambda: q.put(1, obj=2),
            lambda: q.get(True, None, 3),
            lambda: q.get(obj=1),
            lambda: q.get(timeout="soon"),
        ):
            with pytest.raises(TypeError):
                call()
        for call in (lambda: q.get(timeout=float("nan")), lambda: q.put(1, timeout=float("nan"))):
            with pytest.raises(ValueError, match="NaN"):
                call()
        with pytest.raises(OverflowError):
            q.get(timeout=1e30)
        assert q.empty()

    # --- close

    def test_a_closed_queue_is_drained(self) -> None:
        q = self.make()
        q.put_many([1, 2, 3])
        assert not q.closed
        assert q.close() is None
        assert q.closed
        for call in (lambda: q.put(4), lambda: q.put_nowait(4), lambda: q.put_many([4])):
            with pytest.raises(self.ShutDown):
                call()
        assert q.get() == 1
        assert q.get_many(5) == [2, 3]
        for call in (q.get, q.get_nowait, lambda: q.get(timeout=1), lambda: q.get_many(1)):
            with pytest.raises(self.ShutDown):
                call()
        q.close()

    def test_closing_wakes_all_who_wait(self) -> None:
        empty, full = self.make(), self.full_queue()
        raised = []

        def wait_in(call: Any) -> None:
            with pytest.raises(self.ShutDown):
                call()
            raised.append(call)

        threads = [
            threading.Thread(target=wait_in, args=(call,))
            for call in (empty.get, empty.get, lambda: full.put(1), lambda: full.put_many([1, 2]))
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        assert raised == []
        empty.close()
        full.close()
        for thread in threads:
            thread.join()
        assert len(raised) == 4

    # --- names

    def test_without_a_name_it_has_none(self) -> None:
        assert self.make().name is None

    def test_queues_of_one_name_are_one(self, name: str) -> None:
        one = self.make(1000, name=name)
        two = self.make(1000, name=name)
        three = self.make(name=name)
        assert one.name == two.name == name
        assert three.capacity_bytes == 1000
        one.put("here")
        assert two.qsize() == three.qsize() == 1
        assert two.get() == "here"
        three.close()
        assert one.closed

    def test_another_capacity_of_the_name_is_refused(self, name: str) -> None:
        one = self.make(1000, name=name)
        with pytest.raises(ValueError, match="already"):
            self.make(2000, name=name)
        assert one.empty()

    def test_a_name_goes_with_its_last_queue(self, name: str) -> None:
        one = self.make(1000, name=name)
        one.put(1)
        del one
        assert self.make(2000, name=name).empty()

    @pytest.mark.parametrize("bad", ["", "a/b", "x" * 201, "tab\t"])
    def test_what_cannot_be_a_name_is_refused(self, bad: str) -> None:
        with pytest.raises(ValueError, match="name"):
            self.make(name=bad)

    # --- the rest

    def test_repr_tells_what_it_is(self, name: str) -> None:
        q = self.make(name=name)
        q.put(1)
        assert name in repr(q)
        assert "1 messages" in repr(q)
        q.close()
        assert "closed" in repr(q)

    def test_cannot_be_copied(self) -> None:
        import copy

        for function in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot"):
                function(self.make())

    def test_producers_and_consumers_lose_and_double_nothing(self) -> None:
        q = self.make(2000)
        each, got, lock = 300, [], threading.Lock()

        def produce(number: int) -> None:
            for i in range(0, each, 3):
                q.put((number, i))
                q.put_many([(number, i + 1), (number, i + 2)])

        def consume() -> None:
            try:
                while True:
                    mine = q.get_many(3)
                    with lock:
                        got.extend(mine)
            except self.ShutDown:
                return

        producers = [threading.Thread(target=produce, args=(n,)) for n in range(3)]
        consumers = [threading.Thread(target=consume) for _ in range(2)]
        for thread in (*producers, *consumers):
            thread.start()
        for thread in producers:
            thread.join()
        q.close()
        for thread in consumers:
            thread.join()
        assert sorted(got) == [(n, i) for n in range(3) for i in range(each)]
