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
import stat
import struct
import time
from collections import OrderedDict
from typing import NamedTuple

from nativeconc import _core
from nativeconc._own_lock import OwnLock
from nativeconc.shared import _in_flight

__all__ = [
    "empty",
    "forget",
    "leave",
    "post",
    "reap",
    "reap_if_due",
    "take",
    "tidy",
    "waiting",
]

_LETTER = struct.Struct("=16sIi")  # segment, block, flight
_MAIL = b"mail"  # of a line: its descriptor is the reading end of a child's mail
_FD = struct.Struct("i")
_PAUSE_S = 0.01
_PATIENCE_S = 0.1
"""So long a parent that does not listen is not asked again."""
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
        self._no_parent_until = 0.0

    def post(self, segment: bytes, block: int, flight: int, fd: int) -> None:
        if self._ends is None and not self._open():
            return
        data = _LETTER.pack(segment, block, flight)
        if not self._put(data, fd):
            self.tidy()
            self._put(data, fd)

    def _put(self, data: bytes, fd: int) -> bool:
        """False if the mail is full, or the parent has gone."""
        assert self._ends is not None
        try:
            _write_letter(self._ends[1], data, fd)
        except OSError:
            return False
        self._letters += 1
        return True

    def _open(self) -> bool:
        # Most processes have a parent that knows nothing of us, and to look for it costs more than
        # all the rest of a handle.
        if time.monotonic() < self._no_parent_until:
            return False
        self._no_parent_until = time.monotonic() + _PATIENCE_S
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
                    _write_letter(line, _MAIL, ends[0].fileno())
                except OSError:
                    continue
            if self._ends is not None:  # a signal handler has opened it meanwhile
                for end in ends:
                    end.close()
                return True
            self._ends, self._no_parent_until = ends, 0.0
            return True
        return False

    def tidy(self) -> None:
        """Drop the letters of handles that have arrived."""
        if self._ends is None:
            return
        for _ in range(self._letters):
            # A letter that is still needed is put back before it is taken away, so that none is
            # lost if this process dies in between; meanwhile there may be two.
            first = self._put_back(_read_letter(self._ends[0], socket.MSG_PEEK))
            if first is None:
                break
            taken = _read_letter(self._ends[0])
            if taken is None:
                break
            self._letters -= 1
            if taken[0] != first:  # the parent was quicker, and this is the next one
                self._put_back(taken)
            elif taken[1] >= 0:
                os.close(taken[1])

    def _put_back(self, letter: tuple[bytes, int] | None) -> bytes | None:
        """Append a letter again if it is still needed; what it says, or None if that fails."""
        if letter is None or letter[1] < 0:
            return None
        data, fd = letter
        try:
            return data if _is_received(data, fd) or self._put(data, fd) else None
        finally:
            os.close(fd)

    def close(self) -> None:
        for end in self._ends or ():
            end.close()
        self._ends, self._letters = None, 0


def _is_received(data: bytes, fd: int) -> bool:
    """Whether a letter is not needed any more, or is none."""
    if len(data) != _LETTER.size:
        return True
    segment, block, flight = _LETTER.unpack(data)
    try:
        return _core.was_received(fd, segment, block, flight)
    except OSError:  # no segment of ours
        return True


class _Letters(NamedTuple):
    """What came for one piece of memory, and when."""

    fd: int
    flights: set[int]
    since: float


class _Inbox:
    """What the children of this process have sent."""

    def __init__(self) -> None:
        self._mail: list[socket.socket] = []
        self._letters: OrderedDict[tuple[bytes, int], _Letters] = OrderedDict()
        self._line: socket.socket | None = None
        # Where there can be no socket, the handles of children are as good as they themselves.
        with contextlib.suppress(OSError), contextlib.ExitStack() as unless_done:
            line = unless_done.enter_context(
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
            )
            line.bind(_address(*_core.this_process()))
            line.listen(1024)
            unless_done.pop_all()
            self._line = line

    def take(self, segment: bytes, block: int, flight: int) -> int | None:
        """A descriptor of a segment that a child has sent; the caller closes it."""
        self.read()
        letters = self._letters.pop((segment, block), None)
        if letters is None:
            return None
        letters.flights.discard(flight)
        if not letters.flights:
            return letters.fd
        fd = os.dup(letters.fd)
        self._keep_letters((segment, block), letters)
        return fd

    def forget(self, segment: bytes, block: int, flight: int) -> None:
        """Let go of what was sent with one handle, if no other handle needs it."""
        letters = self._letters.get((segment, block))
        if letters is None:
            return
        letters.flights.discard(flight)
        if not letters.flights and self._letters.pop((segment, block), None) is letters:
            os.close(letters.fd)

    def reap(self) -> None:
        """Let go of what others have received."""
        self.read()
        for (segment, block), (fd, flights, _) in list(self._letters.items()):
            for flight in tuple(flights):
                if _is_received(_LETTER.pack(segment, block, flight), fd):
                    self.forget(segment, block, flight)

    def waiting(self) -> int:
        return len(self._letters)

    def read(self) -> None:
        """Take what has come; what was received meanwhile is let go of."""
        self._accept()
        # A line brings one letter, with a child's mail: it goes to the end of the list.
        for mail in self._mail:
            # What is not read stays where it is.
            while self._has_room() and (letter := _read_letter(mail)) is not None:
                data, fd = letter
                if fd >= 0 and data == _MAIL and stat.S_ISSOCK(os.fstat(fd).st_mode):
                    self._mail.append(socket.socket(fileno=fd))
                elif fd >= 0:
                    self._keep(data, fd)
                elif not data:
                    mail.close()
                    break
        self._mail = [mail for mail in self._mail if mail.fileno() >= 0]

    def _accept(self) -> None:
        while self._line is not None:
            try:
                line, _ = self._line.accept()
            except OSError:
                return
            if _credentials(line)[1] == os.geteuid():
                self._mail.append(line)
            else:
                line.close()

    def _keep(self, data: bytes, fd: int) -> None:
        if _is_received(data, fd):
            os.close(fd)
            return
        segment, block, flight = _LETTER.unpack(data)
        self._keep_letters((segment, block), _Letters(fd, {flight}, time.monotonic()))

    def _keep_letters(self, key: tuple[bytes, int], letters: _Letters) -> None:
        known = self._letters.setdefault(key, letters)
        if known is not letters:
            known.flights.update(letters.flights)
            os.close(letters.fd)

    def _has_room(self) -> bool:
        """Whether one more letter may be kept, instead of an old one if need be."""
        if len(self._letters) < _in_flight.limit():
            return True
        key, oldest = next(iter(self._letters.items()))
        if time.monotonic() - oldest.since < _in_flight.OLD_S:
            return False
        if self._letters.pop(key, None) is oldest:
            os.close(oldest.fd)
        return True

    def empty(self) -> None:
        """Let go of all that has been sent."""
        self.read()
        while self._letters:
            os.close(self._letters.popitem()[1].fd)
            self.read()

    def close(self) -> None:
        for end in (*self._mail, *([self._line] if self._line else [])):
            end.close()
        self._mail, self._line = [], None
        self.empty()


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


def take(segment: bytes, block: int, flight: int) -> int | None:
    """The descriptor that a child left for this process, or None."""
    with _lock():
        return _inbox.take(segment, block, flight)


def forget(segment: bytes, block: int, flight: int) -> None:
    """A handle has arrived without its descriptor; a child may have left one."""
    with _lock():
        _inbox.read()
        _inbox.forget(segment, block, flight)


def reap() -> None:
    """Let go of what this process does not need."""
    with _lock():
        _outbox.tidy()
        _inbox.reap()


_reap_again = 0.0


def reap_if_due() -> None:
    """The same, if that was not done a moment ago: it asks the kernel."""
    global _reap_again
    if time.monotonic() >= _reap_again:
        reap()
        _reap_again = time.monotonic() + _PAUSE_S


def empty() -> None:
    """Let go of all that children have sent, and not of what this process has."""
    with _lock():
        _inbox.empty()


def leave() -> None:
    """At the end of the process: what the parent does not need any more must not stay with it."""
    with _lock():
        _outbox.tidy()
        _close()


def waiting() -> int:
    """How many descriptors of children are kept here."""
    return _inbox.waiting()


def _close() -> None:
    for box in (_outbox, _inbox):
        with contextlib.suppress(OSError):
            box.close()


def _start_anew() -> None:
    global _outbox, _inbox
    _close()
    _outbox, _inbox = _Outbox(), _Inbox()


os.register_at_fork(after_in_child=_start_anew)
