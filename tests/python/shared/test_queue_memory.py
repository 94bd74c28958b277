# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Files of big messages, which a shared.Queue writes again when nobody reads them any more."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np

from nativeconc import shared
from python.shared.processes import come_to_rest, descriptors, exit_code, start_fork

BIG = 100_000


def test_memory_that_is_written_again_is_nobodys() -> None:
    q = shared.Queue()
    held: dict[int, Any] = {}
    children = []
    for i in range(40):
        q.put(np.full(BIG + i % 3, i))
        held[i] = q.get()
        if i % 10 == 7:  # a child keeps what its parent lets go
            reader, writer = os.pipe()
            child = start_fork(partial(keep_until_told, held[i], reader))
            children.append((child, reader, writer))
        for old in [old for old in held if old % 4 != 1 and old < i]:
            del held[old]
        assert all((array == number).all() for number, array in held.items())
    for child, reader, writer in children:
        os.write(writer, b"x")
        assert exit_code(child) == 0
        os.close(reader)
        os.close(writer)


def keep_until_told(array: Any, reader: int) -> None:
    number = array[0]
    os.read(reader, 1)
    assert (array == number).all()


def test_a_queue_keeps_some_files_and_gives_them_back() -> None:
    come_to_rest()
    before = descriptors()
    q = shared.Queue()
    for _ in range(3):
        q.put_many([np.zeros(BIG)] * 10)
        assert len(q.get_many(10)) == 10
    assert len(descriptors()) <= len(before) + 4 + 4  # its own, and some files
    del q
    come_to_rest()
    assert descriptors() == before
