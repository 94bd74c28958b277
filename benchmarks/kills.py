# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How many killed processes our primitives survive, and multiprocessing's.

    python benchmarks/kills.py [--kills 500] [--controls 5] [--seed 1] [--only TEXT] [--json PATH]

Four processes work with one primitive, and are killed with SIGKILL at random instants, one after
the other; each is replaced. Ours must go on after each kill, and have lost, doubled and left over
nothing in the end: tests/stress/test_shared_primitives_kills.py says what is checked. For
multiprocessing's, of which several seeds are tried, stands after how many kills somebody who lives
did not go on for five seconds, or found a message torn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
SCRIPT = TESTS / "stress" / "shared_primitives_kills.py"
OURS = (
    *("Lock", "RLock", "RWLock", "Semaphore", "BoundedSemaphore"),
    *("Condition", "Event", "Barrier", "Queue"),
)
THEIRS = ("multiprocessing.Lock", "multiprocessing.Queue")


def attempt(scenario: str, seed: int, kills: int) -> dict[str, Any]:
    """One run, in an interpreter of its own, killed at the end with all that hangs."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore:This process", str(SCRIPT), scenario, str(seed), str(kills)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if scenario in THEIRS else None,
        text=True,
    )
    if not finished.stdout:
        return {"scenario": scenario, "seed": seed, "outcome": f"exit code {finished.returncode}"}
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def line(name: str, results: Sequence[dict[str, Any]]) -> str:
    """One row of the table."""
    failed = [result for result in results if result["outcome"] != "survived"]
    if not failed:
        told = f"survived {sum(result['kills'] for result in results)} kills"
        waits = [result["others went on within ms"] for result in results]
        slowest = max(wait["99 in 100"] for wait in waits)
        return f"{name:24}{told:28}the others went on within {slowest:.0f} ms (99 in 100)"
    words = {result["outcome"].split(":")[0] for result in failed}
    after = ", ".join(str(result.get("kills", "?")) for result in results)
    return f"{name:24}{' or '.join(sorted(words))} after {after} kills"


def main(argv: Sequence[str] | None = None) -> None:
    """Kill, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--controls", type=int, default=5, help="runs of multiprocessing's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="the primitives whose name contains this")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args(argv)
    rows = []
    for name in (*OURS, *THEIRS):
        if arguments.only not in name:
            continue
        seeds = range(
            arguments.seed, arguments.seed + (arguments.controls if name in THEIRS else 1)
        )
        results = [attempt(name, seed, arguments.kills) for seed in seeds]
        rows += results
        print(line(name if name in THEIRS else f"shared.{name}", results), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
