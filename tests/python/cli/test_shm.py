# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nativeconc shm`, in processes of its own beside processes that hold shared memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nativeconc.shared import Holder, Segment
from nativeconc.shared.command import NOBODY, rows

COMMAND = "import sys; from nativeconc.__main__ import main; sys.argv[1:1] = ['shm']; main()"


@pytest.fixture
def shm(run_script):
    """Runs `nativeconc shm ...` as a child."""
    return lambda *words, **env: run_script(COMMAND, *words, env=env)


@pytest.fixture
def listed(shm):
    """What `nativeconc shm list --json` tells of one name, or of what one process holds."""

    def find(name=None, *, pid=None):
        found = json.loads(shm("list", "--json").check().stdout)
        return [
            s
            for s in found
            if (name is not None and s["name"] == name) or pid in [h["pid"] for h in s["holders"]]
        ]

    return find


def new_name() -> str:
    return f"test-shm-{uuid.uuid4().hex}"


@contextlib.contextmanager
def holding(source: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    """A process that makes some shared memory and holds it until it is told to end, or killed."""
    code = (
        f"import sys; from nativeconc import shared; {source}; "
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        except BaseException:
            process.kill()
            raise


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_list_tells_a_name_and_who_holds_it(shm) -> None:
    name = new_name()
    source = "held = shared.Array((1 << 18,), name=sys.argv[1])"
    with (
        holding(source, name) as creator,
        holding("held = shared.attach(sys.argv[1])", name) as other,
    ):
        output = shm("list", COLUMNS="200").check().stdout
    heading, *_ = output.splitlines()
    assert heading.split() == ["name", "kind", "size", "age", "held", "by"]
    line = next(line for line in output.splitlines() if line.startswith(name))
    assert line.split()[1:4] == ["array", "2.0", "MiB"]
    after = output[output.index(name) :]
    for process in (creator, other):
        assert f" {process.pid} {sys.executable}"[:40] in after  # long commands are cut


def test_list_prints_json(listed) -> None:
    name = new_name()
    with holding("held = shared.Buffer(5000, name=sys.argv[1])", name) as process:
        (found,) = listed(name)
    assert found["kind"] == "buffer"
    assert found["size"] == 5000
    assert found["file_size"] >= 5000
    assert found["creator_pid"] == process.pid
    assert found["age"] >= 0
    (holder,) = found["holders"]
    assert holder["pid"] == process.pid
    assert name in holder["command"]


def test_anonymous_memory_is_listed_while_it_is_held(listed) -> None:
    with holding("held = shared.Array((10,)), shared.Buffer(1 << 20)") as process:
        found = listed(pid=process.pid)
        assert {s["name"] for s in found} == {None}
        assert sorted(s["kind"] for s in found) == ["arena", "buffer"]
        kill(process)
    assert listed(pid=process.pid) == []


def test_the_command_is_no_holder(run_script) -> None:
    # This child holds something itself, which the command of its own never does.
    name = new_name()
    run_script(
        f"""
        from nativeconc import shared
        from nativeconc.shared.command import found

        held = shared.Buffer(100, name={name!r})
        (segment,) = [s for s in found() if s.name == {name!r}]
        assert segment.holders == (), segment
        """
    ).check()


def test_what_a_killed_process_held_is_nobodys_and_the_sweep_removes_it(shm) -> None:
    # Somebody else may sweep at the same moment: then it is tried with another name.
    for _ in range(10):
        name = new_name()
        with holding("held = shared.Buffer(100, name=sys.argv[1])", name) as process:
            assert name in shm("list", COLUMNS="200").check().stdout
            assert name not in shm("sweep").check().stdout
            kill(process)
        seen = shm("list", COLUMNS="200").check().stdout
        swept = shm("sweep").check().stdout.splitlines()
        if f"removed {name}" in swept:
            break
    else:
        pytest.fail("no sweep removed the name")
    line = next(line for line in seen.splitlines() if line.startswith(name))
    assert line.split(maxsplit=5)[1:4] == ["buffer", "100", "bytes"]
    assert line.rstrip().endswith(NOBODY)
    assert swept[-1] == ("1 name removed" if len(swept) == 2 else f"{len(swept) - 1} names removed")
    assert not Path(f"/dev/shm/nativeconc-{os.geteuid()}-{name}").exists()
    assert name not in shm("list", COLUMNS="200").check().stdout


def test_a_sweep_leaves_alone_what_is_held(shm, listed) -> None:
    name = new_name()
    with holding("held = shared.Buffer(100, name=sys.argv[1])", name):
        assert name not in shm("sweep").check().stdout
        assert len(listed(name)) == 1
    assert listed(name) == []


def test_many_holders_are_counted() -> None:
    def held_by(count):
        holders = tuple(Holder(pid, f"program {pid}") for pid in range(1, count + 1))
        segment = Segment("a", "buffer", 0, 4096, 1, 0.0, holders)
        return rows([segment])[0].holders.splitlines()

    assert held_by(0) == [NOBODY]
    assert held_by(1) == ["1 program 1"]
    assert held_by(4) == [f"{i} program {i}" for i in (1, 2, 3, 4)]
    assert held_by(5) == [*(f"{i} program {i}" for i in (1, 2, 3)), "and 2 others"]
    assert held_by(400)[-1] == "and 397 others"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1 << 20, "1.0 MiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (80_000_000, "76.3 MiB"),
        (3 << 30, "3.0 GiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_sizes_for_people(size, words) -> None:
    assert rows([Segment(None, "buffer", size, size, 1, 0.0, ())])[0].size == words


@pytest.mark.parametrize(
    ("age", "words"),
    [(0.0, "0 s"), (59.9, "59 s"), (60.0, "1 min"), (7200.0, "2 h"), (200_000.0, "2 d")],
)
def test_ages_for_people(age, words) -> None:
    assert rows([Segment(None, "buffer", 0, 0, 1, age, ())])[0].age == words


def test_what_others_have_chosen_cannot_drive_the_terminal() -> None:
    holder = Holder(7, "evil \x1b[31m\x07 [red]program[/red] " + "x" * 100)
    (row,) = rows([Segment("a\x7fb", "buffer", 0, 0, 1, 0.0, (holder,))])
    assert row.name == "a?b"
    assert row.holders.startswith("7 evil ?[31m? [red]program[/red] xxx")
    assert row.holders.endswith("x...")
    assert len(row.holders) == 62


@pytest.mark.parametrize(
    "words", [("list", "--no-such-option"), ("sweep", "a-name"), ("no-such-command",)]
)
def test_bad_input_is_exit_code_2(shm, words) -> None:
    done = shm(*words)
    assert done.rc == 2
    assert done.stdout == ""


def test_help_tells_the_exit_codes(shm) -> None:
    for word in ("list", "sweep"):
        output = " ".join(shm(word, "--help", COLUMNS="100").check().stdout.split())
        assert "Exit codes: 0 done" in output
        assert "2 bad input" in output


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_tools_it_is_exit_code_1(run_script, module) -> None:
    done = run_script(f"import sys; sys.modules[{module!r}] = None; {COMMAND}", "list")
    assert done.rc == 1
    assert f"this needs {module}, which is not installed" in done.stderr
