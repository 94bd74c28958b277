# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reading and writing inside one's own, whoever implements the reader-writer lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nativeconc as nc
from contracts.blocking import OtherThread
from contracts.rwlock_sides import SIDES, acquire, release, state


class RWLockNestingContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    # --- reading and writing inside one's own ---------------------------------------------------

    @pytest.mark.parametrize("n", [2, 50])
    def test_reads_inside_ones_own_read_are_counted(self, n: int) -> None:
        lock = self.make()
        for _ in range(n):
            assert lock.acquire_read() is True
        for _ in range(n):
            assert state(lock) == "read"
            lock.release_read()
        assert state(lock) == "free"

    @pytest.mark.parametrize("n", [2, 50])
    def test_writes_inside_ones_own_write_are_counted(self, n: int) -> None:
        lock = self.make()
        for timeout in [-1, 0, 10] * n:
            assert lock.acquire_write(timeout=timeout) is True
            assert lock.acquire_write(False) is True
        for _ in range(6 * n):
            assert state(lock) == "written"
            lock.release_write()
        assert state(lock) == "free"

    def test_reads_inside_ones_own_write_are_counted(self) -> None:
        lock = self.make()
        with lock.write():
            with lock.read(), lock.read(timeout=0):
                assert lock.acquire_read(False) is True
                assert state(lock) == "written"
                lock.release_read()
            assert state(lock) == "written"
        assert state(lock) == "free"

    def test_a_read_goes_on_when_the_write_around_it_is_released_first(self) -> None:
        lock = self.make()
        lock.acquire_write()
        lock.acquire_read()
        lock.acquire_read()
        lock.release_write()
        assert state(lock) == "read"
        with pytest.raises(RuntimeError):
            lock.release_write()
        lock.release_read()
        assert state(lock) == "read"
        lock.release_read()
        assert state(lock) == "free"

    def test_a_write_inside_a_read_inside_ones_own_write_is_counted(self) -> None:
        lock = self.make()
        with lock.write(), lock.read(), lock.write(), lock.read():
            assert state(lock) == "written"
        assert state(lock) == "free"

    @pytest.mark.parametrize(
        "write",
        [
            lambda lock: lock.acquire_write(),
            lambda lock: lock.acquire_write(timeout=0),
            lambda lock: lock.acquire_write(timeout=1000),
            lambda lock: lock.write().__enter__(),
            lambda lock: lock.write(timeout=1000).__enter__(),
        ],
        ids=["acquire", "zero", "timed", "write", "timed-write"],
    )
    def test_a_write_inside_ones_own_read_is_a_deadlock_and_says_so_at_once(
        self, other: OtherThread, write: Callable[[Any], Any]
    ) -> None:
        lock = self.make()
        lock.acquire_read()
        for _ in range(2):
            with pytest.raises(nc.DeadlockError) as caught:
                write(lock)
            assert isinstance(caught.value, RuntimeError)
            assert isinstance(caught.value, nc.NativeConcError)
        other(lock.acquire_read)  # nobody is in its way
        other(lock.release_read)
        lock.release_read()
        assert state(lock) == "free"

    def test_a_try_to_write_inside_ones_own_read_returns_false(self) -> None:
        lock = self.make()
        with lock.read():
            assert lock.acquire_write(False) is False
            assert state(lock) == "read"
        assert state(lock) == "free"

    # --- downgrade ------------------------------------------------------------------------------

    def test_downgrade_goes_on_as_a_read(self) -> None:
        lock = self.make()
        lock.acquire_write()
        assert lock.downgrade() is None
        assert state(lock) == "read"
        with pytest.raises(RuntimeError):
            lock.release_write()
        with pytest.raises(nc.DeadlockError):
            lock.acquire_write()
        lock.release_read()
        assert state(lock) == "free"

    def test_downgrade_adds_to_the_reads_inside_the_write(self) -> None:
        lock = self.make()
        lock.acquire_write()
        lock.acquire_read()
        lock.downgrade()
        lock.release_read()
        assert state(lock) == "read"
        lock.release_read()
        assert state(lock) == "free"

    def test_only_a_writer_may_downgrade(self, other: OtherThread) -> None:
        lock = self.make()
        for held in (None, *SIDES):
            if held:
                other(acquire, lock, held)
            before = state(lock)
            with pytest.raises(RuntimeError, match="cannot downgrade"):
                lock.downgrade()
            assert state(lock) == before
            if held:
                other(release, lock, held)
        with lock.read(), pytest.raises(RuntimeError, match="cannot downgrade"):
            lock.downgrade()
        assert state(lock) == "free"

    def test_a_writer_inside_its_own_write_may_not_downgrade(self) -> None:
        lock = self.make()
        with lock.write():
            with lock.write(), pytest.raises(RuntimeError, match="more than once"):
                lock.downgrade()
            assert state(lock) == "written"
        assert state(lock) == "free"
