# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Shared barriers in other processes: handles, names, deaths, and processes that are stopped."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from threading import BrokenBarrierError
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.processes import exit_code, fork, in_fork, new_name, start_fork, wait_until
from python.shared.turns import METHODS, meet, run_in_processes


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    assert exit_code(child) == -signal.SIGKILL


def expect_broken(barrier: Any) -> None:
    with pytest.raises(BrokenBarrierError):
        barrier.wait(100)


# --- meeting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_processes_meet_again_and_again(method: str) -> None:
    barrier, arrived = shared.Barrier(3), shared.zeros(3, dtype=int)
    run_in_processes(method, meet, *((barrier, arrived, me, 100) for me in range(3)))
    assert barrier.n_waiting == 0
    assert not barrier.broken


def test_the_last_one_runs_the_action_that_it_has_itself() -> None:
    ran = shared.zeros(2, dtype=int)

    def count(process: int) -> None:
        ran[process] += 1

    name = new_name()
    barrier = shared.Barrier(2, lambda: count(0), name=name)
    child = start_fork(lambda: shared.Barrier(2, lambda: count(1), name=name).wait())
    wait_until(lambda: barrier.n_waiting == 1)
    assert barrier.wait() == 1
    assert exit_code(child) == 0
    assert list(ran) == [1, 0]


def test_stats_count_the_waits_of_all_processes() -> None:
    barrier = shared.Barrier(2)
    child = start_fork(barrier.wait)
    wait_until(lambda: barrier.stats().waiters)
    barrier.wait()
    assert exit_code(child) == 0
    assert barrier.stats().waited == 1
    assert barrier.stats().wait_total > 0
    assert barrier.stats().owner is None


# --- deaths --------------------------------------------------------------------------------------


def test_one_that_dies_while_it_waits_breaks_it_for_all() -> None:
    barrier = shared.Barrier(4)
    others = [start_fork(lambda: expect_broken(barrier)) for _ in range(2)]
    doomed = start_fork(barrier.wait)
    wait_until(lambda: barrier.n_waiting == 3)
    assert not barrier.broken
    kill(doomed)
    assert [exit_code(other) for other in others] == [0, 0]
    assert barrier.broken
    expect_broken(barrier)
    barrier.reset()
    assert not barrier.broken


def test_who_comes_after_a_death_is_told() -> None:
    barrier = shared.Barrier(2)
    doomed = start_fork(barrier.wait)
    wait_until(lambda: barrier.n_waiting == 1)
    kill(doomed)
    expect_broken(barrier)


def test_one_that_dies_in_the_action_breaks_it() -> None:
    barrier = shared.Barrier(2, lambda: os.kill(os.getpid(), signal.SIGKILL))
    child = fork()
    if child == 0:
        wait_until(lambda: barrier.n_waiting == 1)
        barrier.wait()
        os._exit(1)
    expect_broken(barrier)
    assert exit_code(child) == -signal.SIGKILL


def test_a_thread_that_ends_with_its_process_counts_as_dead() -> None:
    barrier = shared.Barrier(2)

    def leave_a_thread_behind() -> None:
        threading.Thread(target=barrier.wait, daemon=True).start()
        wait_until(lambda: barrier.n_waiting == 1)

    in_fork(leave_a_thread_behind)
    expect_broken(barrier)


def test_a_child_forked_by_the_action_has_not_come() -> None:
    children = []
    parent = os.getpid()
    barrier = shared.Barrier(1, lambda: children.append(fork()))
    try:
        index = barrier.wait()
    except BrokenBarrierError:
        os._exit(7 if os.getpid() != parent else 1)
    assert index == 0
    assert exit_code(children[0]) == 7
    assert not barrier.broken


# --- stopped processes, signals ------------------------------------------------------------------


def test_a_stopped_one_keeps_nobody_from_giving_up() -> None:
    barrier = shared.Barrier(3)
    stopped = start_fork(lambda: expect_broken(barrier))
    wait_until(lambda: barrier.n_waiting == 1)
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(BrokenBarrierError):
        barrier.wait(0.05)
    assert barrier.broken
    os.kill(stopped, signal.SIGCONT)
    assert exit_code(stopped) == 0


def test_ctrl_c_ends_the_wait_and_the_others_wait_on() -> None:
    barrier = shared.Barrier(2)
    timer = threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        barrier.wait()
    timer.join()
    assert barrier.n_waiting == 0
    assert not barrier.broken
    other = nc.Thread(target=barrier.wait)
    other.start()
    wait_until(lambda: barrier.n_waiting == 1)
    assert barrier.wait() == 1
    assert other.result(60) == 0


# --- handles and names ---------------------------------------------------------------------------


def say(word: str = "ran") -> None:
    print(word)


def test_a_handle_is_the_same_barrier_with_its_action_and_timeout() -> None:
    barrier = shared.Barrier(2, say, 0.01)
    other = pickle.loads(pickle.dumps(barrier))
    assert other.parties == 2
    barrier.abort()
    assert other.broken
    other.reset()
    assert not barrier.broken
    with pytest.raises(BrokenBarrierError):
        other.wait()  # its timeout came along


def test_an_action_that_cannot_be_pickled_does_not_travel() -> None:
    barrier = shared.Barrier(1, lambda: None)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(barrier)
    assert barrier.wait() == 0


def test_unrelated_scripts_meet_by_name() -> None:
    name = new_name()
    barrier = shared.Barrier(2, name=name)
    script = f"from nativeconc import shared; print(shared.attach({name!r}).wait())"
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    wait_until(lambda: barrier.n_waiting == 1)
    assert barrier.wait() == 1
    assert child.communicate()[0] == b"0\n"
    assert barrier.name == name
    assert repr(name) in repr(barrier)


def test_a_name_is_for_so_many_parties() -> None:
    name = new_name()
    barrier = shared.Barrier(2, name=name)
    assert shared.Barrier(2, name=name).parties == barrier.parties
    for other in (lambda: shared.Barrier(3, name=name), lambda: shared.Event(name=name)):
        with pytest.raises(ValueError, match=name):
            other()


def test_more_than_1024_parties_are_refused() -> None:
    assert shared.Barrier(1024).parties == 1024
    with pytest.raises(ValueError, match="parties must be from 1 to 1024, not 1025"):
        shared.Barrier(1025)


def test_a_subclass_keeps_its_attributes() -> None:
    barrier = Tagged(2)
    other = pickle.loads(pickle.dumps(barrier))
    assert isinstance(other, Tagged)
    assert other.tag == "red"


class Tagged(shared.Barrier):
    """A subclass with something of its own."""

    def __init__(self, parties: int) -> None:
        super().__init__(parties)
        self.tag = "red"


def test_cannot_be_copied_and_is_made_once() -> None:
    barrier = shared.Barrier(1)
    for attempt in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot copy"):
            attempt(barrier)
    with pytest.raises(RuntimeError, match="called already"):
        barrier.__init__(1)  # type: ignore[misc]
    unmade = shared.Barrier.__new__(shared.Barrier)
    for use in (unmade.wait, unmade.abort, unmade.reset, unmade.stats):
        with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
            use()
    with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
        _ = unmade.parties
    assert "unmade" in repr(unmade)


def with_an_action_that_knows_it() -> Any:
    barrier: Any = None
    barrier = Tagged.__new__(Tagged)
    shared.Barrier.__init__(barrier, 1, lambda: barrier)
    return weakref.ref(barrier)


def test_an_action_that_knows_its_barrier_is_collected_with_it() -> None:
    gone = with_an_action_that_knows_it()
    gc.collect()
    assert gone() is None


def test_a_daemon_thread_that_waits_does_not_disturb_the_end() -> None:
    script = """
import threading, time
from nativeconc import shared
barrier = shared.Barrier(2)
threading.Thread(target=barrier.wait, daemon=True).start()
while barrier.n_waiting == 0:
    time.sleep(0.001)
"""
    for _ in range(5):
        subprocess.run([sys.executable, "-c", script], check=True, stderr=subprocess.PIPE)
