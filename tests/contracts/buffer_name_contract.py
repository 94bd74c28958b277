# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the name of a buffer does, whoever implements it: attaching, and how long it lasts."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.buffer_subject import BufferSubject


class BufferNameContract(BufferSubject):
    def test_has_no_name_unless_it_is_given_one(self, name: str) -> None:
        assert self.make(8).name is None
        assert self.make(8, name=None).name is None
        assert self.make(8, name=name).name == name

    def test_attach_finds_what_has_the_name(self, name: str) -> None:
        buffer = self.make(13, name=name)
        self.view(buffer)[:] = b"thirteen byte"
        for other in (self.attach(name), self.attach(name, "r+"), self.attach(name, mode="r+")):
            assert type(other) is type(buffer)
            assert other is not buffer
            assert (other.name, other.size, other.readonly) == (name, 13, False)
            assert bytes(self.view(other)) == b"thirteen byte"
            self.view(other)[0] = ord("T")
            assert self.view(buffer)[0] == ord("T")
            self.view(buffer)[0] = ord("t")

    def test_attach_may_ask_for_reading_only(self, name: str) -> None:
        buffer = self.make(8, name=name)
        other = self.attach(name, "r")
        assert (buffer.readonly, other.readonly) == (False, True)
        view = self.view(other)
        assert view.readonly
        with pytest.raises(TypeError, match="read-only"):
            view[0] = 1
        self.view(buffer)[0] = 2
        assert view[0] == 2

    @pytest.mark.parametrize("mode", ["w", "", "rw", None, 1, "R"])
    def test_an_unknown_mode_is_refused(self, mode: object, name: str) -> None:
        buffer = self.make(8, name=name)
        with pytest.raises(ValueError, match="mode must be 'r' or 'r\\+', not"):
            self.attach(name, mode)
        assert not buffer.closed

    def test_nobody_has_an_unknown_name(self, name: str) -> None:
        for mode in ("r", "r+"):
            with pytest.raises(FileNotFoundError, match=name):
                self.attach(name, mode)

    def test_a_name_is_given_once(self, name: str) -> None:
        buffer = self.make(8, name=name)
        for size in (8, 9, 100_000):
            with pytest.raises(FileExistsError, match=name):
                self.make(size, name=name)
        assert self.attach(name).size == buffer.size == 8

    def test_exist_ok_creates_or_attaches(self, name: str) -> None:
        first = self.make(8, name=name, exist_ok=True)
        self.view(first)[0] = 1
        second = self.make(8, name=name, exist_ok=True)
        assert self.view(second)[0] == 1
        for size in (7, 9, 0):
            with pytest.raises(ValueError, match=f"8 bytes; asked for: a buffer of {size} bytes"):
                self.make(size, name=name, exist_ok=True)
        with pytest.raises(FileExistsError):
            self.make(8, name=name, exist_ok=False)

    def test_empty_memory_may_have_a_name(self, name: str) -> None:
        buffer = self.make(0, name=name)
        assert self.attach(name).size == 0
        assert bytes(self.view(self.attach(name, "r"))) == b""
        buffer.close()
        with pytest.raises(FileNotFoundError):
            self.attach(name)

    def test_a_name_goes_with_its_last_holder(self, name: str) -> None:
        first = self.make(8, name=name)
        second = self.attach(name)
        first.close()
        third = self.attach(name)
        second.close()
        del third
        gc.collect()
        with pytest.raises(FileNotFoundError):
            self.attach(name)
        again = self.make(9, name=name)
        assert bytes(self.view(again)) == bytes(9)

    def test_a_view_holds_the_name(self, name: str) -> None:
        with self.make(8, name=name) as buffer:
            view = self.view(buffer)
            view[0] = 1
        assert self.view(self.attach(name))[0] == 1
        view.release()
        del view
        gc.collect()
        with pytest.raises(FileNotFoundError):
            self.attach(name)

    def test_a_forgotten_buffer_holds_no_name(self, name: str) -> None:
        for _ in range(3):
            self.make(8, name=name)
            gc.collect()

    @pytest.mark.parametrize(
        "text", ["a", "x" * 200, "é" * 100, "日本", " ", ".", "..", "-", "a b\\c%d'\""]
    )
    def test_a_name_may_be_nearly_anything(self, text: str) -> None:
        # Others may run this suite at the same time.
        text = text if len(text.encode()) >= 200 else f"{text}{os.getpid()}"
        with self.make(8, name=text) as buffer:
            assert buffer.name == self.attach(text).name == text

    @pytest.mark.parametrize("text", ["", "a/b", "/", "a\0b", "a\nb", "\x1f", "x" * 201, "é" * 101])
    def test_a_name_that_cannot_be_one_is_refused(self, text: str) -> None:
        for call in (
            lambda: self.make(8, name=text),
            lambda: self.make(8, name=text, exist_ok=True),
            lambda: self.attach(text),
        ):
            with pytest.raises(ValueError, match="name"):
                call()

    def test_a_name_that_is_no_text_is_refused(self) -> None:
        for call in (lambda: self.make(8, name="\ud800"), lambda: self.attach("\ud800")):
            with pytest.raises(UnicodeEncodeError):
                call()

    @pytest.mark.parametrize("wrong", [1, b"name", 1.5, ["name"]])
    def test_a_name_that_is_no_str_is_refused(self, wrong: object) -> None:
        for call in (lambda: self.make(8, name=wrong), lambda: self.attach(wrong)):
            with pytest.raises(TypeError, match=f"not {type(wrong).__name__}"):
                call()

    def test_attach_needs_a_name(self) -> None:
        with pytest.raises(TypeError, match="not NoneType"):
            self.attach(None)

    def test_one_of_many_threads_creates(self, name: str) -> None:
        for _ in range(10):
            start = threading.Barrier(4)

            def create(_: int, start: threading.Barrier = start) -> Any:
                start.wait()
                try:
                    return self.make(8, name=name)
                except FileExistsError:
                    return None

            with ThreadPoolExecutor(4) as pool:
                made = list(pool.map(create, range(4)))
            assert sum(buffer is not None for buffer in made) == 1
            del made
            gc.collect()

    def test_all_of_many_threads_open_or_create(self, name: str) -> None:
        for _ in range(10):
            start = threading.Barrier(4)

            def create(_: int, start: threading.Barrier = start) -> Any:
                start.wait()
                return self.make(8, name=name, exist_ok=True)

            with ThreadPoolExecutor(4) as pool:
                made = list(pool.map(create, range(4)))
            self.view(made[0])[0] = 1
            assert [self.view(buffer)[0] for buffer in made] == [1] * 4
            del made
            gc.collect()
