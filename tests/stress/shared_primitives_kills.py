# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""One scenario of processes that are killed. A script: SCENARIO SEED KILLS; prints JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from nativeconc import shared
from python.shared.processes import descriptors, mappings
from stress.kill_harness import Harness, HungError
from stress.kill_scenarios import CONTROLS, SCENARIOS

CONTROL_LIMIT_S = 5.0


def run(scenario: str, seed: int, kills: int) -> Harness:
    harness = Harness(SCENARIOS[scenario], seed, kills)
    try:
        harness.run()
    except BaseException:
        print(f"{scenario}, seed {seed}, after {harness.killed} kills", file=sys.stderr)
        raise
    return harness


def picture() -> tuple[list[str], list[str], list[str]]:
    """What this process has; the pipes of all runs look alike."""
    gc.collect()
    shared.sweep()
    return (
        sorted(what.partition(":[")[0] for what in descriptors()),
        mappings(),
        sorted(path.name for path in Path("/proc/self/task").iterdir()),
    )


def survive(scenario: str, seed: int, kills: int) -> dict[str, Any]:
    """All kills, all checks, and a look at what is left over."""
    # Starts what multiprocessing itself needs, and opens what stays open.
    run(scenario, seed, 3)
    before, start = picture(), time.monotonic()
    harness = run(scenario, seed, kills)
    seconds, done = time.monotonic() - start, dict(harness.done)
    waits = [round(wait * 1e3, 1) for wait in sorted(harness.went_on_s)]
    result = {
        "scenario": scenario,
        "seed": seed,
        "kills": harness.killed,
        "outcome": "survived",
        "seconds": round(seconds, 1),
        **done,
        "others went on within ms": {
            "median": round(median(waits), 1),
            "99 in 100": waits[len(waits) * 99 // 100],
            "all": waits[-1],
        },
    }
    del harness
    after = picture()
    assert after == before, (after, before)
    return result


def try_control(scenario: str, seed: int, kills: int) -> dict[str, Any]:
    """As many kills as it survives."""
    harness = Harness(CONTROLS[scenario], seed, kills, limit_s=CONTROL_LIMIT_S, is_quiet=True)
    outcome = "survived"
    try:
        harness.run()
    except HungError:
        outcome = "hung"
    except AssertionError as error:
        outcome = f"failed: {error}"
    return {"scenario": scenario, "seed": seed, "kills": harness.killed, "outcome": outcome}


def main() -> None:
    scenario, seed, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    attempt = try_control if scenario in CONTROLS else survive
    print(json.dumps(attempt(scenario, seed, kills)))


if __name__ == "__main__":
    main()
