# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Shared locks in other processes: handles, names, and mixed with locks of threads."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.holders import starting_holders
from python.shared.processes import exit_code, in_fork, new_name, start_fork, wait_until
from python.shared.turns import METHODS, add, is_locked, run_in_processes

KINDS = [shared.Lock, shared.RLock]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("method", METHODS)
def test_keeps_processes_apart(kind: Any, method: str) -> None:
    lock, numbers = kind(), shared.zeros(2, dtype=int)
    run_in_processes(method, add, *[(lock, numbers, 2000)] * 3)
    assert numbers[0] == 6000


def enter(lock: Any) -> None:
    with lock:
        pass


def test_stats_count_the_waits_of_all_processes(kind: Any) -> None:
    lock = kind()
    with lock:
        child = start_fork(lambda: enter(lock))
        wait_until(lambda: lock.stats().waiters)
    assert exit_code(child) == 0
    assert lock.stats().waited == 1
    assert lock.stats().wait_max == lock.stats().wait_total > 0


def test_goes_through_an_executor(kind: Any) -> None:
    lock = kind()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        with lock:
            assert executor.submit(is_locked, lock).result() is True
        assert executor.submit(is_locked, lock).result() is False


class Ledger(shared.Lock):
    """A subclass with something of its own."""

    def __init__(self, owner: str) -> None:
        super().__init__(on_owner_death="continue")
        self.owner = owner


def test_a_subclass_keeps_its_attributes() -> None:
    ledger = Ledger("Ada")
    other = pickle.loads(pickle.dumps(ledger))
    assert isinstance(other, Ledger)
    assert (other.owner, other.on_owner_death) == ("Ada", "continue")
    with ledger:
        assert other.locked()


def test_cannot_be_copied(kind: Any) -> None:
    for attempt in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot copy"):
            attempt(kind())


def test_is_not_used_before_it_is_made(kind: Any) -> None:
    unmade = kind.__new__(kind)
    for use in (unmade.acquire, unmade.release, unmade.locked, unmade.stats, unmade.__enter__):
        with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
            use()
    with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
        pickle.dumps(unmade)
    assert "unmade" in repr(unmade)


def test_is_made_only_once(kind: Any) -> None:
    lock = kind()
    with lock, pytest.raises(RuntimeError, match="called already"):
        lock.__init__()  # type: ignore[misc]
    assert not lock.locked()


# --- names ---------------------------------------------------------------------------------------


def test_whoever_asks_for_a_name_gets_the_same_lock(kind: Any) -> None:
    name = new_name("lock")
    first, second, third = kind(name=name), kind(name=name), shared.attach(name)
    assert type(third) is kind
    with first:
        assert second.locked()
        assert third.locked()
    assert third.name == name


def test_unrelated_programs_meet(kind: Any) -> None:
    name = new_name("lock")
    lock = kind(name=name)
    script = f"from nativeconc import shared; print(shared.{kind.__name__}(name={name!r}).locked())"
    for held in (False, True):
        if held:
            lock.acquire()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.stdout.strip() == str(held), done.stderr
    lock.release()


def test_a_name_goes_with_its_last_holder(kind: Any) -> None:
    name = new_name("lock")
    lock = kind(name=name)
    del lock
    with pytest.raises(FileNotFoundError):
        shared.attach(name)


def test_what_differs_is_refused(kind: Any) -> None:
    name = new_name("lock")
    lock = kind(name=name)
    other = next(other for other in KINDS if other is not kind)
    with pytest.raises(ValueError, match="it is another"):
        other(name=name)
    with pytest.raises(ValueError, match="on_owner_death=continue"):
        kind(name=name, on_owner_death="continue")
    with pytest.raises(ValueError, match="it is another"):
        shared.Buffer(100, name=name, exist_ok=True)
    with pytest.raises(ValueError, match="no memory"):
        shared.attach(name, "r")
    assert not lock.locked()


def test_a_repair_function_stays_with_its_process(kind: Any) -> None:
    name = new_name("lock")
    lock = kind(name=name, on_owner_death=print)
    assert shared.attach(name).on_owner_death == "raise"
    assert kind(name=name, on_owner_death=repr).on_owner_death is repr
    assert lock.on_owner_death is print


def test_many_race_for_a_name(kind: Any) -> None:
    for _ in range(20):
        name = new_name("lock")

        def meet(name: str = name) -> None:
            lock = kind(name=name)
            assert lock.acquire(timeout=60)
            lock.release()

        children = []
        for _ in range(4):
            child = os.fork()
            if child == 0:
                try:
                    meet()
                except BaseException:
                    os._exit(1)
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0


# --- beside locks of threads ----------------------------------------------------------------------


def test_acquire_all_takes_them_with_those_of_threads(kind: Any) -> None:
    locks = [kind(), nc.Lock(), shared.RLock(), nc.RLock(), kind()]
    with nc.acquire_all(*locks):
        assert all(lock.locked() for lock in locks)

        def try_them() -> None:
            assert not any(lock.acquire(False) for lock in locks if hasattr(lock, "recover"))

        in_fork(try_them)
    assert not any(lock.locked() for lock in locks)


def test_acquire_all_of_a_lock_and_its_handle_is_refused(kind: Any) -> None:
    lock = kind()
    with pytest.raises(ValueError, match="the same lock twice"):
        nc.acquire_all(lock, pickle.loads(pickle.dumps(lock)))


def test_acquire_all_gives_all_back_if_an_owner_died(kind: Any) -> None:
    plain, dead = nc.Lock(), kind()
    thread = threading.Thread(target=dead.acquire)
    thread.start()
    thread.join()
    for order in ((plain, dead), (dead, plain)):
        with pytest.raises(nc.OwnerDiedError), nc.acquire_all(*order):
            pass
        assert not plain.locked()


def test_a_wait_keeps_its_deadline_while_the_owner_is_stopped(kind: Any) -> None:
    lock = kind()
    with starting_holders() as start:
        os.kill(start(lock.acquire), signal.SIGSTOP)
        before = time.monotonic()
        assert lock.acquire(timeout=0.1) is False
        assert time.monotonic() - before >= 0.1
        with pytest.raises(nc.LockTimeout), lock.timeout(0.05):
            pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_waiter_that_does_not_come_keeps_out_nobody_who_only_tries(
    kind: Any, number: int
) -> None:
    lock = kind()
    lock.acquire()
    child = start_fork(lock.acquire)
    wait_until(lambda: lock.stats().waiters)
    os.kill(child, number)
    os.waitpid(child, os.WUNTRACED)
    lock.release()
    wait_until(lambda: lock.acquire(False))
    lock.release()
    wait_until(lambda: lock.acquire(timeout=0.001))
    if number == signal.SIGSTOP:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
