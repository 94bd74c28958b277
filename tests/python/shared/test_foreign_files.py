# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Files that have the name of a segment and are none: refused, and left alone."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import stat

import numpy as np
import pytest

from nativeconc import shared
from nativeconc.errors import SegmentError
from python.shared.processes import (
    TESTS,
    come_to_rest,
    descriptors,
    mappings,
    new_name,
    path_of,
)

HEADER = 144
"""Bytes of a segment's header; all of them are checked."""


@pytest.fixture
def place():
    """A free name and its path, whatever a test puts there."""
    name = new_name("foreign")
    path = path_of(name)
    come_to_rest()
    before = descriptors(), mappings()
    try:
        yield name, path
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    come_to_rest()
    assert (descriptors(), mappings()) == before


def write(path, data):
    path.write_bytes(data)
    path.chmod(0o600)


def real_segment():
    """The bytes of a segment of a named array, and where its header ends."""
    name = new_name("real")
    array = shared.Array((3, 5), dtype="<i4", name=name)
    array[:] = np.arange(15).reshape(3, 5)
    return path_of(name).read_bytes()


def picture(path):
    """All that sweeping must not change."""
    status = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
    return status.st_ino, status.st_mode, status.st_uid, status.st_size, content


def check_refused(name, path, *, attach=SegmentError):
    before = picture(path)
    for mode in ("r", "r+"):
        with pytest.raises(attach):
            shared.attach(name, mode)
    for exist_ok in (False, True):
        for create in (shared.Buffer, shared.Array):
            with pytest.raises((SegmentError, FileExistsError)):
                create(1000, name=name, exist_ok=exist_ok)
        with pytest.raises((SegmentError, FileExistsError)):
            shared.Buffer(2 << 20, name=name, exist_ok=exist_ok)
    assert name not in shared.sweep()
    assert name not in [segment.name for segment in shared.segments()]
    assert picture(path) == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"just some text\n" * 100,
        bytes(10_000),
        b"\xff" * 10_000,
        *(random.Random(seed).randbytes(length) for seed, length in enumerate((1, 143, 144, 9999))),
    ],
    ids=lambda data: f"{len(data)} bytes of {data[:4]!r}",
)
def test_a_file_of_other_bytes_is_refused(place, data):
    name, path = place
    write(path, data)
    check_refused(name, path)


def test_a_copy_that_is_cut_off_is_refused(place):
    name, path = place
    whole = real_segment()
    for length in (1, 8, 100, HEADER - 1, HEADER, 200, 255, 300, 4095, 4096, len(whole) - 1):
        write(path, whole[:length])
        check_refused(name, path)


@pytest.mark.parametrize("is_held", [False, True], ids=["held by nobody", "held by somebody"])
def test_a_copy_with_one_byte_changed_is_refused(place, is_held):
    name, path = place
    whole = real_segment()
    meta = whole.index(b"'<i4'")
    for at in [*range(HEADER), *range(meta, meta + 5)]:
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        write(path, changed)
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH if is_held else fcntl.LOCK_UN)
            for mode in ("r", "r+"):
                with pytest.raises(SegmentError):
                    shared.attach(name, mode)
            with pytest.raises(SegmentError):
                shared.Array((3, 5), dtype="<i4", name=name)
            assert name not in shared.sweep()
        assert path.read_bytes() == changed


def test_random_changes_of_a_copy_never_crash(place):
    name, path = place
    whole = real_segment()
    rng = random.Random(20240229)
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8, 64))):
            changed[rng.randrange(HEADER)] = rng.choice(
                (0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))
            )
        if changed == whole:
            continue
        write(path, changed[: rng.choice((len(whole), len(whole), rng.randrange(len(whole))))])
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            with pytest.raises(SegmentError):
                shared.attach(name, rng.choice(("r", "r+")))


def test_a_whole_copy_that_somebody_holds_is_as_good_as_the_original(place):
    name, path = place
    write(path, real_segment())
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        array = shared.attach(name)
        assert (array == np.arange(15).reshape(3, 5)).all()
        assert name not in shared.sweep()
        del array
        assert path.exists()
    assert name in shared.sweep()
    assert not path.exists()


def test_a_file_that_others_may_open_is_refused(place):
    name, path = place
    write(path, real_segment())
    for mode in (0o644, 0o660, 0o606, 0o601):
        path.chmod(mode)
        check_refused(name, path)


def test_a_file_of_another_user_is_refused(place):
    if os.geteuid() != 0:  # chown needs it; CI runs as root
        pytest.skip("only root can give a file to another user")
    name, path = place
    write(path, real_segment())
    os.chown(path, 12345, -1)
    check_refused(name, path)


def test_a_name_that_another_user_took_is_refused(place, run_script):
    if os.geteuid() != 0:  # setuid needs it; CI runs as root
        pytest.skip("only root can become another user")
    name = place[0]
    path = path_of(name).with_name(f"nativeconc-12345-{name}")
    write(path, real_segment())
    try:
        run_script(
            """
            import os, sys
            from nativeconc import shared
            from nativeconc.errors import SegmentError

            os.setuid(12345)
            name = sys.argv[1]
            for mode in ("r", "r+"):
                try:
                    shared.attach(name, mode)
                except SegmentError:
                    continue
                raise AssertionError("attached to another user's memory")
            for exist_ok in (False, True):
                try:
                    shared.Buffer(100, name=name, exist_ok=exist_ok)
                except (PermissionError, SegmentError, FileExistsError):
                    continue
                raise AssertionError("took another user's name")
            assert name not in shared.sweep()
            """,
            name,
        ).check("")
        assert path.exists()
    finally:
        path.unlink()


def make_link(path):
    name = new_name("linked")
    make_link.target = shared.Buffer(100, name=name)
    path.symlink_to(path_of(name))


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


@pytest.mark.parametrize(
    "make",
    [
        make_link,
        lambda path: path.symlink_to("/dev/shm/there-is-no-such-file"),
        lambda path: path.symlink_to(path),
        lambda path: path.mkdir(mode=0o700),
        lambda path: os.mkfifo(path, 0o600),
        make_socket,
    ],
    ids=["link", "dangling link", "link to itself", "folder", "pipe", "socket"],
)
def test_what_is_no_file_is_refused_at_once(place, make):
    name, path = place
    make(path)
    try:
        check_refused(name, path)
    finally:
        vars(make_link).clear()


@pytest.mark.parametrize("imported", ["before", "after"])
def test_memory_of_another_pid_namespace_is_refused(place, run_script, imported):
    name, path = place
    finished = run_script(
        f"""
        import os, sys
        from python.shared.confined import start_in_pid_namespace
        if {imported == "before"}:
            from nativeconc import shared

        def hold():
            from nativeconc import shared
            array = shared.full(1000, 7, name=name)
            small = shared.full(10, 7)
            os.write(is_ready, b"x")
            os.read(end, 1)
            assert (array == 7).all() and (small == 7).all()

        name = sys.argv[1]
        ready, is_ready = os.pipe()
        end, may_end = os.pipe()
        child = start_in_pid_namespace(hold)
        os.close(is_ready)
        if os.read(ready, 1) == b"":
            sys.exit()  # it has said why
        from nativeconc import shared
        from nativeconc.errors import SegmentError
        try:
            for mode in ("r", "r+"):
                try:
                    shared.attach(name, mode)
                except SegmentError as error:
                    assert "pid namespace" in str(error), error
                else:
                    raise AssertionError("attached to memory of another pid namespace")
            for exist_ok in (False, True):
                try:
                    shared.Array(1000, name=name, exist_ok=exist_ok)
                except (SegmentError, FileExistsError):
                    continue
                raise AssertionError("took a name of another pid namespace")
            assert name not in shared.sweep()
            shared.segments()
            assert os.path.exists(sys.argv[2])
        finally:
            os.write(may_end, b"x")
            assert os.waitpid(child, 0)[1] == 0
        """,
        name,
        str(path),
        env={"PYTHONPATH": str(TESTS)},
        options=("-W", "error", "-W", "ignore:This process:DeprecationWarning"),
    )
    # Where the system lets nobody make a namespace; it says why. CI's does.
    if finished.stdout.startswith("skip: "):
        pytest.skip(finished.stdout[6:])
    finished.check("")
