# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""CPython's own tests of what it builds on locks, with ours in the place of its own.

Each runs in a child, whose `_thread` module gives out our locks before the test module is loaded.
"""

from __future__ import annotations

import pytest

pytest.importorskip(
    "test.lock_tests", reason="this Python was installed without its own test suite"
)

# What `python -m unittest` does, and then: did every test run, and how many?
RUN = """
    def run(module_or_case):
        loader = unittest.defaultTestLoader
        if isinstance(module_or_case, type):
            suite = loader.loadTestsFromTestCase(module_or_case)
        else:
            suite = loader.loadTestsFromModule(module_or_case)
        n = suite.countTestCases()
        assert n > 0
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
        assert result.wasSuccessful(), result
        assert not result.skipped, result.skipped
        assert result.testsRun == n
        print(f"{n} passed")
"""

SUBSTITUTE = """
    import _thread, sys, unittest
    import nativeconc as nc
    from nativeconc import reference

    _thread.allocate_lock = {kinds}.Lock
    _thread.RLock = {kinds}.RLock
"""

both = pytest.mark.parametrize("kinds", ["nc", "reference"], ids=["native", "reference"])


def passed(finished):
    finished.check()
    last = finished.stdout.splitlines()[-1]
    assert last.endswith(" passed"), finished.stdout
    return int(last.split()[0])


@both
def test_threadsignals(run_script, kinds):
    source = (
        SUBSTITUTE.format(kinds=kinds)
        + RUN
        + f"""
    from test import test_threadsignals

    assert type(test_threadsignals.signalled_all) is {kinds}.Lock
    assert type(test_threadsignals.thread.RLock()) is {kinds}.RLock
    run(test_threadsignals)
"""
    )
    finished = run_script(source)
    if finished.rc != 0:  # it gives 3 s to what takes 1, which on a busy machine may be too little
        finished = run_script(source)
    assert passed(finished) >= 6


# The import system's module locks are made of two locks each, which find deadlocks by themselves.
MODULE_LOCKS = """
    from importlib import _bootstrap
    assert _bootstrap._thread is _thread
    from test.test_importlib import test_locks

    for kind in ("Frozen", "Source"):
        module = test_locks.init[kind]._bootstrap
        assert module._thread is _thread
        lock = module._ModuleLock("ours")
        assert type(lock.wakeup) is {kinds}.Lock
        assert type(lock.lock) in ({kinds}.Lock, {kinds}.RLock)
"""


@both
def test_module_locks(run_script, kinds):
    finished = run_script(
        SUBSTITUTE.format(kinds=kinds)
        + RUN
        + MODULE_LOCKS.format(kinds=kinds)
        + """
    run(test_locks)
"""
    )
    assert passed(finished) >= 20


@pytest.mark.parametrize("kind", ["RLock", "RWLock"])
def test_our_locks_avoid_deadlocks_as_module_locks_do(run_script, kind):
    finished = run_script(
        """
    import sys, unittest
    import nativeconc as nc
"""
        + RUN
        + f"""
    from test.test_importlib import test_locks

    class Writing(nc.RWLock):
        acquire = nc.RWLock.acquire_write
        release = nc.RWLock.release_write

    class Tests(test_locks.DeadlockAvoidanceTests, unittest.TestCase):
        DeadlockError = nc.DeadlockError

        @staticmethod
        def LockType(name):
            return {{"RLock": nc.RLock, "RWLock": Writing}}["{kind}"](name=name)

        def test_exactly_one_is_told(self):
            for _ in range(20):
                results = self.run_deadlock_avoidance_test(True)
                self.assertEqual(results.count((True, False)), 1)

    run(Tests)
"""
    )
    assert passed(finished) == 3
