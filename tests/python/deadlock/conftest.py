# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of deadlocks share: default settings, reports, and threads that wait in a ring."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

import nativeconc as nc
from nativeconc.deadlock import _journal


@pytest.fixture(autouse=True)
def _default_settings() -> Iterator[None]:
    nc.deadlock.disable()
    yield
    nc.deadlock.disable()
    nc.deadlock.unpatch_threading()


@pytest.fixture
def reports() -> Iterator[list[_journal.AnyReport]]:
    """The reports that were made since the test began. No warnings are issued meanwhile."""
    found: list[_journal.AnyReport] = []

    def note(report: _journal.AnyReport) -> _journal.Heard:
        found.append(report)
        return _journal.Heard.NOTED

    with _journal.listen(note):
        yield found


@dataclass
class Crew:
    """Threads that note what they raise."""

    threads: list[threading.Thread] = field(default_factory=list)
    errors: dict[str, BaseException] = field(default_factory=dict)

    def start(self, target: Callable[..., object], *args: object, name: str | None = None):
        def run() -> None:
            try:
                target(*args)
            except BaseException as error:
                self.errors[threading.current_thread().name] = error

        thread = threading.Thread(target=run, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


@pytest.fixture
def crew() -> Crew:
    return Crew()


@pytest.fixture
def ring(crew) -> Callable[..., Crew]:
    """As many threads as locks: each takes its own, and when all have, wants the next one's."""

    def run(locks, want=lambda lock: lock.acquire(), leave=lambda lock: lock.release()) -> Crew:
        everybody = threading.Barrier(len(locks))

        def sit_down(own, following) -> None:
            with own:
                everybody.wait()
                want(following)
                leave(following)

        for i, lock in enumerate(locks):
            crew.start(sit_down, lock, locks[(i + 1) % len(locks)], name=f"thread {i}")
        return crew

    return run


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Waits for something that must come to be; the watchdog knows no mercy."""

    def wait(condition: Callable[[], object]) -> None:
        while not condition():
            time.sleep(0.001)

    return wait


@pytest.fixture
def only_error() -> Callable[[Crew], tuple[str, BaseException]]:
    """Who raised the one error that there is, and what it was."""

    def get(crew: Crew) -> tuple[str, BaseException]:
        assert len(crew.errors) == 1, crew.errors
        return next(iter(crew.errors.items()))

    return get


@pytest.fixture
def check_chain() -> Callable[..., None]:
    """Demands that each party waits for what the next one holds, over these locks."""

    def check(report, locks) -> None:
        parties = report.parties
        assert len(parties) == len(locks)
        for party, following in zip(parties, [*parties[1:], parties[0]], strict=True):
            assert party.fate == "waiting"
            assert party.wants == following.holds
        assert {party.wants.name for party in parties} == {lock.name for lock in locks}
        assert len({party.ident for party in parties}) == len(parties)

    return check


@pytest.fixture
def script(tmp_path):
    """Writes files; the first argument is the source of script.py."""

    def write(source: str, **others: str):
        for name, text in {"script": source, **others}.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path / "script.py"

    return write


@pytest.fixture
def deadlocks(tmp_path):
    """Runs the command in the folder of the script."""

    def run(*words, options=(), **keywords):
        return subprocess.run(
            [sys.executable, *options, "-m", "nativeconc", "deadlocks", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            **keywords,
        )

    return run


# Two threads that deadlock, unless they are told to be kind.
SUITE_HELPERS = """
import threading, time, unittest, warnings
import pytest

def cross(mine, yours, both, swallow=False):
    try:
        with mine:
            both.wait()
            with yours:
                pass
    except RuntimeError:
        if not swallow:
            raise

def make(kind):
    return kind(), kind(), threading.Barrier(2)

def inverted():
    a, b = threading.Lock(), threading.Lock()
    with a, b:
        pass
    with b, a:
        pass
"""


@dataclass(frozen=True)
class SuiteRun:
    """What came of a pytest of its own."""

    returncode: int
    stdout: str

    @property
    def outcomes(self) -> dict[str, int]:
        """{"failed": 1, "passed": 2} and so on."""
        last = self.stdout.rstrip("\n").rpartition("\n")[2]
        return {what: int(n) for n, what in re.findall(r"(\d+) (\w+?)s?\b(?=[ ,])", last)}


@pytest.fixture
def suite(tmp_path):
    """Runs these tests in a pytest of their own."""

    def run(source, *words, watch=True, conftest="", env=None, plugin=("-p", "nativeconc_pytest")):
        (tmp_path / "test_it.py").write_text(
            SUITE_HELPERS + textwrap.dedent(source), encoding="utf-8"
        )
        (tmp_path / "conftest.py").write_text(textwrap.dedent(conftest), encoding="utf-8")
        (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin),
                *(("--deadlocks",) if watch else ()),
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "COLUMNS": "120",
                **(env or {}),
            },
        )
        return SuiteRun(done.returncode, done.stdout)

    return run
