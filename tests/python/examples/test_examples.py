# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs every file in examples/ as a reader would, and checks that its output makes its point."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"


def first_thread(output: str) -> None:
    lines = output.splitlines()
    assert lines[0] == "before start: alive = False"
    assert lines.index("after start: alive = True") < lines.index("after join: alive = False")
    assert lines[-1] == "the thread counted 78498 primes"


def critical_section(output: str) -> None:
    without, with_lock = re.findall(r"balance (\d+), expected (\d+)", output)
    assert int(without[0]) < int(without[1])
    assert with_lock[0] == with_lock[1]


def responsive_loop(output: str) -> None:
    handled = dict(re.findall(r"(\w+): handled (\d+) messages while it worked", output))
    assert int(handled["foreground"]) == 0
    assert int(handled["background"]) > 0
    assert output.count("result: 11078937 primes") == 2


def gil_comparison(output: str) -> None:
    assert "GIL" in output


POINTS = {
    function.__name__: function
    for function in (first_thread, critical_section, responsive_loop, gil_comparison)
}


def test_every_example_has_a_check_and_every_check_an_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(POINTS)


@pytest.mark.parametrize("name", sorted(POINTS))
def test_example(run_script, name: str) -> None:
    path = EXAMPLES / f"{name}.py"
    assert "def main() -> None:" in path.read_text()
    POINTS[name](run_script(path, timeout=100).check().stdout)
