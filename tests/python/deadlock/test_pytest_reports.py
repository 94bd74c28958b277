# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""pytest's option `--deadlocks`: where reports are shown, and what fails, whatever a test does."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize("words", [[], ["--show-capture=no"], ["--tb=short"]])
def test_what_else_fails_is_shown_beside_the_report(suite, words):
    done = suite(
        """
        def test_it():
            inverted()
            assert "this" == "that"

        def test_next():
            assert "these" == "those"
        """,
        *words,
    )
    assert done.outcomes == {"failed": 2}
    assert "assert 'this' == 'that'" in done.stdout
    assert re.search(r"^-+ deadlocks -+$", done.stdout, re.MULTILINE)
    assert done.stdout.count("\nlock order that can deadlock: Lock #1") == 1


def test_a_failure_of_another_kind_shows_the_report_too(suite):
    done = suite(
        """
        def test_it(no_such_fixture):
            pass

        def documented():
            '''
            >>> import threading
            >>> a, b = threading.Lock(), threading.Lock()
            >>> with a, b: pass
            >>> with b, a: pass
            >>> 1
            2
            '''
        """,
        "--doctest-modules",
    )
    assert done.outcomes == {"failed": 1, "error": 1}
    assert done.stdout.count("\nlock order that can deadlock: Lock #1") == 1


@pytest.mark.parametrize("leave", ["pytest.skip", "pytest.xfail", "pytest.importorskip"])
def test_a_test_that_skips_itself_fails_if_there_was_a_report(suite, leave):
    done = suite(
        f"""
        def test_it():
            inverted()
            {leave}("no_such_thing")

        @pytest.mark.allow_deadlocks
        def test_allowed():
            inverted()
            {leave}("no_such_thing")

        def test_next():
            {leave}("no_such_thing")
        """
    )
    what = "xfailed" if leave == "pytest.xfail" else "skipped"
    assert done.outcomes == {"failed": 1, what: 2}, done.stdout
    assert "lock order that can deadlock: Lock #1" in done.stdout


@pytest.mark.parametrize(
    "leave", ["self.skipTest('why')", "pytest.skip('why')", "raise unittest.SkipTest('why')"]
)
def test_a_test_case_that_skips_itself_fails_if_there_was_a_report(suite, leave):
    done = suite(
        f"""
        class TestIt(unittest.TestCase):
            def test_1(self):
                inverted()
                {leave}

            @pytest.mark.allow_deadlocks
            def test_2_allowed(self):
                inverted()
                {leave}

            def test_3(self):
                {leave}
        """
    )
    assert done.outcomes == {"failed": 1, "skipped": 2}, done.stdout
    assert done.stdout.count("\nlock order that can deadlock: Lock #1") == 1


def test_a_test_case_that_fails_shows_the_report_too(suite):
    done = suite(
        """
        class TestIt(unittest.TestCase):
            def test_it(self):
                inverted()
                self.assertEqual("this", "that")

            def test_next(self):
                self.assertEqual("these", "those")
        """
    )
    assert done.outcomes == {"failed": 2}, done.stdout
    assert "AssertionError: 'this' != 'that'" in done.stdout
    assert len(re.findall(r"^-+ deadlocks -+$", done.stdout, re.MULTILINE)) == 1
    assert done.stdout.count("\nlock order that can deadlock: Lock #1") == 1


def test_a_test_case_shows_each_report_once(suite):
    done = suite(
        """
        import nativeconc as nc

        class TestIt(unittest.TestCase):
            def test_it(self):
                inverted()

            def test_own(self):
                lock = nc.RWLock()
                with lock.read(), lock.write():
                    pass
        """
    )
    assert done.outcomes == {"failed": 2}, done.stdout
    assert done.stdout.count("\nlock order that can deadlock: Lock #1") == 1
    assert "wants to write RWLock" in done.stdout
    assert not re.search(r"^-+ deadlocks -+$", done.stdout, re.MULTILINE)


def test_a_test_case_that_is_part_of_a_deadlock_shows_each_report_once(suite):
    # Either thread may be the one that gets the error, and the bad order is found by either.
    done = suite(
        """
        class TestIt(unittest.TestCase):
            def test_it(self):
                a, b, both = make(threading.RLock)
                other = threading.Thread(target=cross, args=(a, b, both, True))
                other.start()
                try:
                    cross(b, a, both)
                finally:
                    other.join()
        """
    )
    assert done.outcomes == {"failed": 1}, done.stdout
    assert done.stdout.count("\nlock order that can deadlock: RLock #1") == 1
    # Where CI is set, pytest repeats the whole message in its summary.
    shown, _, _ = done.stdout.partition("short test summary info")
    assert shown.count("DeadlockError is raised in thread") == 1, done.stdout


def test_an_expected_failure_of_a_test_case_is_one(suite):
    done = suite(
        """
        class TestIt(unittest.TestCase):
            @unittest.expectedFailure
            def test_it(self):
                inverted()
                self.fail()
        """
    )
    assert done.outcomes == {"xfailed": 1}, done.stdout


@pytest.mark.parametrize("where", ["test", "fixture"])
def test_unittest_s_skip_fails_a_plain_test_if_there_was_a_report(suite, where):
    first = "inverted(); raise unittest.SkipTest('why')"
    done = suite(
        f"""
        @pytest.fixture
        def fixture():
            {first if where == "fixture" else "pass"}

        def test_it(fixture):
            {first if where == "test" else "pass"}

        @pytest.mark.allow_deadlocks
        def test_allowed():
            inverted()
            raise unittest.SkipTest("why")

        def test_next():
            raise unittest.SkipTest("why")
        """
    )
    what = "error" if where == "fixture" else "failed"
    assert done.outcomes == {what: 1, "skipped": 2}, done.stdout
    assert done.stdout.count("\nlock order that can deadlock: Lock #1") == 1


@pytest.mark.parametrize("leave", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_a_report_of_a_test_that_ends_the_run_is_shown(suite, leave):
    done = suite(
        f"""
        def test_it():
            inverted()
            {leave}
        """
    )
    assert done.returncode == 2
    assert "lock order that can deadlock: Lock #1" in done.stdout


def test_setup_and_teardown_are_watched(suite):
    done = suite("""
        @pytest.fixture
        def before():
            inverted()

        @pytest.fixture
        def after():
            yield
            a, c = threading.Lock(), threading.RLock()
            with a, c:
                pass
            with c, a:
                pass

        def test_setup(before):
            pass

        def test_teardown(after):
            pass
    """)
    assert done.returncode == 1
    assert done.outcomes == {"passed": 1, "error": 2}
    assert "ERROR at setup of test_setup" in done.stdout
    assert "ERROR at teardown of test_teardown" in done.stdout


def test_an_expected_failure_is_one(suite):
    done = suite("""
        @pytest.mark.xfail(strict=True)
        def test_it():
            inverted()
    """)
    assert done.outcomes == {"xfailed": 1}


def test_a_report_outside_of_all_tests_fails_the_run(suite):
    done = suite("""
        A, B = threading.Lock(), threading.Lock()
        with A, B:
            pass
        with B, A:
            pass

        def test_it():
            pass
    """)
    assert done.returncode == 1
    assert done.outcomes == {"passed": 1}
    assert "deadlocks outside of tests" in done.stdout
    assert "lock order that can deadlock: Lock 'A'" not in done.stdout
    assert "lock order that can deadlock: Lock #1" in done.stdout
