# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""CPython's own tests of barriers, run against that of nativeconc.shared. None is left out.

Nor changed, but for limits of time, and the repr of a class whose module has a dot in its name.
"""

from __future__ import annotations

import re
import unittest

from nativeconc import shared
from python.locks.test_cpython_lock_tests import lock_tests, patient


@patient
class TestSharedBarrier(lock_tests.BarrierTests):
    barriertype = staticmethod(shared.Barrier)

    def test_repr(self):
        barrier = self.barriertype(3)
        assert re.search(r"<nativeconc\.shared\.Barrier at .*: waiters=0/3>", repr(barrier))
        barrier.abort()
        assert re.search(r"<nativeconc\.shared\.Barrier at .*: broken>", repr(barrier))


def test_none_is_left_out() -> None:
    names = unittest.defaultTestLoader.getTestCaseNames
    assert set(names(TestSharedBarrier)) == set(names(lock_tests.BarrierTests)) | {"test_repr"}
