# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Queues between processes: what travels, and what the death of a process changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from python.shared.processes import TESTS

pytestmark = pytest.mark.watchdog(300)

METHODS = ("fork", "spawn", "forkserver")
LIMIT_S = 240.0  # for a machine that is slow and loaded

Run = Callable[..., None]


@pytest.fixture
def run(run_script: Callable[..., Any]) -> Run:
    """Calls a function of queues.py in a fresh interpreter, in which nothing else goes on."""

    def call(function: str, *args: str, quiet: bool = True) -> None:
        source = (
            "from python.shared import queues\n"
            f"if __name__ == '__main__': queues.{function}(*{args!r})\n"
        )
        finished = run_script(source, env={"PYTHONPATH": str(TESTS)}, timeout=LIMIT_S)
        if quiet:
            finished.check("")
        assert finished.rc == 0, finished.stderr

    return call


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "program",
    [
        "there_and_back",
        "dead_senders",
        "many_to_many",
        "through_an_executor",
        "queue_in_a_queue",
        "by_name",
    ],
)
def test_queues_between(program: str, method: str, run: Run) -> None:
    run(program, method)


def test_the_killed_lose_only_what_is_in_their_hands(run: Run) -> None:
    run("killed_at_random", "spawn", quiet=False)  # the last consumer ends with a traceback


def test_a_block_outlives_its_messenger(run: Run) -> None:
    run("blocks_outlive_their_messenger")


def test_nothing_is_left(run: Run) -> None:
    run("nothing_is_left")
