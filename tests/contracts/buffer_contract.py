# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a buffer of shared memory does, whoever implements it, as far as one process can see."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import nativeconc as nc
from contracts.buffer_subject import BufferSubject
from python.shared.processes import in_fork


class BufferContract(BufferSubject):
    @pytest.mark.parametrize("size", [0, 1, 2, 63, 64, 65, 4096, 4097, 70_001, 3_000_001])
    def test_has_exactly_the_size_that_was_asked_for_and_is_zeroed(self, size: int) -> None:
        for _ in range(3):  # memory that was used before, too
            buffer = self.make(size)
            view = self.view(buffer)
            assert buffer.size == len(buffer) == len(view) == view.nbytes == size
            assert (view.format, view.itemsize, view.ndim) == ("B", 1, 1)
            assert view.contiguous
            assert bytes(view) == bytes(size)
            view[:] = b"\xff" * size
            view.release()
            buffer.close()

    def test_all_views_see_the_same_memory(self) -> None:
        buffer = self.make(8)
        one, other = self.view(buffer), self.view(buffer)
        one[3] = 7
        assert other[3] == 7
        assert self.view(buffer).cast("Q")[0] == 7 << 24

    def test_size_may_be_whatever_is_an_int(self) -> None:
        class Three:
            def __index__(self) -> int:
                return 3

        assert self.make(Three()).size == self.make(size=3).size == 3
        assert self.make(True).size == 1

    @pytest.mark.parametrize("size", [1.0, "8", None, b"8", [8]])
    def test_a_size_that_is_no_int_is_refused(self, size: object) -> None:
        with pytest.raises(TypeError, match=f"size must be an int, not {type(size).__name__}"):
            self.make(size)

    @pytest.mark.parametrize("size", [-1, -(1 << 70)])
    def test_a_negative_size_is_refused(self, size: int) -> None:
        with pytest.raises(ValueError, match=f"size must be 0 or more, not {size}"):
            self.make(size)

    @pytest.mark.parametrize("size", [1 << 50, (1 << 63) - 1, 1 << 63, 1 << 70])
    @pytest.mark.parametrize("is_named", [False, True])
    def test_more_than_there_is_is_refused(self, size: int, is_named: bool, name: str) -> None:
        with pytest.raises(nc.SharedMemoryFull, match=r"at most|no memory for") as caught:
            self.make(size, name=name if is_named else None)
        assert isinstance(caught.value, OSError)
        assert caught.value.errno
        if is_named:
            with pytest.raises(FileNotFoundError):
                self.attach(name)

    def test_wrong_arguments_are_refused(self) -> None:
        for call in (
            lambda: self.make(),
            lambda: self.make(8, "name"),
            lambda: self.make(8, names="name"),
            lambda: self.attach(),
            lambda: self.attach("name", "r", 1),
        ):
            with pytest.raises(TypeError):
                call()

    @pytest.mark.parametrize("option", ["huge_pages", "prefault"])
    def test_pages_may_be_asked_for(self, option: str, name: str) -> None:
        for options in ({}, {"name": name}):
            buffer = self.make(100_000, **{option: True}, **options)
            assert buffer.size == 100_000
            assert bytes(self.view(buffer)) == bytes(100_000)
            assert buffer.pages.resident >= 100_000

    def test_pages_are_told(self) -> None:
        buffer = self.make(100_000)
        self.view(buffer)[:] = b"1" * 100_000
        pages = buffer.pages
        assert pages == (pages.page_size, pages.resident, pages.huge)
        assert pages.page_size == os.sysconf("SC_PAGE_SIZE")
        assert pages.resident >= 100_000
        assert 0 <= pages.huge <= pages.resident

    def test_close_ends_it(self) -> None:
        buffer = self.make(8)
        assert buffer.closed is False
        for _ in range(2):
            assert buffer.close() is None
            assert buffer.closed is True
        for use in (
            lambda: self.view(buffer),
            lambda: buffer.pages,
            lambda: buffer.__enter__(),
        ):
            with pytest.raises(ValueError, match="the buffer is closed"):
                use()
        assert buffer.size == len(buffer) == 8
        assert buffer.readonly is False
        assert buffer.name is None

    def test_with_closes_it(self) -> None:
        with self.make(8) as buffer:
            assert not buffer.closed
            self.view(buffer)[0] = 1
        assert buffer.closed
        with pytest.raises(ZeroDivisionError), self.make(8) as buffer:
            raise ZeroDivisionError
        assert buffer.closed

    def test_views_outlive_close(self) -> None:
        for size in (8, 3_000_001):
            buffer = self.make(size)
            view = self.view(buffer)
            view[7] = 5
            buffer.close()
            assert view[7] == 5
            view[7] = 6
            part = view[4:]
            view.release()
            del buffer
            gc.collect()
            assert part[3] == 6
            part.release()

    def test_views_outlive_the_buffer(self) -> None:
        views = [self.view(self.make(1000)) for _ in range(20)]
        gc.collect()
        for i, view in enumerate(views):
            view[:] = bytes([i]) * 1000
        assert all(bytes(view) == bytes([i]) * 1000 for i, view in enumerate(views))

    def test_many_threads_may_create_use_and_close(self) -> None:
        def work(number: int) -> None:
            for size in (8, 100_000):
                buffer = self.make(size)
                view = self.view(buffer)
                assert not any(view[:: size // 8])
                view[::] = bytes([number]) * size
                buffer.close()
                assert view[0] == view[-1] == number

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(1, 101)))

    def test_many_threads_may_close_one(self) -> None:
        for _ in range(20):
            buffer = self.make(8)
            start = threading.Barrier(3)

            def close(buffer: Any = buffer, start: threading.Barrier = start) -> None:
                start.wait()
                try:
                    self.view(buffer)[0] = 1
                except ValueError:
                    assert buffer.closed
                buffer.close()

            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda _, close=close: close(), range(3)))
            assert buffer.closed

    def test_attributes_are_read_only(self) -> None:
        buffer = self.make(8)
        for attribute in ("size", "name", "readonly", "closed", "pages"):
            with pytest.raises(AttributeError):
                setattr(buffer, attribute, 1)

    def test_repr_tells_size_name_and_end(self, name: str) -> None:
        assert repr(self.make(8)).endswith(".Buffer size=8>")
        buffer = self.make(8, name=name)
        assert repr(buffer).endswith(f".Buffer size=8 name={name!r}>")
        buffer.close()
        assert buffer.name == name
        assert repr(buffer).endswith(f".Buffer size=8 name={name!r} closed>")

    def test_buffers_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(8), self.make(8)
        assert a == a
        assert a != b
        assert len({a, b}) == 2

    def test_may_be_referenced_weakly(self) -> None:
        buffer = self.make(8)
        weak = weakref.ref(buffer)
        assert weak() is buffer
        del buffer
        gc.collect()
        assert weak() is None

    def test_may_be_subclassed(self, name: str) -> None:
        class Sub(self.make):  # type: ignore[misc]
            def first(self) -> int:
                return contract.view(self)[0]

        contract = self
        buffer = Sub(8, name=name)
        buffer.note = "more attributes"
        assert buffer.first() == 0
        assert "Sub size=8" in repr(buffer)
        assert type(self.attach(name)) is self.make

    def test_may_lie_in_a_cycle(self) -> None:
        class Node(self.make):  # type: ignore[misc]
            pass

        buffer = Node(8)
        buffer.me = buffer
        weak = weakref.ref(buffer)
        del buffer
        gc.collect()
        assert weak() is None

    def test_cannot_be_copied(self) -> None:
        buffer = self.make(8)
        for call in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="a Buffer cannot be copied"):
                call(buffer)

    def test_a_closed_one_cannot_be_pickled(self) -> None:
        buffer = self.make(8)
        buffer.close()
        with pytest.raises((ValueError, TypeError)):
            pickle.dumps(buffer)

    def test_a_forked_child_shares_it(self) -> None:
        for size in (8, 100_000):
            buffer = self.make(size)
            before = self.view(buffer)

            def write(size: int = size, buffer: Any = buffer, before: Any = before) -> None:
                before[0] = 1
                self.view(buffer)[size - 1] = 2

            in_fork(write)
            assert (before[0], before[size - 1]) == (1, 2)
