# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What pytest does under `--deadlocks`; `nativeconc_pytest` registers it.

A thread of the deadlock gets DeadlockError. If it is the test's own, that fails the test; if it is
another one, the test goes on, and fails at the end of its setup, call or teardown.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Generator

import pytest

from nativeconc.deadlock import _journal
from nativeconc.deadlock.patch import patch_threading, unpatch_threading
from nativeconc.deadlock.settings import Settings, active, disable, enable

__all__ = ["Watch"]

_MOST_REPORTS = 20
_SETTINGS = Settings(policy="raise", order=True, grace=1.0, stacks=True)
# What was reported during a phase of a test, for pytest's report on it.
_FOUND = pytest.StashKey[list[_journal.AnyReport]]()


class Watch:
    """Watches all locks from now until the end of the run."""

    def __init__(self) -> None:
        self._found: deque[_journal.AnyReport] = deque(maxlen=_MOST_REPORTS)
        self._outside_tests: list[_journal.AnyReport] = []
        self._end = contextlib.ExitStack()
        self._end.enter_context(_journal.listen(self._note))
        self._end.callback(disable)
        self._end.callback(unpatch_threading)
        self._start()

    def _start(self) -> None:
        # Not without need: it forgets the orders that the tests before have shown.
        if active() != _SETTINGS:
            enable(policy="raise", order=True, stacks=True)
        patch_threading()

    def _note(self, report: _journal.AnyReport) -> _journal.Heard:
        self._found.append(report)
        return _journal.Heard.NOTED

    def _take(self) -> list[_journal.AnyReport]:
        taken = []
        while self._found:
            taken.append(self._found.popleft())
        return taken

    def pytest_unconfigure(self) -> None:
        """Stop watching."""
        self._end.close()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Fail the setup of a test if there was a report meanwhile."""
        self._outside_tests += self._take()
        self._start()  # the test before may have chosen something else
        yield from self._phase(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Fail a test if there was a report meanwhile."""
        yield from self._phase(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Fail the teardown of a test if there was a report meanwhile."""
        yield from self._phase(item)

    def _phase(self, item: pytest.Item) -> Generator[None, None, None]:
        try:
            yield
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise  # the run ends here, and shows what there is
        except (pytest.skip.Exception, pytest.xfail.Exception):
            self._fail_if_found(item)
            raise
        except BaseException:
            item.stash[_FOUND] = self._take()
            raise  # it fails as it is
        self._fail_if_found(item)

    def _fail_if_found(self, item: pytest.Item) -> None:
        reports = item.stash[_FOUND] = self._take()
        if reports and not _allowed(item):
            pytest.fail(_text(reports), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let no skip hide what was found, and put what a failure does not show below it."""
        report = yield
        # Only now: pytest has put the outcome of a `unittest.TestCase` in place of our failure, and
        # a skip in place of `unittest.SkipTest`.
        error = call.excinfo.value if call.excinfo is not None else None
        found, item.stash[_FOUND] = item.stash.get(_FOUND, []), []
        unseen = _text([r for r in found if r is not getattr(error, "report", None)])
        if not unseen or (isinstance(error, pytest.fail.Exception) and error.msg == unseen):
            return report
        if report.skipped and not hasattr(report, "wasxfail"):
            if not _allowed(item):
                report.outcome = "failed"
                report.longrepr = unseen
        elif not report.passed:
            add_section = getattr(report.longrepr, "addsection", None)
            if add_section is not None:
                add_section("deadlocks", unseen)
            else:  # a doctest's, for one
                report.sections.append(("deadlocks", unseen))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Reports that belong to no test make the run fail as a whole."""
        self._outside_tests += self._take()
        if self._outside_tests and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the reports that belong to no test."""
        if self._outside_tests:
            terminalreporter.section("deadlocks outside of tests")
            terminalreporter.line(_text(self._outside_tests))


def _allowed(item: pytest.Item) -> bool:
    return item.get_closest_marker("allow_deadlocks") is not None


def _text(reports: list[_journal.AnyReport]) -> str:
    return "\n\n".join(str(report) for report in reports)
