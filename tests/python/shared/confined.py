# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Namespaces and control groups for child processes of tests; where there are none, `skip`."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def skip(reason: str) -> NoReturn:
    """Ends this process; the test that started it is skipped."""
    print(f"skip: {reason}", flush=True)
    os._exit(0)


def _call(function: str, *args: object) -> None:
    if getattr(_libc, function)(*args) != 0:
        error = os.strerror(ctypes.get_errno())
        skip(f"this system does not permit {function}(): {error}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    def encoded(text: str | None) -> bytes | None:
        return None if text is None else text.encode()

    _call("mount", *map(encoded, (source, target, kind)), ctypes.c_ulong(flags), data.encode())


def own_dev_shm(size: str) -> None:
    """From now on this process alone has another /dev/shm, of that size."""
    _call("unshare", CLONE_NEWNS)
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", "/dev/shm", "tmpfs", 0, f"size={size}")


def make_dev_shm_readonly() -> None:
    """What is open stays as it is."""
    _mount("/dev/shm", "/dev/shm", None, MS_BIND)
    _mount(None, "/dev/shm", None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def start_in_pid_namespace(body: Callable[[], object]) -> int:
    """Runs body in the first process of a new pid namespace; returns the pid of its parent.

    The parent ends when body has returned.
    """
    between = os.fork()
    if between == 0:
        _call("unshare", CLONE_NEWPID)
        inside = os.fork()
        if inside == 0:
            body()
            os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1]))
    return between


def _own_memory_group() -> tuple[Path, str]:
    """The folder of this process's memory cgroup, and the file in it that has the limit."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        v1, v2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
        if "memory" in controllers.split(",") and v1.is_dir():
            folder = v1 / path.lstrip("/")
            # In a container the path may be that of the host.
            return (folder if folder.is_dir() else v1), "memory.limit_in_bytes"
        if not controllers and (v2 / "cgroup.controllers").exists():
            folder = v2 / path.lstrip("/")
            if "memory" in (folder / "cgroup.subtree_control").read_text().split():
                return folder, "memory.max"
    skip("there is no memory cgroup in which a sub-group can be made")


def enter_memory_group(limit: int) -> Path:
    """Puts this process into a new memory cgroup; returns its folder, for `leave_memory_group`."""
    own, limit_file = _own_memory_group()
    group = own / f"nativeconc-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit_file).write_text(str(limit))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        if group.exists():
            group.rmdir()
        skip(f"no memory cgroup can be made here: {error}")
    return group


def leave_memory_group(group: Path) -> None:
    """Puts this process back and removes the group."""
    (group.parent / "cgroup.procs").write_text(str(os.getpid()))
    group.rmdir()


def available_memory() -> int:
    """Bytes that this machine and its cgroups have left."""
    from nativeconc import _core

    return _core.available_memory()


def need_memory(n_bytes: int) -> None:
    """Skips where there is less."""
    if available_memory() < n_bytes:
        skip(f"less than {n_bytes >> 20} MiB of memory are available")


def raises(error: type[BaseException] | tuple[type[BaseException], ...], body) -> BaseException:
    """What body raises, which must be this."""
    try:
        body()
    except error as raised:
        return raised.with_traceback(None)
    print(f"{body} raised nothing", file=sys.stderr)
    raise AssertionError(f"{error} was not raised")
