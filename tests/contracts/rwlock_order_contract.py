# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Who goes first into a reader-writer lock, whoever implements it: neither side starves."""

from __future__ import annotations

import threading
import time
from typing import Any

from contracts.blocking import SETTLE_S, OtherThread, wait_until, wait_until_asleep
from contracts.rwlock_sides import state


class Queue:
    """Threads that wait for a lock in the order in which they were added."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._leave: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self.inside: list[str] = []
        self.history: list[str] = []

    def add(self, name: str, timeout: float | None = None) -> None:
        """A thread that reads, or writes if its name begins with "w"."""
        entry = self._lock.write(timeout) if name.startswith("w") else self._lock.read(timeout)
        self._leave[name] = threading.Event()

        def go() -> None:
            try:
                with entry:
                    self.history.append(name)
                    self.inside.append(name)
                    self._leave[name].wait()
                    self.inside.remove(name)
            except TimeoutError:
                self.history.append(f"{name} gave up")

        thread = threading.Thread(target=go)
        self._threads.append(thread)
        thread.start()
        wait_until(lambda: self._still_outside() <= self._lock.stats().waiters)
        wait_until_asleep(thread)  # from being counted to being in the queue

    def _still_outside(self) -> int:
        past = set(self.history)
        return sum(name not in past and f"{name} gave up" not in past for name in self._leave)

    def leave(self, *names: str) -> None:
        for name in names:
            self._leave[name].set()

    def expect(self, *names: str) -> None:
        """These are inside, and stay alone."""
        wait_until(lambda: sorted(self.inside) == sorted(names))
        time.sleep(0.01)
        assert sorted(self.inside) == sorted(names)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


class RWLockOrderContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def test_who_comes_to_read_while_a_writer_waits_lets_it_go_first(self) -> None:
        queue = Queue(self.make())
        queue.add("r1")
        queue.add("w1")
        queue.add("r2")
        queue.expect("r1")
        queue.leave("r1")
        queue.expect("w1")
        queue.leave("w1")
        queue.expect("r2")
        queue.leave("r2")
        queue.join()

    def test_a_try_to_read_while_a_writer_waits_returns_false(self, other: OtherThread) -> None:
        lock = self.make()
        queue = Queue(lock)
        queue.add("r1")
        queue.add("w1")
        assert other(lock.acquire_read, False) is False
        queue.leave("r1", "w1")
        queue.join()
        assert other(lock.acquire_read, False) is True
        other(lock.release_read)

    def test_all_who_waited_to_read_go_before_the_next_writer(self) -> None:
        queue = Queue(self.make())
        queue.add("w1")
        queue.add("r1")
        queue.add("w2")
        queue.add("r2")
        queue.add("r3")
        queue.leave("w1")
        queue.expect("r1", "r2", "r3")
        queue.leave("r1", "r2")
        queue.expect("r3")
        queue.leave("r3")
        queue.expect("w2")
        queue.leave("w2")
        queue.join()

    def test_readers_and_writers_take_turns(self) -> None:
        queue = Queue(self.make())
        queue.add("w1")
        for name in ("w2", "w3", "r1"):
            queue.add(name)
        queue.leave("w1")
        queue.expect("r1")
        queue.add("r2")  # behind the next writer
        queue.leave("r1")
        wait_until(lambda: queue.inside in (["w2"], ["w3"]))
        (second,) = queue.inside
        third = "w3" if second == "w2" else "w2"
        queue.leave(second)
        queue.expect("r2")
        queue.leave("r2")
        queue.expect(third)
        queue.leave(third)
        queue.join()

    def test_readers_go_in_when_the_writer_they_waited_for_gives_up(self) -> None:
        lock = self.make()
        queue = Queue(lock)
        queue.add("r1")
        queue.add("w1", timeout=0.1)
        queue.add("r2")
        queue.expect("r1", "r2")
        wait_until(lambda: "w1 gave up" in queue.history)
        queue.leave("r1", "r2")
        queue.join()
        assert state(lock) == "free"

    def test_a_writer_goes_in_when_the_writer_before_it_gives_up(self) -> None:
        queue = Queue(self.make())
        queue.add("r1")
        queue.add("w1", timeout=0.1)
        queue.add("w2")
        wait_until(lambda: "w1 gave up" in queue.history)
        queue.expect("r1")
        queue.leave("r1")
        queue.expect("w2")
        queue.leave("w2")
        queue.join()

    def test_who_reads_already_may_read_again_while_a_writer_waits(self) -> None:
        lock = self.make()
        queue = Queue(lock)
        with lock.read():
            queue.add("w1")
            with lock.read(), lock.read(timeout=0):
                assert lock.acquire_read(False) is True
                lock.release_read()
            queue.expect()
        queue.expect("w1")
        queue.leave("w1")
        queue.join()

    def test_downgrade_lets_those_in_who_waited_to_read_and_no_writer(self) -> None:
        lock = self.make()
        queue = Queue(lock)
        lock.acquire_write()
        queue.add("w1")
        queue.add("r1")
        lock.downgrade()
        queue.expect("r1")
        queue.leave("r1")
        queue.expect()  # this thread reads on
        lock.release_read()
        queue.expect("w1")
        queue.leave("w1")
        queue.join()

    def test_downgrade_lets_no_writer_in_even_if_nobody_else_waits(self) -> None:
        lock = self.make()
        queue = Queue(lock)
        lock.acquire_write()
        queue.add("w1")
        lock.downgrade()
        queue.expect()
        lock.release_read()
        queue.expect("w1")
        queue.leave("w1")
        queue.join()

    def test_releasing_a_write_inside_which_one_reads_lets_readers_in(self) -> None:
        lock = self.make()
        queue = Queue(lock)
        lock.acquire_write()
        lock.acquire_read()
        queue.add("w1")
        queue.add("r1")
        lock.release_write()
        queue.expect("r1")
        queue.leave("r1")
        queue.expect()
        lock.release_read()
        queue.expect("w1")
        queue.leave("w1")
        queue.join()

    def test_a_stream_of_readers_starves_no_writer(self) -> None:
        lock, stop = self.make(), False

        def read() -> None:
            while not stop:
                with lock.read():
                    time.sleep(0.001)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        time.sleep(SETTLE_S)
        for _ in range(10):  # were newcomers let in first, this would hardly ever end
            with lock.write():
                pass
        stop = True
        for reader in readers:
            reader.join()

    def test_a_stream_of_writers_starves_no_reader(self) -> None:
        lock, stop = self.make(), False

        def write() -> None:
            while not stop:
                with lock.write():
                    time.sleep(0.001)

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(SETTLE_S)
        for _ in range(10):
            with lock.read():
                pass
        stop = True
        for writer in writers:
            writer.join()
