# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Ten thousand random steps of processes that share memory and are killed: nothing breaks or stays.

NATIVECONC_STRESS=20 runs 20 times as many; NATIVECONC_SEED picks the seed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nativeconc import shared
from python.shared.processes import TESTS, files_with, new_name
from stress.schedules import SEED

STEPS = 10_000


@pytest.mark.watchdog(3600)
def test_killed_processes_break_nothing_and_leave_nothing(run_script, scale):
    prefix = new_name("kills")
    script = Path(__file__).with_name("shared_memory_kills.py")
    print(f"NATIVECONC_SEED={SEED}")
    for round_ in range(scale):
        finished = run_script(
            script,
            str(SEED + round_),
            str(STEPS),
            prefix,
            timeout=3000,
            env={"PYTHONPATH": str(TESTS)},
            options=("-W", "error", "-W", "ignore:This process:DeprecationWarning"),
        )
        assert finished.rc == 0, f"{finished.stdout}\n{finished.stderr}"
        print(finished.stdout)
        shared.sweep()
        assert files_with(prefix) == []
