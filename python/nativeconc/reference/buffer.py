# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.shared.Buffer`."""

from __future__ import annotations

import errno
import mmap
import operator
import sys
import threading
from typing import Any, NamedTuple, NoReturn, SupportsIndex
from weakref import WeakValueDictionary

from nativeconc.errors import SharedMemoryFull

__all__ = ["Buffer", "Pages", "checked_name", "find_memory"]

_MAX_NAME = 200  # bytes


class Pages(NamedTuple):
    """The pages behind a buffer; the twin cannot look, and takes them all for resident."""

    page_size: int
    """Bytes of an ordinary page."""
    resident: int
    """Bytes that this process can use without a page fault."""
    huge: int
    """Bytes of these that lie in huge pages."""


class _Memory(mmap.mmap):
    """Zeroed memory, which forked children share. Only buffers and views keep it alive."""

    wanted: int
    """How many bytes were asked for: a mapping cannot be empty."""
    name: str | None

    def __new__(cls, size: int, name: str | None) -> _Memory:
        try:
            memory = super().__new__(cls, -1, max(1, min(size, sys.maxsize)))
        except OSError as error:
            raise SharedMemoryFull(error.errno, f"no memory for {size} bytes") from None
        memory.wanted = size
        memory.name = name
        return memory


_named: WeakValueDictionary[str, _Memory] = WeakValueDictionary()
_lock = threading.Lock()


class Buffer:
    """Memory that is seen through the buffer protocol: zeroed bytes.

    A name meets within this process, and goes with the last buffer or view that holds it. Before
    Python 3.12 a class cannot offer the buffer protocol: `buffer.__buffer__()` does what
    `memoryview(buffer)` does later.

    Args:
        size: bytes, 0 or more.
        name: 1 to 200 bytes of UTF-8, printable and without '/'; None for none.
        exist_ok: attach to what has the name, if it is of the same size.
        huge_pages: of no effect.
        prefault: of no effect.

    Raises:
        FileExistsError: The name is taken, and `exist_ok` is false.
        ValueError: The size is negative, the name cannot be one, or what has it is of another size.
        SharedMemoryFull: There is not so much memory.
    """

    def __init__(
        self,
        size: SupportsIndex,
        *,
        name: str | None = None,
        exist_ok: bool = False,
        huge_pages: bool = False,  # noqa: ARG002
        prefault: bool = False,  # noqa: ARG002
    ) -> None:
        size = _checked_size(size)
        if name is None:
            self._open(_Memory(size, None), readonly=False)
        else:
            self._open(_create(size, checked_name(name), exist_ok=exist_ok), readonly=False)

    def _open(self, memory: _Memory, *, readonly: bool) -> None:
        self._memory: _Memory | None = memory
        self._size = memory.wanted
        self._name = memory.name
        self._readonly = readonly

    def _opened(self) -> _Memory:
        memory = self._memory
        if memory is None:
            raise ValueError("the buffer is closed")
        return memory

    @property
    def size(self) -> int:
        """Bytes: exactly as many as were asked for."""
        return self._size

    @property
    def name(self) -> str | None:
        """The name by which others attach (or did), or None."""
        return self._name

    @property
    def readonly(self) -> bool:
        """Whether the memory may only be read through this buffer."""
        return self._readonly

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._memory is None

    @property
    def pages(self) -> Pages:
        """What pages the memory has got: a Pages(page_size, resident, huge), in bytes."""
        return Pages(mmap.PAGESIZE, -(-len(self._opened()) // mmap.PAGESIZE) * mmap.PAGESIZE, 0)

    def close(self) -> None:
        """Let go of the memory; closing twice is allowed.

        Views that exist stay valid: the memory and its name go with the last of them.
        """
        self._memory = None

    def __buffer__(self, flags: int = 0, /) -> memoryview:
        view = memoryview(self._opened())[: self._size]
        return view.toreadonly() if self._readonly else view

    def __len__(self) -> int:
        return self._size

    def __enter__(self) -> Buffer:
        self._opened()
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def __copy__(self) -> NoReturn:
        raise TypeError(
            "a Buffer cannot be copied: it is memory that others see too; "
            "bytes(buffer) copies its content"
        )

    def __deepcopy__(self, memo: dict[int, Any], /) -> NoReturn:
        self.__copy__()

    def __reduce__(self) -> NoReturn:
        raise TypeError("the memory of a twin cannot be sent to another process")

    def __repr__(self) -> str:
        name = "" if self._name is None else f" name={self._name!r}"
        state = " closed" if self.closed else " readonly" if self._readonly else ""
        return f"<reference.{type(self).__name__} size={self._size}{name}{state}>"


def _create(size: int, name: str, *, exist_ok: bool) -> _Memory:
    with _lock:
        memory = _named.get(name)
        if memory is None:
            return _named.setdefault(name, _Memory(size, name))
    if not exist_ok:
        raise FileExistsError(errno.EEXIST, f"there is already memory named {name!r}")
    if memory.wanted != size:
        raise ValueError(
            f"there is already memory named {name!r}, and it is another: a buffer of "
            f"{memory.wanted} bytes; asked for: a buffer of {size} bytes"
        )
    return memory


def find_memory(name: str, *, readonly: bool) -> Buffer:
    """Return a new buffer over the memory that has a name; see `attach`."""
    memory = _named.get(checked_name(name))
    if memory is None:
        raise FileNotFoundError(errno.ENOENT, f"nobody holds memory named {name!r}")
    buffer = Buffer.__new__(Buffer)
    buffer._open(memory, readonly=readonly)
    return buffer


def _checked_size(size: SupportsIndex) -> int:
    if not hasattr(size, "__index__"):
        raise TypeError(f"size must be an int, not {type(size).__name__}")
    number = operator.index(size)
    if number < 0:
        raise ValueError(f"size must be 0 or more, not {number}")
    return number


def checked_name(name: str) -> str:
    """Return what can be a name.

    Raises:
        TypeError: It is no str.
        ValueError: It cannot be one.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str or None, not {type(name).__name__}")
    is_long = len(name.encode()) > _MAX_NAME
    if is_long or not name or "/" in name or not name.isprintable():
        raise ValueError(
            f"a name has 1 to {_MAX_NAME} bytes (UTF-8), printable and without '/', unlike {name!r}"
        )
    return name
