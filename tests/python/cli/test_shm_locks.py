# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What `shared.segments` and `nativeconc shm list` tell of named locks: who has them, who waits."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import shared
from nativeconc.shared.command import rows
from python.shared.processes import exit_code, new_name, start_fork, wait_until

KINDS = {"Lock": shared.Lock, "RLock": shared.RLock, "RWLock": shared.RWLock}


def seen(name: str) -> shared.Segment:
    (segment,) = (segment for segment in shared.segments() if segment.name == name)
    return segment


def taken(lock: Any) -> Any:
    return lock.write() if isinstance(lock, shared.RWLock) else lock


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_free_lock_is_used_by_nobody(kind: str) -> None:
    name = new_name("lock")
    lock = KINDS[kind](name=name)
    segment = seen(name)
    assert (segment.kind, segment.primitive) == ("primitive", kind)
    assert segment.uses == ()
    assert not segment.in_doubt
    assert [holder.pid for holder in segment.holders] == [os.getpid()]
    del lock


def test_who_has_it_and_who_waits(kind: str) -> None:
    name = new_name("lock")
    lock = KINDS[kind](name=name)

    def enter() -> None:
        with taken(lock):
            pass

    with taken(lock):
        child = start_fork(enter)
        wait_until(lambda: len(seen(name).uses) == 2)
        held, waiting = seen(name).uses
        (row,) = rows([seen(name)])
    assert held == shared.Use(os.getpid(), threading.get_native_id(), "holds")
    assert waiting == shared.Use(child, child, "waits")
    assert row.kind == kind
    assert row.holders.splitlines()[-2:] == [
        f"holds: thread {held.thread} of process {held.pid}",
        f"waits: thread {child} of process {child}",
    ]
    assert exit_code(child) == 0


def test_a_lock_in_doubt_says_so(kind: str) -> None:
    name = new_name("lock")
    lock = KINDS[kind](name=name)

    def die() -> None:
        taken(lock).__enter__()
        os._exit(0)

    assert exit_code(start_fork(die)) == 0
    with pytest.raises(nc.OwnerDiedError):
        taken(lock).__enter__()
    assert seen(name).in_doubt
    assert seen(name).uses == ()
    assert "in doubt: its owner died" in rows([seen(name)])[0].holders


def test_who_waits_for_an_event() -> None:
    name = new_name("event")
    event = shared.Event(name=name)
    child = start_fork(lambda: event.wait(60) or os._exit(1))
    wait_until(lambda: seen(name).uses)
    assert seen(name).uses == (shared.Use(child, child, "waits"),)
    event.set()
    assert exit_code(child) == 0


def test_queues_and_the_directory_are_listed() -> None:
    name = new_name("queue")
    queue = shared.Queue(name=name)
    assert seen(name).kind == "queue"
    assert "threads" in {segment.kind for segment in shared.segments()}
    queue.close()
