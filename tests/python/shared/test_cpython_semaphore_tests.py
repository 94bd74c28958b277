# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""CPython's own tests of semaphores, run against those of nativeconc.shared. None is left out.

Nor changed, but for limits of time, and the repr of a class whose module has a dot in its name.
"""

from __future__ import annotations

import re
import unittest

from nativeconc import shared
from python.locks.test_cpython_lock_tests import lock_tests, patient


@patient
class TestSharedSemaphore(lock_tests.SemaphoreTests):
    semtype = staticmethod(shared.Semaphore)

    def test_repr(self):
        semaphore = self.semtype(3)
        assert re.search(r"<nativeconc\.shared\.Semaphore at .*: value=3>", repr(semaphore))
        semaphore.acquire()
        assert re.search(r"<nativeconc\.shared\.Semaphore at .*: value=2>", repr(semaphore))


@patient
class TestSharedBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = staticmethod(shared.BoundedSemaphore)

    def test_repr(self):
        semaphore = self.semtype(3)
        name = r"<nativeconc\.shared\.BoundedSemaphore"
        assert re.search(name + r" at .*: value=3/3>", repr(semaphore))
        semaphore.acquire()
        assert re.search(name + r" at .*: value=2/3>", repr(semaphore))


def test_none_is_left_out() -> None:
    names = unittest.defaultTestLoader.getTestCaseNames
    for case in (TestSharedSemaphore, TestSharedBoundedSemaphore):
        assert set(names(case)) == set(names(case.__bases__[0]))
