# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Shared reader-writer locks in other processes: handles, names, and deaths."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.holders import kill, starting_holders
from python.shared.processes import in_fork, new_name
from python.shared.turns import METHODS, change_and_look, run_in_processes

SIDES = ["read", "write"]


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Any:
    return request.param


def enter(lock: shared.RWLock, side: str) -> Any:
    return lock.read() if side == "read" else lock.write()


def may(lock: shared.RWLock, side: str) -> bool:
    """Could another process read, or write?"""
    reader, writer = os.pipe()

    def look() -> None:
        acquire = lock.acquire_read if side == "read" else lock.acquire_write
        os.write(writer, b"1" if acquire(False) else b"0")

    in_fork(look)
    answer = os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    return answer == b"1"


@pytest.fixture
def start_holder() -> Iterator[Callable[[Any, str], int]]:
    """Starts a child that reads or writes, for good; gives its pid."""
    with starting_holders() as start:
        yield lambda lock, side: start(enter(lock, side).__enter__)


# --- deaths --------------------------------------------------------------------------------------


def test_a_dead_reader_is_released(start_holder: Any) -> None:
    lock = shared.RWLock()
    reader = start_holder(lock, "read")
    assert lock.acquire_write(False) is False
    assert [pid for pid, _, _ in lock._readers()] == [reader]
    kill(reader)
    with lock.write():
        assert lock._readers() == []


def test_a_dead_writer_is_told_to_readers_and_writers_until_it_is_recovered(
    start_holder: Any, side: str
) -> None:
    lock = shared.RWLock()
    before = time.time()
    dead = kill(start_holder(lock, "write"))
    acquire = lock.acquire_read if side == "read" else lock.acquire_write
    for take in (acquire, lambda: acquire(False), lambda: acquire(timeout=1)):
        with pytest.raises(nc.OwnerDiedError) as caught:
            take()
        assert (caught.value.pid, caught.value.thread) == (dead, dead)
        assert before <= caught.value.found <= time.time()
    with pytest.raises(nc.OwnerDiedError), enter(lock, side):
        pass
    assert repr(lock).startswith("<in-doubt ")
    with pytest.raises(ZeroDivisionError), lock.recover():
        1 / 0  # noqa: B018
    with pytest.raises(nc.OwnerDiedError):
        acquire()
    with lock.recover() as owner:
        assert owner is not None
        assert (owner.pid, owner.found) == (dead, caught.value.found)
        assert may(lock, "read") is False
    with enter(lock, side):
        pass
    assert may(lock, "write")


def test_all_who_wait_for_a_writer_that_dies_are_told(start_holder: Any) -> None:
    lock = shared.RWLock()
    writer = start_holder(lock, "write")

    def wait(side: str) -> None:
        with pytest.raises(nc.OwnerDiedError), enter(lock, side):
            pass

    threads = [nc.Thread(target=wait, args=(side,)) for side in SIDES * 2]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    kill(writer)
    for thread in threads:
        thread.result(60)


def test_recover_of_a_lock_that_is_well_gives_none() -> None:
    lock = shared.RWLock()
    with lock.recover() as owner:
        assert owner is None
        assert may(lock, "read") is False
    assert may(lock, "write")


def test_recover_waits_for_living_readers_and_no_longer_than_told(start_holder: Any) -> None:
    lock = shared.RWLock()
    start_holder(lock, "read")
    with pytest.raises(nc.LockTimeout, match=r"within 0\.05 seconds"), lock.recover(0.05):
        pass
    assert may(lock, "read")


def test_recovering_ones_own_lock_is_a_deadlock(side: str) -> None:
    lock = shared.RWLock()
    with enter(lock, side), pytest.raises(nc.DeadlockError, match="held by this"), lock.recover():
        pass
    assert may(lock, "write")


def test_continue_takes_the_lock_as_if_nothing_had_been(start_holder: Any, side: str) -> None:
    lock = shared.RWLock(on_owner_death="continue")
    for blocking in (True, False):
        kill(start_holder(lock, "write"))
        acquire = lock.acquire_read if side == "read" else lock.acquire_write
        assert acquire(blocking) is True
        assert may(lock, "read") is (side == "read")
        release = lock.release_read if side == "read" else lock.release_write
        release()
        with pytest.raises(RuntimeError, match="does not hold"):
            release()
    assert may(lock, "write")


def test_a_function_repairs_alone_inside(start_holder: Any, side: str) -> None:
    seen = []

    def repair(owner: shared.DeadOwner) -> None:
        seen.append((owner.pid, may(lock, "read")))

    lock = shared.RWLock(on_owner_death=repair)
    dead = kill(start_holder(lock, "write"))
    with enter(lock, side):
        assert seen == [(dead, False)]
        assert may(lock, "read") is (side == "read")
    with enter(lock, side):
        assert len(seen) == 1
    assert may(lock, "write")


def test_a_function_that_raises_leaves_the_lock_in_doubt(start_holder: Any, side: str) -> None:
    calls = []

    def repair(owner: shared.DeadOwner) -> None:
        calls.append(owner.pid)
        if len(calls) == 1:
            raise ZeroDivisionError

    lock = shared.RWLock(on_owner_death=repair)
    dead = kill(start_holder(lock, "write"))
    with pytest.raises(ZeroDivisionError), enter(lock, side):
        pass
    assert repr(lock).startswith("<in-doubt ")
    with enter(lock, side):
        pass
    assert calls == [dead, dead]


def test_whoever_repaired_it_and_dies_is_the_next_dead_owner(start_holder: Any, side: str) -> None:
    seen = []
    lock = shared.RWLock(on_owner_death=lambda owner: seen.append(owner.pid))
    kill(start_holder(lock, "write"))
    second = kill(start_holder(lock, "write"))
    with enter(lock, side):
        assert seen == [second]


def test_a_thread_that_ends_inside_is_a_dead_reader_or_writer() -> None:
    lock = shared.RWLock()
    for acquire in (lock.acquire_read, lock.acquire_write):
        thread = threading.Thread(target=acquire)
        thread.start()
        thread.join()
    with pytest.raises(nc.OwnerDiedError) as caught:
        lock.acquire_read()
    assert caught.value.pid == os.getpid()


def test_a_child_that_was_forked_has_nothing_of_what_its_parent_holds(side: str) -> None:
    lock = shared.RWLock()

    def look() -> None:
        assert lock.acquire_write(False) is False
        for release in (lock.release_read, lock.release_write, lock.downgrade):
            with pytest.raises(RuntimeError):
                release()

    with enter(lock, side):
        in_fork(look)
    assert may(lock, "write")


def test_a_wait_keeps_its_deadline_while_the_holder_is_stopped(
    start_holder: Any, side: str
) -> None:
    lock = shared.RWLock()
    os.kill(start_holder(lock, side), signal.SIGSTOP)
    before = time.monotonic()
    assert lock.acquire_write(timeout=0.1) is False
    assert time.monotonic() - before >= 0.1
    assert lock.acquire_read(timeout=0.05) is (side == "read")


def test_waiting_for_oneself_to_stop_reading_is_a_deadlock() -> None:
    lock = shared.RWLock()
    with lock.read():
        assert lock.acquire_write(False) is False
        with pytest.raises(nc.DeadlockError):
            lock.acquire_write()


# --- in other processes --------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_keeps_writers_alone(method: str) -> None:
    lock, numbers = shared.RWLock(), shared.zeros(2, dtype=int)
    run_in_processes(method, change_and_look, *[(lock, numbers, 500)] * 3)
    assert list(numbers) == [1500, 1500]


def test_stats_name_the_writer_and_count_the_waits_of_all_processes() -> None:
    lock = shared.RWLock()
    with lock.write():
        in_fork(lambda: lock.acquire_read(timeout=0.02))
        assert lock.stats().owner == (os.getpid(), threading.get_native_id())
    assert lock.stats().owner is None
    assert lock.stats().waited == 1


def test_acquire_all_takes_it_to_write_or_to_read() -> None:
    lock, other = shared.RWLock(), shared.Lock()
    with nc.acquire_all(lock, other):
        assert may(lock, "read") is False
    with nc.acquire_all(lock.read(), other):
        assert may(lock, "read")
        assert not may(lock, "write")
    with pytest.raises(ValueError, match="the same lock twice"):
        nc.acquire_all(lock, pickle.loads(pickle.dumps(lock)))


class Table(shared.RWLock):
    """A subclass with something of its own."""

    def __init__(self, owner: str) -> None:
        super().__init__(on_owner_death="continue")
        self.owner = owner


def test_a_subclass_keeps_its_attributes() -> None:
    table = Table("Ada")
    other = pickle.loads(pickle.dumps(table))
    assert isinstance(other, Table)
    assert (other.owner, other.on_owner_death) == ("Ada", "continue")
    with table.write():
        assert repr(other).startswith("<write-locked ")


def test_cannot_be_copied() -> None:
    for attempt in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot copy"):
            attempt(shared.RWLock())


def test_is_not_used_before_it_is_made() -> None:
    unmade = shared.RWLock.__new__(shared.RWLock)
    uses: list[Callable[[], object]] = [
        unmade.acquire_read,
        unmade.acquire_write,
        unmade.release_read,
        unmade.release_write,
        unmade.downgrade,
        unmade.stats,
        unmade._readers,
        unmade.read().__enter__,
        unmade.recover().__enter__,
    ]
    for use in uses:
        with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
            use()
    assert "unmade" in repr(unmade)


def test_whoever_asks_for_a_name_gets_the_same_lock() -> None:
    name = new_name("rwlock")
    first, second, third = shared.RWLock(name=name), shared.RWLock(name=name), shared.attach(name)
    assert type(third) is shared.RWLock
    with first.read():
        assert repr(second).startswith("<read-locked ")
        assert repr(third).startswith("<read-locked ")
    with pytest.raises(ValueError, match="on_owner_death=continue"):
        shared.RWLock(name=name, on_owner_death="continue")
    with pytest.raises(ValueError, match="it is another"):
        shared.Lock(name=name)
