# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""CPython's own tests of locks and semaphores, unmodified, run against ours. None is left out."""

from __future__ import annotations

import pytest

import nativeconc as nc
from nativeconc import reference

lock_tests = pytest.importorskip(
    "test.lock_tests", reason="this Python was installed without its own test suite"
)


class TestLock(lock_tests.LockTests):
    locktype = staticmethod(nc.Lock)


class TestSemaphore(lock_tests.SemaphoreTests):
    semtype = staticmethod(nc.Semaphore)


class TestBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = staticmethod(nc.BoundedSemaphore)


class TestReferenceLock(lock_tests.LockTests):
    locktype = staticmethod(reference.Lock)


class TestReferenceSemaphore(lock_tests.SemaphoreTests):
    semtype = staticmethod(reference.Semaphore)


class TestReferenceBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = staticmethod(reference.BoundedSemaphore)
