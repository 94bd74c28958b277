# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`shared.segments` and `shared.sweep`: what shared memory exists, and who holds it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nativeconc import _core
from nativeconc.shared import _in_flight, _mailbox, _primitives
from nativeconc.shared._kinds import Kind

__all__ = ["Holder", "Segment", "Use", "segments", "sweep"]


@dataclass(frozen=True)
class Holder:
    """A process that has a segment open."""

    pid: int
    command: str
    """Its command line."""


@dataclass(frozen=True)
class Use:
    """A thread that has a named lock or the like, or waits for it."""

    pid: int
    thread: int
    """Its native id."""
    what: str
    """"holds" or "waits"."""


@dataclass(frozen=True)
class Segment:
    """One piece of shared memory of this user."""

    name: str | None
    """None: anonymous."""
    kind: str
    """"buffer", "array", "primitive" (a lock or the like), "queue"; "arena": one that holds many
    small ones; "threads": the directory of all who use locks."""
    size: int
    """Bytes that were asked for."""
    file_size: int
    """Bytes that are taken, with all bookkeeping."""
    creator_pid: int
    age: float
    """Seconds since it was created."""
    holders: tuple[Holder, ...]
    """By pid. Empty: only processes that died held it, and the next sweep removes it."""
    primitive: str | None = None
    """Of a named lock or the like, what it is: "Lock", "Semaphore", ..."""
    uses: tuple[Use, ...] = ()
    """Of that, who has it (of an `RWLock` the writer), and who waits."""
    in_doubt: bool = False
    """Whether its owner died, and nobody has recovered it."""


def segments() -> list[Segment]:
    """Look at all shared memory of this user that this process can see, the named first.

    Reads `/proc`: processes of other users and of other pid namespaces are not seen, and what a
    program does meanwhile may be missed. Does not wait for anybody.
    """
    opened: dict[tuple[int, int], set[int]] = {}
    files: dict[tuple[int, int], str] = {}
    for pid, path, inode in _open_files():
        opened.setdefault(inode, set()).add(pid)
        files.setdefault(inode, path)
    names = {}
    for name in _core.segment_names():
        path = _core.segment_path(name)
        try:
            status = Path(path).lstat()
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode):  # a link would be followed
            continue
        inode = (status.st_dev, status.st_ino)
        names[inode] = name
        files[inode] = path
    found = []
    for inode, path in files.items():
        segment = _describe(path, names.get(inode), opened.get(inode, set()))
        if segment is not None:
            found.append(segment)
    return sorted(found, key=lambda s: (s.name is None, s.name or "", s.age))


def sweep(*, in_flight: bool = False) -> list[str]:
    """Remove the names that no living process holds, and let go of memory that is not needed.

    Creating and attaching by name remove names, too, if that was not done a moment ago. Memory that
    this process keeps for its next small arrays, and for handles that have arrived, is given back.

    Args:
        in_flight: Give back as well what is kept for handles that have not arrived: none of those
            that this process has pickled, or its children have sent to it, arrives any more. For
            pickles that were thrown away, and workers that died before they read theirs.

    Returns:
        The names that were removed, sorted.
    """
    _in_flight.reap()
    _mailbox.reap()
    if in_flight:
        _in_flight.forget()
        _mailbox.empty()
    _core.trim_arenas()
    return [name for name in _core.segment_names() if _core.remove_if_unheld(name)]


def _open_files() -> Iterator[tuple[int, str, tuple[int, int]]]:
    """(pid, path, device and inode) of what may be a segment and is open somewhere."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:  # it has ended, or is another user's
            continue
        for path in descriptors:
            try:
                # A named one shows as an unnamed file of the folder: it got its name later.
                if str(path.readlink()).startswith(("/memfd:nativeconc", "/dev/shm/")):
                    status = path.stat()
                    yield int(process.name), str(path), (status.st_dev, status.st_ino)
            except OSError:
                continue


def _describe(path: str, name: str | None, pids: set[int]) -> Segment | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        header = _core.segment_header(fd)
        facts = _core.primitive_facts(fd) if header["kind"] == Kind.PRIMITIVE else None
    except OSError:  # not ours
        return None
    finally:
        os.close(fd)
    primitive: str | None = None
    uses: tuple[Use, ...] = ()
    in_doubt = False
    if facts is not None:
        uid, owner, in_doubt = facts
        primitive, _ = _primitives.describe(header["meta"])
        uses = _uses(uid, owner)
    return Segment(
        name=name,
        kind=Kind(header["kind"]).name.lower(),
        size=header["size"],
        file_size=header["file_size"],
        creator_pid=header["creator_pid"],
        age=max(0.0, time.time() - header["created_ns"] / 1e9),
        holders=tuple(Holder(pid, _command(pid)) for pid in sorted(pids)),
        primitive=primitive,
        uses=uses,
        in_doubt=in_doubt,
    )


def _uses(uid: int, owner: tuple[int, int] | None) -> tuple[Use, ...]:
    holds = () if owner is None else (Use(*owner, "holds"),)
    waits = (Use(pid, thread, "waits") for pid, thread, *_ in _core.shared_waiters(uid))
    return (*holds, *waits)


def _command(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()
