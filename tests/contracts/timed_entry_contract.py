# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `with primitive.timeout(seconds):` does, for every primitive that has it.

The entries of an `RWLock`, `read(timeout)` and `write(timeout)`, do the same.
"""

from __future__ import annotations

import copy
import gc
import math
import pickle
import threading
import time
from typing import Any

import pytest

import nativeconc as nc
from contracts.blocking import OtherThread, blocked_in, run_in_thread


class EntryContract:
    """The primitive of `make` can be held by one thread at a time.

    Others hold it in the tests, so that it does not matter whether its owner may take it again.
    """

    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    @staticmethod
    def entry(primitive: Any, seconds: Any) -> Any:
        return primitive.timeout(seconds)

    @staticmethod
    def acquire(primitive: Any, blocking: bool = True) -> Any:
        return primitive.acquire(blocking)

    @staticmethod
    def release(primitive: Any) -> None:
        primitive.release()

    def is_free(self, primitive: Any) -> bool:
        def try_it() -> bool:
            if self.acquire(primitive, False):
                self.release(primitive)
                return True
            return False

        return bool(run_in_thread(try_it))

    @pytest.mark.parametrize("seconds", [0, 0.0, 0.5, 10, threading.TIMEOUT_MAX, True])
    def test_enters_a_free_one(self, seconds: float) -> None:
        primitive = self.make()
        with self.entry(primitive, seconds) as entered:
            assert entered is True
            assert not self.is_free(primitive)
        assert self.is_free(primitive)

    @pytest.mark.parametrize("seconds", [0, 0.02])
    def test_raises_lock_timeout_not_early_and_skips_the_body(
        self, other: OtherThread, seconds: float
    ) -> None:
        primitive, ran = self.make(), False
        other(self.acquire, primitive)
        start = time.monotonic()
        with pytest.raises(nc.LockTimeout) as caught, self.entry(primitive, seconds):
            ran = True
        assert time.monotonic() - start >= seconds
        assert ran is False
        assert isinstance(caught.value, TimeoutError)
        assert isinstance(caught.value, nc.NativeConcError)
        assert f"within {seconds} seconds" in str(caught.value) or seconds == 0
        assert repr(primitive) in str(caught.value)
        other(self.release, primitive)

    def test_a_timeout_gives_nothing_back(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.acquire, primitive)
        for _ in range(3):
            with pytest.raises(nc.LockTimeout), self.entry(primitive, 0):
                pass
        assert not self.is_free(primitive)
        other(self.release, primitive)
        assert self.is_free(primitive)

    def test_waits_for_a_release_in_time(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.acquire, primitive)

        def body() -> str:
            with self.entry(primitive, 100):
                return "inside"

        with blocked_in(body) as waiter:
            assert not waiter.is_done()
            other(self.release, primitive)
            assert waiter.result() == "inside"
        assert self.is_free(primitive)

    def test_releases_when_the_body_raises(self) -> None:
        primitive = self.make()
        with pytest.raises(KeyError), self.entry(primitive, 1):
            raise KeyError
        assert self.is_free(primitive)

    def test_takes_nothing_before_it_is_entered(self) -> None:
        primitive = self.make()
        entry = self.entry(primitive, 1)
        assert self.is_free(primitive)
        del entry
        assert self.is_free(primitive)

    def test_the_time_begins_on_entering(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.acquire, primitive)
        entry = self.entry(primitive, 0.02)
        time.sleep(0.03)
        start = time.monotonic()
        with pytest.raises(nc.LockTimeout), entry:
            pass
        assert time.monotonic() - start >= 0.02
        other(self.release, primitive)

    def test_may_be_entered_again(self) -> None:
        primitive = self.make()
        entry = self.entry(primitive, 0)

        def enter() -> None:
            with entry:
                pass

        for _ in range(3):
            with entry:
                with pytest.raises(nc.LockTimeout):
                    run_in_thread(enter)
                assert not self.is_free(primitive)
            assert self.is_free(primitive)

    @pytest.mark.parametrize("seconds", [-1, -0.5, -1e300, -math.inf, math.nan])
    def test_negative_and_nan_are_refused_at_once(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="timeout must be a"):
            self.entry(self.make(), seconds)

    @pytest.mark.parametrize("seconds", [threading.TIMEOUT_MAX + 1, math.inf, 2**70, 10**400])
    def test_too_long_is_refused_at_once(self, seconds: float) -> None:
        with pytest.raises(OverflowError):
            self.entry(self.make(), seconds)

    @pytest.mark.parametrize("seconds", ["1", b"1", [], 1j])
    def test_what_is_no_number_is_refused_at_once(self, seconds: object) -> None:
        with pytest.raises(TypeError, match="timeout must be a number of seconds, not"):
            self.entry(self.make(), seconds)

    def test_keeps_its_primitive_alive(self) -> None:
        entry = self.entry(self.make(), 1)
        gc.collect()
        with entry as entered:
            assert entered is True

    @pytest.mark.parametrize(
        "duplicate", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"]
    )
    def test_cannot_be_copied_or_pickled(self, duplicate: Any) -> None:
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            duplicate(self.entry(self.make(), 1))


class TimedEntryContract(EntryContract):
    def test_none_is_no_time(self) -> None:
        with pytest.raises(TypeError, match="timeout must be a number of seconds, not NoneType"):
            self.make().timeout(None)

    def test_needs_exactly_one_argument(self) -> None:
        for args in ((), (1, 2)):
            with pytest.raises(TypeError):
                self.make().timeout(*args)


class NotReentrantEntryContract(TimedEntryContract):
    def test_whoever_is_inside_is_not_let_in_again(self) -> None:
        primitive = self.make()
        with primitive.timeout(0):
            for seconds in (0, 0.001):
                with pytest.raises(nc.LockTimeout), primitive.timeout(seconds):
                    pass
        assert self.is_free(primitive)


class ReentrantEntryContract(TimedEntryContract):
    def test_whoever_is_inside_is_let_in_again(self) -> None:
        primitive = self.make()
        entry = primitive.timeout(0)
        with entry, entry:
            with primitive.timeout(10), primitive.timeout(0.001):
                pass
            assert not self.is_free(primitive)
        assert self.is_free(primitive)
