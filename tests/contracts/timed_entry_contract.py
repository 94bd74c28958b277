# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `with primitive.timeout(seconds):` does, for every primitive that has it."""

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
from contracts.blocking import blocked_in


class TimedEntryContract:
    """The primitive of `make` lets exactly one in."""

    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def is_free(self, primitive: Any) -> bool:
        if primitive.acquire(False):
            primitive.release()
            return True
        return False

    @pytest.mark.parametrize("seconds", [0, 0.0, 0.5, 10, threading.TIMEOUT_MAX, True])
    def test_enters_a_free_one(self, seconds: float) -> None:
        primitive = self.make()
        with primitive.timeout(seconds) as entered:
            assert entered is True
            assert not self.is_free(primitive)
        assert self.is_free(primitive)

    @pytest.mark.parametrize("seconds", [0, 0.02])
    def test_raises_lock_timeout_not_early_and_skips_the_body(self, seconds: float) -> None:
        primitive, ran = self.make(), False
        primitive.acquire()
        start = time.monotonic()
        with pytest.raises(nc.LockTimeout) as caught, primitive.timeout(seconds):
            ran = True
        assert time.monotonic() - start >= seconds
        assert ran is False
        assert isinstance(caught.value, TimeoutError)
        assert isinstance(caught.value, nc.NativeConcError)
        assert f"within {seconds} seconds" in str(caught.value) or seconds == 0
        assert repr(primitive) in str(caught.value)

    def test_a_timeout_gives_nothing_back(self) -> None:
        primitive = self.make()
        primitive.acquire()
        for _ in range(3):
            with pytest.raises(nc.LockTimeout), primitive.timeout(0):
                pass
        assert not self.is_free(primitive)
        primitive.release()
        assert self.is_free(primitive)

    def test_waits_for_a_release_in_time(self) -> None:
        primitive = self.make()
        primitive.acquire()

        def body() -> str:
            with primitive.timeout(100):
                return "inside"

        with blocked_in(body) as waiter:
            assert not waiter.is_done()
            primitive.release()
            assert waiter.result() == "inside"
        assert self.is_free(primitive)

    def test_releases_when_the_body_raises(self) -> None:
        primitive = self.make()
        with pytest.raises(KeyError), primitive.timeout(1):
            raise KeyError
        assert self.is_free(primitive)

    def test_takes_nothing_before_it_is_entered(self) -> None:
        primitive = self.make()
        entry = primitive.timeout(1)
        assert self.is_free(primitive)
        del entry
        assert self.is_free(primitive)

    def test_the_time_begins_on_entering(self) -> None:
        primitive = self.make()
        primitive.acquire()
        entry = primitive.timeout(0.02)
        time.sleep(0.03)
        start = time.monotonic()
        with pytest.raises(nc.LockTimeout), entry:
            pass
        assert time.monotonic() - start >= 0.02

    def test_may_be_entered_again(self) -> None:
        primitive = self.make()
        entry = primitive.timeout(0)
        for _ in range(3):
            with entry:
                with pytest.raises(nc.LockTimeout), entry:
                    pass
                assert not self.is_free(primitive)
            assert self.is_free(primitive)

    @pytest.mark.parametrize("seconds", [-1, -0.5, -1e300, -math.inf, math.nan])
    def test_negative_and_nan_are_refused_at_once(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="timeout must be a"):
            self.make().timeout(seconds)

    @pytest.mark.parametrize("seconds", [threading.TIMEOUT_MAX + 1, math.inf, 2**70, 10**400])
    def test_too_long_is_refused_at_once(self, seconds: float) -> None:
        with pytest.raises(OverflowError):
            self.make().timeout(seconds)

    @pytest.mark.parametrize("seconds", [None, "1", b"1", [], 1j])
    def test_what_is_no_number_is_refused_at_once(self, seconds: object) -> None:
        with pytest.raises(TypeError, match="timeout must be a number of seconds, not"):
            self.make().timeout(seconds)

    def test_needs_exactly_one_argument(self) -> None:
        for args in ((), (1, 2)):
            with pytest.raises(TypeError):
                self.make().timeout(*args)

    def test_keeps_its_primitive_alive(self) -> None:
        entry = self.make().timeout(1)
        gc.collect()
        with entry as entered:
            assert entered is True

    @pytest.mark.parametrize(
        "duplicate", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"]
    )
    def test_cannot_be_copied_or_pickled(self, duplicate: Any) -> None:
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            duplicate(self.make().timeout(1))
