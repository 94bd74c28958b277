# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Processes are killed while they use shared primitives: nobody hangs, nothing is lost or left.

500 kills in all. NATIVECONC_STRESS=20 makes 10 000 of them; NATIVECONC_SEED picks the seed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from python.shared.processes import TESTS
from stress.kill_scenarios import SCENARIOS
from stress.schedules import SEED

KILLS = 500


@pytest.mark.watchdog(7200)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whoever_is_killed_the_others_go_on_and_all_is_there(run_script, scale, scenario):
    kills = -(-KILLS // len(SCENARIOS))
    script = Path(__file__).with_name("shared_primitives_kills.py")
    for round_ in range(scale):
        print(f"NATIVECONC_SEED={SEED + round_}")
        finished = run_script(
            script,
            scenario,
            str(SEED + round_),
            str(kills),
            timeout=600,
            env={"PYTHONPATH": str(TESTS)},
            options=("-W", "error", "-W", "ignore:This process:DeprecationWarning"),
        )
        assert finished.rc == 0, f"{finished.stdout}\n{finished.stderr}"
        assert finished.stderr == ""
        print(finished.stdout)
