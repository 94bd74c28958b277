# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""One scenario of processes that are killed. A script: SCENARIO SEED KILLS."""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path
from statistics import median

from nativeconc import shared
from python.shared.processes import descriptors, mappings
from stress.kill_harness import Harness
from stress.kill_scenarios import SCENARIOS


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


def main() -> None:
    scenario, seed, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Starts what multiprocessing itself needs, and opens what stays open.
    run(scenario, seed, 3)
    before = picture()
    start = time.monotonic()
    harness = run(scenario, seed, kills)
    waits = sorted(harness.went_on_s)
    report = (
        f"{scenario}: {harness.killed} kills in {time.monotonic() - start:.1f} s, "
        f"{dict(harness.done)}; the others went on within {median(waits) * 1e3:.1f} ms (median), "
        f"{waits[len(waits) * 99 // 100] * 1e3:.1f} (of 99 in 100), {waits[-1] * 1e3:.1f} (all)"
    )
    del harness
    after = picture()
    assert after == before, (after, before)
    print(report)


if __name__ == "__main__":
    main()
