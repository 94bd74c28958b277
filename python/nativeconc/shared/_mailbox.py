# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""How descriptors get from a child to the parent that started it, and outlive the child.

A handle is useless once its sender has died, and a worker may die right after it has returned an
array. A descriptor in a UNIX socket does not die with its sender. So:

* Every process that imports `nativeconc.shared` listens at an abstract address made of its pid
  (nothing in the file system; it goes with the process). No thread reads it.
* A child that pickles its first handle makes a socket pair, its mail, sends the reading end to its
  parent's address, and keeps both ends itself.
* For each handle that it pickles it puts the segment's descriptor into its mail. Nobody can know
  who will get the handle; so whenever handles have arrived, the child looks through its own mail
  and drops what belongs to them.
* The parent reads mail when it unpickles a handle that it does not know.

Nothing here blocks or is needed for a handle to work while its sender lives: where the parent does
not listen, or the mail is full, the handle is as good as its sender.
"""

from __future__ import annotations

import contextlib
import multiprocessing.process
import os
import socket
import struct
from collections import OrderedDict
from typing import NamedTuple

from nativeconc import _core
from nativeconc._own_lock import OwnLock
from nativeconc.shared import _in_flight

__all__ = ["post", "reap", "take", "tidy", "waiting"]

_LETTER = struct.Struct("=16sIi")  # segment, block, flight
_FD = struct.Struct("i")
_lock = OwnLock()


def _address(pid: int, start_time: int, pid_namespace: int) -> bytes:
    return f"\0nativeconc/{pid_namespace}/{pid}/{start_time}".encode()


def _credentials(end: socket.socket) -> tuple[int, int]:
    """Pid and user of the process at the other end."""
    pid, uid, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid


def _write_letter(end: socket.socket, data: bytes, fd: int) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _FD.pack(fd))]
    end.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _read_letter(end: socket.socket, flags: int = 0) -> tuple[bytes, int] | None:
    """The next letter and its descriptor; None if there is none yet.

    At the end of the mail that is `(b"", -1)`. A process that has no descriptor left gets -1, too,
    and that letter is lost.
    """
    try:
        data, rights, _, _ = end.recvmsg(
            _LETTER.size,
            socket.CMSG_SPACE(_FD.size),
            flags | socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC,
        )
    except OSError:
        return None
    return data, _FD.unpack(rights[0][2])[0] if rights else -1


class _Outbox:
    """A child's mail to its parent."""

    def __init__(self) -> None:
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._letters = 0  # at most; the parent may have taken some

    def post(self, segment: bytes, block: int, flight: int, fd: int) -> None:
        if self._ends is None and not self._open():
            return
        assert self._ends is not None
        try:
            _write_letter(self._ends[1], _LETTER.pack(segment, block, flight), fd)
            self._letters += 1
        except OSError:  # full, or the parent has gone
            self.tidy()

    def _open(self) -> bool:
        parent = multiprocessing.process.parent_process()
        for pid in dict.fromkeys((parent.pid if parent else None, os.getppid())):
            identity = None if pid is None else _core.read_process(pid)
            if identity is None:
                continue
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
                line.setblocking(False)
                try:
                    line.connect(_address(*identity))
                    if _credentials(line) != (pid, os.geteuid()):
                        continue
                    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    _write_letter(line, b"mail", ends[0].fileno())
                except OSError:
                    continue
            self._ends = ends
            return True
        return False

    def tidy(self) -> None:
        """Drop the letters of handles that have arrived."""
        if self._ends is None:
            return
        for _ in range(self._letters):
            # A letter that is still needed is put back before it is taken away, so that none is
            # lost if this process dies in between; meanwhile there may be two.
            letter = _read_letter(self._ends[0], socket.MSG_PEEK)
            if letter is None or letter[1] < 0:
                break
            data, fd = letter
            try:
                if not _is_received(data, fd):
                    _write_letter(self._ends[1], data, fd)
                    self._letters += 1
            except OSError:
                break
            finally:
                os.close(fd)
            taken = _read_letter(self._ends[0])
            if taken is not None and taken[1] >= 0:
                os.close(taken[1])
                self._letters -= 1

    def close(self) -> None:
        for end in self._ends or ():
            end.close()


def _is_received(data: bytes, fd: int) -> bool:
    segment, block, flight = _LETTER.unpack(data)
    return _core.was_received(fd, segment, block, flight)


class _Letter(NamedTuple):
    data: bytes
    fd: int


class _Inbox:
    """What the children of this process have sent."""

    def __init__(self) -> None:
        self._mail: list[socket.socket] = []
        self._letters: OrderedDict[tuple[bytes, int], _Letter] = OrderedDict()
        self._line: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._line.setblocking(False)
            self._line.bind(_address(*_core.this_process()))
            self._line.listen(1024)
        except OSError:  # no UNIX sockets here: children's handles are as good as they themselves
            self._line.close()
            self._line = None

    def take(self, segment: bytes, block: int) -> int | None:
        """A descriptor of a segment that a child has sent; the caller closes it."""
        self._read()
        letter = self._letters.pop((segment, block), None)
        return None if letter is None else letter.fd

    def reap(self) -> None:
        """Let go of what others have received, and of the oldest when there is too much."""
        self._read()
        received = [
            key for key, (data, fd) in self._letters.items() if _is_received(data, fd)
        ]
        for key in received:
            os.close(self._letters.pop(key).fd)

    def waiting(self) -> int:
        return len(self._letters)

    def _read(self) -> None:
        self._accept()
        for mail in list(self._mail):
            while (letter := _read_letter(mail)) is not None:
                data, fd = letter
                if fd >= 0:
                    self._keep(data, fd)
                elif not data:
                    self._mail.remove(mail)
                    mail.close()
                    break

    def _accept(self) -> None:
        while self._line is not None:
            try:
                line, _ = self._line.accept()
            except OSError:
                return
            with line:
                if _credentials(line)[1] != os.geteuid():
                    continue
                received = _read_letter(line)
                if received is not None and received[1] >= 0:
                    self._mail.append(socket.socket(fileno=received[1]))

    def _keep(self, data: bytes, fd: int) -> None:
        segment, block, _ = _LETTER.unpack(data)
        old = self._letters.pop((segment, block), None)
        if old is not None:
            os.close(old.fd)
        self._letters[segment, block] = _Letter(data, fd)
        if len(self._letters) > _in_flight.limit():
            _, oldest = self._letters.popitem(last=False)
            os.close(oldest.fd)

    def close(self) -> None:
        for end in (*self._mail, *([self._line] if self._line else [])):
            end.close()
        for letter in self._letters.values():
            os.close(letter.fd)


_outbox = _Outbox()
_inbox = _Inbox()


def post(segment: bytes, block: int, flight: int, fd: int) -> None:
    """Leave a descriptor for the parent, if there is one that listens."""
    with _lock():
        _outbox.post(segment, block, flight, fd)


def tidy() -> None:
    """Take back what has arrived elsewhere."""
    with _lock():
        _outbox.tidy()


def take(segment: bytes, block: int) -> int | None:
    """The descriptor that a child left for this process, or None."""
    with _lock():
        return _inbox.take(segment, block)


def reap() -> None:
    """Let go of what this process does not need."""
    with _lock():
        _outbox.tidy()
        _inbox.reap()


def waiting() -> int:
    """How many descriptors of children are kept here."""
    return _inbox.waiting()


def _start_anew() -> None:
    global _outbox, _inbox
    for box in (_outbox, _inbox):
        with contextlib.suppress(OSError):
            box.close()
    _outbox, _inbox = _Outbox(), _Inbox()


os.register_at_fork(after_in_child=_start_anew)
