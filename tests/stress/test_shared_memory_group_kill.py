# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A group of processes is killed at once: its memory is free, but for what a survivor holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from nativeconc import shared
from python.shared.processes import TESTS, files_with, new_name, path_of, shmem, wait_until

MIB = 1 << 20
PROCESSES = 4
NAMED = 100  # of 64 KiB, by each process
ANONYMOUS = 100  # of 1 MiB, by each process

GROUP = f"""
import os, signal, sys, time
import numpy as np
from nativeconc import shared

prefix, common = sys.argv[1:]
for number in range({PROCESSES} - 1):
    if os.fork() == 0:
        break
else:
    number = {PROCESSES} - 1
kept = [shared.full({MIB}, i % 251, dtype=np.uint8) for i in range({ANONYMOUS})]
kept += [shared.full(100, i) for i in range(5000)]
mine = f"{{prefix}}-{{number}}"
kept += [shared.full(8192, i, dtype=np.int64, name=f"{{mine}}-{{i}}") for i in range({NAMED})]
kept.append(shared.attach(common))
kept[-1][number] = 1
os.write(1, b"ready\\n")
while True:  # and at work when it is killed
    kept[0][:] = kept[1]
    shared.full(5000, 1).sum()
"""


@pytest.mark.watchdog(3600)
def test_what_a_killed_group_had_is_free_and_what_others_hold_stays(scale):
    for _ in range(scale):
        kill_a_group()


def kill_a_group():
    prefix = new_name("group")
    common = shared.zeros(100_000, dtype=np.uint8, name=f"{prefix}-common")
    common[:] = 7
    common[:PROCESSES] = 0
    shared.sweep()
    before = shmem()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore:This process", "-c", GROUP, prefix, f"{prefix}-common"],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as leader:
        assert leader.stdout is not None
        for _ in range(PROCESSES):
            assert leader.stdout.readline() == b"ready\n"
        held = PROCESSES * (ANONYMOUS * MIB + NAMED * 65536)
        wait_until(lambda: shmem() >= before + held * 3 // 4)
        survivor_sees = shared.attach(f"{prefix}-0-5")
        os.killpg(leader.pid, signal.SIGKILL)
        assert leader.wait() == -signal.SIGKILL
        assert leader.stdout.read() == b""  # the others are gone, too

    # The kernel frees what has no name; what has one waits for the next who looks.
    named = PROCESSES * NAMED * (65536 + 8192)
    wait_until(lambda: shmem() <= before + named + 32 * MIB)

    # Creating and attaching clear the name that they are about.
    with pytest.raises(FileNotFoundError):
        shared.attach(f"{prefix}-1-0")
    assert not path_of(f"{prefix}-1-0").exists()
    assert (shared.full(10, 3, name=f"{prefix}-2-0") == 3).all()
    assert not path_of(f"{prefix}-2-0").exists()
    shared.sweep()  # other tests may do so, too
    assert files_with(prefix) == sorted(
        path_of(name).name for name in (f"{prefix}-common", f"{prefix}-0-5")
    )
    wait_until(lambda: shmem() <= before + 32 * MIB)

    assert (survivor_sees == 5).all()
    assert (common[:PROCESSES] == 1).all()
    assert (common[PROCESSES:] == 7).all()
    assert (shared.attach(f"{prefix}-common", "r")[PROCESSES:] == 7).all()
    del survivor_sees, common
    assert files_with(prefix) == []
