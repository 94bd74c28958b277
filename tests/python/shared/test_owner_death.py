# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What everybody sees when a thread or a process ends while it has a shared lock."""

from __future__ import annotations

import os
import pickle
import threading
import time
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.holders import kill, start_holder
from python.shared.processes import in_fork, new_name

KINDS = [shared.Lock, shared.RLock]


def die_with(lock: Any) -> int:
    """Take it in a child, and end there; returns the child's pid."""
    return kill(start_holder(lock.acquire))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_acquire_tells_who_died_until_the_lock_is_recovered(kind: Any) -> None:
    lock = kind()
    before = time.time()
    dead = die_with(lock)
    for take in (lock.acquire, lambda: lock.acquire(False), lambda: lock.acquire(timeout=1)):
        with pytest.raises(nc.OwnerDiedError) as caught:
            take()
        assert (caught.value.pid, caught.value.thread) == (dead, dead)
        assert before <= caught.value.found <= time.time()
    assert lock.locked()
    assert repr(lock).startswith("<in-doubt ")
    with lock.recover() as owner:
        assert (owner.pid, owner.thread, owner.found) == (dead, dead, caught.value.found)
    with lock:
        pass


def test_a_recovery_that_fails_leaves_the_lock_in_doubt(kind: Any) -> None:
    lock = kind()
    dead = die_with(lock)
    with pytest.raises(ZeroDivisionError), lock.recover():
        1 / 0  # noqa: B018
    with pytest.raises(nc.OwnerDiedError) as caught:
        lock.acquire()
    assert caught.value.pid == dead


def test_recover_of_a_lock_that_is_well_gives_none(kind: Any) -> None:
    lock = kind()
    with lock.recover() as owner:
        assert owner is None
        assert lock.locked()
    with pytest.raises(ZeroDivisionError), lock.recover():
        1 / 0  # noqa: B018
    with lock:
        pass


def test_recover_waits_for_a_living_owner_and_no_longer_than_told(kind: Any) -> None:
    lock = kind()
    with lock:

        def recover() -> None:
            with pytest.raises(nc.LockTimeout, match=r"within 0\.05 seconds"), lock.recover(0.05):
                pass

        thread = nc.Thread(target=recover)
        thread.start()
        thread.result(60)


def test_recovering_ones_own_lock_is_a_deadlock(kind: Any) -> None:
    lock = kind()
    with lock, pytest.raises(nc.DeadlockError, match="held by this thread"), lock.recover():
        pass
    assert not lock.locked()


def test_whoever_dies_in_a_recovery_leaves_the_lock_in_doubt(kind: Any) -> None:
    lock = kind()
    first = die_with(lock)

    def die() -> None:
        with lock.recover() as owner:
            assert owner.pid == first
            os._exit(0)

    in_fork(die)
    with pytest.raises(nc.OwnerDiedError):
        lock.acquire()


def test_continue_takes_the_lock_as_if_nothing_had_been(kind: Any) -> None:
    lock = kind(on_owner_death="continue")
    die_with(lock)
    with lock:
        assert lock.locked()
    die_with(lock)
    assert lock.acquire(False)
    lock.release()


def test_a_function_repairs_with_the_lock_held(kind: Any) -> None:
    seen = []

    def repair(owner: shared.DeadOwner) -> None:
        seen.append((owner.pid, lock.locked()))

    lock = kind(on_owner_death=repair)
    assert lock.on_owner_death is repair
    dead = die_with(lock)
    with lock:
        assert seen == [(dead, True)]
    with lock:
        assert len(seen) == 1


def test_whoever_repaired_it_and_dies_is_the_next_dead_owner(kind: Any) -> None:
    seen = []
    lock = kind(on_owner_death=lambda owner: seen.append(owner.pid))
    die_with(lock)
    second = die_with(lock)
    with lock:
        assert seen == [second]


def test_whoever_goes_on_after_a_death_and_dies_is_the_next_dead_owner(kind: Any) -> None:
    lock = kind(on_owner_death="continue")
    die_with(lock)
    second = die_with(lock)
    with lock.recover() as owner:
        assert owner.pid == second


def test_a_function_that_raises_leaves_the_lock_in_doubt(kind: Any) -> None:
    calls = []

    def repair(owner: shared.DeadOwner) -> None:
        calls.append(owner.pid)
        if len(calls) == 1:
            raise ZeroDivisionError

    lock = kind(on_owner_death=repair)
    dead = die_with(lock)
    with pytest.raises(ZeroDivisionError):
        lock.acquire()
    with lock:
        pass
    assert calls == [dead, dead]


def test_a_thread_that_ends_with_the_lock_is_a_dead_owner(kind: Any) -> None:
    lock = kind()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    native_id = thread.native_id
    thread.join()
    with pytest.raises(nc.OwnerDiedError) as caught:
        lock.acquire()
    assert (caught.value.pid, caught.value.thread) == (os.getpid(), native_id)


def test_those_who_wait_are_told_or_go_on(kind: Any) -> None:
    lock = kind(on_owner_death="continue")
    child = start_holder(lock.acquire)
    entered = []

    def wait() -> None:
        with lock:
            entered.append(1)

    threads = [nc.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    kill(child)
    for thread in threads:
        thread.result(60)
    assert len(entered) == 4


def test_a_child_that_was_forked_has_nothing_of_what_its_parent_holds(kind: Any) -> None:
    lock = kind()
    with lock:

        def look() -> None:
            assert lock.locked()
            assert not lock.acquire(False)
            with pytest.raises(RuntimeError):
                lock.release()

        in_fork(look)
    assert not lock.locked()


def test_three_thousand_locks_of_one_dead_process(kind: Any) -> None:
    locks = [kind() for _ in range(3000)]

    def hold() -> None:
        for lock in locks:
            lock.acquire()
        os._exit(0)

    in_fork(hold)
    for lock in locks:
        with pytest.raises(nc.OwnerDiedError):
            lock.acquire()


def test_the_error_keeps_its_attributes_when_it_is_pickled(kind: Any) -> None:
    lock = kind()
    dead = die_with(lock)
    with pytest.raises(nc.OwnerDiedError) as caught:
        lock.acquire()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.pid, copy.found, str(copy)) == (dead, caught.value.found, str(caught.value))


@pytest.mark.parametrize("wrong", ["rise", "", None, 1])
def test_another_policy_is_refused(kind: Any, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="'raise', 'continue' or a callable"):
        kind(on_owner_death=wrong)


def test_stats_name_the_owner_by_pid_and_native_id(kind: Any) -> None:
    lock = kind()
    assert lock.stats().owner is None
    with lock:
        assert lock.stats().owner == (os.getpid(), threading.get_native_id())


def test_waiting_for_a_condition_whose_lock_went_into_doubt_gives_nothing_back() -> None:
    lock = shared.RLock()
    condition = nc.Condition(lock)
    started = threading.Event()

    def die() -> None:
        with lock:
            condition.notify()
        lock.acquire()

    def later() -> None:
        started.wait()
        thread = threading.Thread(target=die)
        thread.start()
        thread.join()

    def wait() -> None:
        with condition:
            started.set()
            condition.wait()
            condition.wait(0.2)

    helper = nc.Thread(target=later)
    helper.start()
    with pytest.raises(nc.OwnerDiedError):
        wait()
    helper.result(60)


# --- conditions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [shared.Condition, lambda: shared.Condition(shared.Lock())])
def test_a_condition_recovers_its_lock(make: Any) -> None:
    condition = make()
    dead = die_with(condition)
    with pytest.raises(nc.OwnerDiedError):
        condition.acquire()
    with condition.recover(timeout=60) as owner:
        assert owner.pid == dead
        condition.notify_all()
    with condition:
        pass
    with pytest.raises(TypeError, match="timeout"):
        condition.recover("soon")


def test_those_who_meet_by_a_name_must_bring_the_same_lock() -> None:
    name, lock = new_name(), shared.Lock()
    condition = shared.Condition(lock, name=name)
    same = shared.Condition(lock, name=name)
    with condition:
        assert same.locked()
    for other in (shared.Lock(), shared.RLock(), None):
        with pytest.raises(ValueError, match=name):
            shared.Condition(other, name=name)
    with pytest.raises(ValueError, match="made with a lock"):
        shared.attach(name)


def test_a_condition_needs_a_lock_that_has_been_made() -> None:
    class Unmade(shared.Lock):
        """Does not call super().__init__()."""

        def __init__(self) -> None:
            pass

    with pytest.raises(RuntimeError, match="__init__"):
        shared.Condition(Unmade())
