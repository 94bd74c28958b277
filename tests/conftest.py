# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What every test gets: a watchdog against hangs, and children with a time limit."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import pytest
from hypothesis import HealthCheck, settings

WATCHDOG_S = 120.0
CHILD_S = 60.0

# Tests run beside others on small machines: a slow example is no error.
settings.register_profile(
    "nativeconc", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("nativeconc")

_real_stderr = pytest.StashKey[IO[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"watchdog(seconds): end the run, dumping all stacks, when the test takes longer "
        f"(default: {WATCHDOG_S:.0f})",
    )
    # A background job of a shell may start with SIGINT ignored; its children would inherit that,
    # but not a handler: they begin with the default.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # During a test pytest captures descriptor 2. What it captured is lost when the run is ended.
    config.stash[_real_stderr] = os.fdopen(os.dup(2), "w")


def pytest_unconfigure(config: pytest.Config) -> None:
    faulthandler.cancel_dump_traceback_later()
    if _real_stderr in config.stash:
        config.stash[_real_stderr].close()
        del config.stash[_real_stderr]


@pytest.fixture(autouse=True)
def watchdog(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ends the whole run when a test hangs, having printed where every thread is."""
    marker = request.node.get_closest_marker("watchdog")
    seconds = marker.args[0] if marker else WATCHDOG_S
    faulthandler.dump_traceback_later(seconds, exit=True, file=request.config.stash[_real_stderr])
    yield
    faulthandler.cancel_dump_traceback_later()


@dataclass(frozen=True)
class Finished:
    """How a child process ended; a negative `rc` is the signal that killed it."""

    rc: int
    stdout: str
    stderr: str

    def check(self, expected_stdout: str | None = None) -> Finished:
        """Asserts that it ended well, silently, and with this output."""
        assert self.rc == 0, f"exit code {self.rc}\n{self.stdout}\n{self.stderr}"
        assert self.stderr == ""
        if expected_stdout is not None:
            assert self.stdout == expected_stdout
        return self


RunScript = Callable[..., Finished]


@pytest.fixture(scope="session")
def run_script() -> RunScript:
    """Runs Python source, or a file, in a fresh interpreter.

    A child that outlives its limit prints the stacks of its threads, and the test fails with them.
    Warnings are errors in the child, too.
    """

    def run(
        source: str | os.PathLike[str],
        *args: str,
        timeout: float = CHILD_S,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = ("-W", "error"),
    ) -> Finished:
        what = ["-c", textwrap.dedent(source)] if isinstance(source, str) else [os.fspath(source)]
        with subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *options, *what, *args],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as child:
            try:
                stdout, stderr = child.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGABRT)  # faulthandler prints all stacks
                try:
                    stdout, stderr = child.communicate(timeout=10)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    stdout, stderr = child.communicate()
                pytest.fail(f"the child still ran after {timeout} s\n{stdout}\n{stderr}")
            finally:
                kill_session(child.pid)
        return Finished(child.returncode, stdout, stderr)

    return run


def kill_session(leader: int) -> None:
    """Kills what a finished child left behind: its own forked children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@pytest.fixture(scope="session")
def scale() -> int:
    """How many times as long a stress test runs: NATIVECONC_STRESS, 1 by default."""
    return max(1, int(os.environ.get("NATIVECONC_STRESS", "1")))
