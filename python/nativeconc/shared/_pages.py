# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What pages a piece of memory really has, read from the kernel."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeconc._core import Buffer

__all__ = ["Pages", "pages_of"]


class Pages(NamedTuple):
    """The pages behind a buffer or an array, as this process has them now."""

    page_size: int
    """Bytes of an ordinary page."""
    resident: int
    """Bytes that this process can use without a page fault."""
    huge: int
    """Bytes of these that lie in huge pages."""


def pages_of(buffer: Buffer) -> Pages:
    """The pages of an open buffer; those of a small one are its neighbours', too."""
    resident = huge = 0
    for name, size in _mapping_of(buffer._address):
        if name == "Rss":
            resident = size
        elif name in ("ShmemPmdMapped", "FilePmdMapped"):
            huge += size
    return Pages(mmap.PAGESIZE, resident, huge)


def _mapping_of(address: int) -> Iterator[tuple[str, int]]:
    """The fields of the mapping at an address, in bytes: see proc_pid_smaps(5)."""
    is_wanted = False
    with Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            first, _, rest = line.partition(" ")
            if first.endswith(":"):
                if is_wanted and rest.endswith("kB\n"):
                    yield first[:-1], int(rest.split()[0]) * 1024
            elif is_wanted:
                return
            else:
                begin, _, end = first.partition("-")
                is_wanted = int(begin, 16) <= address < int(end, 16)
