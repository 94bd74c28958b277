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
    assert output.count("result: 50847534 primes") == 2


def gil_comparison(output: str) -> None:
    assert "GIL" in output


def race_condition(output: str) -> None:
    without, with_lock = output.split("with a lock, ")
    assert without.count("reads 100") == 2
    lost = re.search(r"the balance is (\d+): one deposit is lost", without)
    assert lost is not None
    assert int(lost[1]) in (110, 120)
    assert "the balance is 130: both deposits are there" in with_lock
    assert with_lock.count("reads 100") == 1


def dining_philosophers(output: str) -> None:
    assert output.count("deadlock: 5 threads wait for each other") == 1
    names = ("Plato", "Kant", "Hume", "Marx", "Sartre")
    for i, name in enumerate(names):
        assert f"thread '{name}' (id " in output
        assert f"waits for RLock 'fork {i}', held by thread" in output
    assert output.count("with seat.right:") == 5  # where they wait
    assert output.count("with seat.left:") == 5  # where they took what they hold
    dinners = dict(re.findall(r"^([a-z ]+): (.*)$", output, re.MULTILINE))
    victim = re.search(r"DeadlockError is raised in thread '(\w+)'", output)
    assert victim is not None
    meals = {n: f"{n} {int(n != victim[1])}" for n in names}
    assert dinners["left first"] == ", ".join(meals.values())
    for way in ("in order", "both or none", "put back"):
        assert dinners[way] == ", ".join(f"{name} 3" for name in names)


def shared_image_filter(output: str) -> None:
    megabytes = [float(number) for number in re.findall(r" ms, +([\d.]+) MB", output)]
    assert len(megabytes) == 2
    assert megabytes[0] * 1000 < megabytes[1]
    assert output.splitlines()[-1] == "the same image: True"


def meet_by_name(output: str) -> None:
    processes = re.findall(r"(producer|consumer), process (\d+)", output)
    assert {who for who, _ in processes} == {"producer", "consumer"}
    assert processes[0][1] != processes[1][1]
    assert "attached to 1000001 numbers" in output
    assert "the consumer says that their sum is 499999500000" in output
    assert output.splitlines()[-1] == "names that are left: []"


def shared_result(output: str) -> None:
    assert re.search(r"^worker \d+ is running: False$", output, re.MULTILINE)
    assert "roots[2_000_000] = 1414.214" in output
    sizes = {what: int(size.replace(",", "")) for what, size in PICKLE_SIZE.findall(output)}
    assert sizes["array"] < 1000
    assert sizes["slice"] < 1000
    assert sizes["copy"] > 80_000_000


def counter_file(output: str) -> None:
    holder = re.search(r"^process (\d+) holds the lock$", output, re.MULTILINE)
    assert holder is not None
    assert f"process {holder[1]} was killed with the lock" in output
    assert len(re.findall(r"^process \d+ has counted 1000 times$", output, re.MULTILINE)) == 2
    assert output.splitlines()[-1] == "the file says 2000"


def recover_update(output: str) -> None:
    before, half, error, died, repaired, after = output.splitlines()
    assert before == "before: [100  50] total 150"
    assert half == "half done: [70 50]"
    pid = re.fullmatch(r"OwnerDiedError: of process (\d+)", error)
    assert pid is not None
    assert died == f"process {pid[1]} died while it had the lock"
    assert repaired == "repaired: [100  50] total 150"
    assert after == "after: [70 80] total 150"


def worker_pool(output: str) -> None:
    *kills, last = output.splitlines()
    assert kills
    assert all(re.fullmatch(r"killed a worker; \d+ of 400 tasks are done", line) for line in kills)
    said = re.fullmatch(
        r"all 400 tasks are done, though (\d+) workers were killed \(\d+ put again\)", last
    )
    assert said is not None
    assert int(said[1]) == len(kills)


PICKLE_SIZE = re.compile(r"pickle of (?:the|a) (\w+): +([\d,]+) bytes")
POINTS = {
    function.__name__: function
    for function in (
        *(first_thread, critical_section, responsive_loop, gil_comparison),
        *(race_condition, dining_philosophers),
        *(shared_image_filter, meet_by_name, shared_result),
        *(counter_file, recover_update, worker_pool),
    )
}


def test_every_example_has_a_check_and_every_check_an_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(POINTS)


@pytest.mark.parametrize("name", sorted(POINTS))
def test_example(run_script, name: str) -> None:
    path = EXAMPLES / f"{name}.py"
    assert "def main() -> None:" in path.read_text()
    POINTS[name](run_script(path, timeout=100).check().stdout)
