# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Buffers and arrays in any order of operations, each beside a bytearray that tells what it holds.

`World` has one method for each operation. What an operation works on is chosen by a number, so that
hypothesis or a plain random generator can drive it.
"""

from __future__ import annotations

import copy
import gc
import os
import pickle
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nativeconc import shared
from python.shared.processes import files_with, in_fork, new_name

SIZES = (0, 1, 7, 64, 65, 1000, 4096, 65536, 65537, 100_000, 1 << 20)
"""Empty, small (many share a segment) and big."""


@dataclass(eq=False)
class Content:
    """What a piece of memory should hold."""

    data: bytearray
    name: str | None = None


@dataclass(eq=False)
class Seen:
    """An object that shows some bytes of a content."""

    shown: Any
    content: Content
    where: range
    readonly: bool = False
    closed: bool = False

    def check(self) -> None:
        """The object shows what it should."""
        expected = (
            bytes(self.content.data[i] for i in self.where)
            if self.where.step != 1
            else (bytes(self.content.data[self.where.start : self.where.stop]))
        )
        found = self.shown
        assert (found.tobytes() if hasattr(found, "tobytes") else bytes(found)) == expected


@dataclass(eq=False)
class World:
    """All objects that live, and what each of them should show."""

    prefix: str = field(default_factory=lambda: new_name("order"))
    owners: list[Seen] = field(default_factory=list)  # buffers and arrays
    views: list[Seen] = field(default_factory=list)  # memoryviews and NumPy's own arrays
    pickles: list[tuple[bytes, Seen, bool]] = field(default_factory=list)
    names: int = 0

    # --- which ----------------------------------------------------------------------------------

    def owner(self, which: int) -> Seen | None:
        """One of the buffers and arrays that are open."""
        return self.owners[which % len(self.owners)] if self.owners else None

    def any(self, which: int) -> Seen | None:
        """One of all objects."""
        everything = self.owners + self.views
        return everything[which % len(everything)] if everything else None

    def _everything(self) -> list[Seen]:
        """All that keeps memory alive."""
        return self.owners + self.views + [seen for _, seen, _ in self.pickles]

    def check(self) -> None:
        """Everything shows what it should."""
        for seen in self.owners + self.views:
            seen.check()

    # --- the operations -------------------------------------------------------------------------

    def create(self, size: int, kind: int, fill: int) -> None:
        """A new buffer or array, with or without a name."""
        name = None
        if kind % 3 == 0:
            self.names += 1
            name = f"{self.prefix}-{self.names}"
        made: Any
        if kind & 1:
            made = shared.Buffer(size, name=name)
            assert made.size == len(made) == size
            assert bytes(made) == bytes(size)
        else:
            made = shared.Array(size, dtype=np.uint8, name=name)
            assert not made.any()
        data = bytearray(random.Random(fill).randbytes(size))
        if kind & 2 and not kind & 1 and name is None:
            made = shared.copy(np.frombuffer(data, dtype=np.uint8))
        else:
            memoryview(made)[:] = data
        self.owners.append(Seen(made, Content(data, name), range(size)))

    def view(self, which: int, kind: int) -> None:
        """Another object over all the bytes of one."""
        seen = self.any(which)
        if seen is None:
            return
        source = seen.shown
        kind %= 6
        if kind == 0:
            made: Any = memoryview(source)
        elif kind == 1:
            made = np.asarray(source)
        elif kind == 2 and seen.where.step == 1:
            made = np.ndarray(len(seen.where), np.uint8, buffer=source)
        elif kind == 3 and seen.where.step == 1 and len(seen.where):
            made = np.frombuffer(source, dtype=np.uint8)
        elif kind == 4 and isinstance(source, np.ndarray):
            made = source[...]
        else:
            made = np.asarray(memoryview(source))
        self._add(made, seen, seen.where)

    def slice(self, which: int, start: int, stop: int, step: int) -> None:
        """An object over some bytes of one."""
        seen = self.any(which)
        if seen is None or isinstance(seen.shown, shared.Buffer):
            return
        part = slice(start % (len(seen.where) + 1), stop % (len(seen.where) + 1), step)
        self._add(seen.shown[part], seen, seen.where[part])

    def _add(self, made: Any, source: Seen, where: range) -> None:
        into = self.owners if isinstance(made, shared.Array) else self.views
        into.append(Seen(made, source.content, where, source.readonly))

    def write(self, which: int, at: int, value: int) -> None:
        """One byte changes, for all that show it."""
        seen = self.any(which)
        if seen is None or not len(seen.where):
            return
        at %= len(seen.where)
        target = memoryview(seen.shown) if isinstance(seen.shown, shared.Buffer) else seen.shown
        try:
            target[at] = value
        except (TypeError, ValueError):
            assert seen.readonly
            return
        assert not seen.readonly
        seen.content.data[seen.where[at]] = value

    def close(self, which: int) -> None:
        """A buffer is closed, whatever looks at it."""
        seen = self.owner(which)
        if seen is None or not isinstance(seen.shown, shared.Buffer):
            return
        seen.shown.close()
        seen.shown.close()
        assert seen.shown.closed
        for use in (memoryview, pickle.dumps, shared.Buffer.__enter__):
            try:
                use(seen.shown)
            except ValueError:
                continue
            raise AssertionError("a closed buffer can be used")
        self.owners.remove(seen)

    def drop(self, which: int) -> None:
        """An object goes."""
        seen = self.any(which)
        if seen is not None:
            (self.owners if seen in self.owners else self.views).remove(seen)

    def drop_in_a_cycle(self, which: int) -> None:
        """An object goes when the garbage collector finds it."""
        seen = self.any(which)
        if seen is not None:
            cycle: list[Any] = [seen.shown]
            cycle.append(cycle)
            self.drop(which)

    def collect(self) -> None:
        """What is only kept by cycles goes."""
        gc.collect()

    def copy(self, which: int, kind: int) -> None:
        """A copy has memory of its own."""
        seen = self.owner(which)
        if seen is None:
            return
        if isinstance(seen.shown, shared.Buffer):
            for use in (copy.copy, copy.deepcopy):
                try:
                    use(seen.shown)
                except TypeError:
                    continue
                raise AssertionError("a buffer can be copied")
            return
        ways = (lambda a: a.copy(), copy.copy, copy.deepcopy, shared.copy, lambda a: a.astype("u1"))
        made = ways[kind % len(ways)](seen.shown)
        data = bytearray(made.tobytes())
        into = self.owners if isinstance(made, shared.Array) else self.views
        assert isinstance(made, shared.Array) == (kind % len(ways) == 3)
        into.append(Seen(made, Content(data), range(len(data))))

    def pickle(self, which: int) -> None:
        """A handle of a buffer or an array is made."""
        seen = self.owner(which)
        if seen is not None:
            # What an empty slice shows, and where it lies, cannot be told apart from nothing.
            is_shared = isinstance(seen.shown, shared.Buffer) or seen.shown._buffer is not None
            self.pickles.append((pickle.dumps(seen.shown), seen, is_shared))

    def load(self, which: int) -> None:
        """A handle arrives."""
        if not self.pickles:
            return
        handle, seen, is_shared = self.pickles.pop(which % len(self.pickles))
        made = pickle.loads(handle)
        assert type(made) is type(seen.shown) or not is_shared
        content, where = seen.content, seen.where
        if not is_shared:
            content, where = Content(bytearray(made.tobytes())), range(made.size)
        into = self.owners if isinstance(made, (shared.Buffer, shared.Array)) else self.views
        into.append(Seen(made, content, where, seen.readonly and is_shared))
        self._load_again(handle, content, seen, is_shared)

    def _load_again(self, handle: bytes, content: Content, seen: Seen, is_shared: bool) -> None:
        """A handle is for one; while the memory lives it works for others, too."""
        if is_shared:
            again = pickle.loads(handle)
            Seen(again, content, seen.where).check()

    def attach(self, which: int, mode: int) -> None:
        """By name: what lives is found, what does not is not."""
        if not self.names:
            return
        name = f"{self.prefix}-{which % self.names + 1}"
        readonly = bool(mode & 1)
        living = {seen.content.name: seen.content for seen in self._everything()}
        content = living.get(name)
        if content is None:
            gc.collect()
            shared.sweep()
            try:
                shared.attach(name)
            except FileNotFoundError:
                return
            raise AssertionError(f"{name} has outlived its last holder")
        made = shared.attach(name, "r" if readonly else "r+")
        self.owners.append(Seen(made, content, range(len(content.data)), readonly))

    def take_name_again(self, which: int) -> None:
        """A name that lives is taken; one that does not is free."""
        if not self.names:
            return
        name = f"{self.prefix}-{which % self.names + 1}"
        if any(seen.content.name == name for seen in self._everything()):
            try:
                shared.Buffer(10, name=name)
            except FileExistsError:
                return
            raise AssertionError(f"{name} was taken twice")
        gc.collect()
        shared.sweep()
        made = shared.Buffer(5, name=name)
        self.owners.append(Seen(made, Content(bytearray(5), name), range(5)))

    def fork(self, value: int) -> None:
        """A child finds all as it was, uses and drops some, and ends; what it writes stays."""
        in_fork(lambda: self._be_child(value))
        for which in range(len(self.owners)):
            self._expect(which, value ^ which & 255)

    def _expect(self, which: int, value: int) -> None:
        seen = self.owners[which]
        if len(seen.where) and not seen.readonly:
            seen.content.data[seen.where[-1]] = value

    def _be_child(self, value: int) -> None:
        self.check()
        mine = [shared.full(n, 9, dtype=np.uint8) for n in (3, 500, 100_000)]
        self.check()
        for which, seen in enumerate(self.owners):
            if len(seen.where) and not seen.readonly:
                memoryview(seen.shown)[len(seen.where) - 1] = value ^ which & 255
                self._expect(which, value ^ which & 255)
        self.check()
        for a in mine:
            assert (a == 9).all()
        again = [(pickle.loads(pickle.dumps(seen.shown)), seen) for seen in self.owners]
        for other, seen in again:
            Seen(other, seen.content, seen.where).check()
        if value & 1:  # the handles are for the parent
            self.pickles.clear()
            self.forget_everything()
            shared.sweep()

    def sweep(self) -> None:
        """Nothing that lives goes."""
        removed = set(shared.sweep())
        assert not removed & {seen.content.name for seen in self._everything()}

    def segments(self) -> None:
        """What has a name and lives is listed, with its holder."""
        found = {segment.name: segment for segment in shared.segments()}
        for seen in self.owners + self.views:
            if seen.content.name is not None:
                segment = found[seen.content.name]
                assert segment.size == len(seen.content.data)
                assert os.getpid() in [holder.pid for holder in segment.holders]

    # --- the end --------------------------------------------------------------------------------

    def forget_everything(self) -> None:
        """All objects go."""
        while self.pickles:
            self.load(0)
        self.owners.clear()
        self.views.clear()
        gc.collect()

    def end(self) -> None:
        """All objects go, and nothing of them is left."""
        self.forget_everything()
        shared.sweep()
        assert files_with(self.prefix) == []

    def random_step(self, rng: random.Random) -> None:
        """One operation on something."""
        n = rng.randrange
        operations = (
            (6, lambda: self.create(rng.choice(SIZES), n(12), n(256))),
            (6, lambda: self.view(n(1000), n(6))),
            (6, lambda: self.slice(n(1000), n(1000), n(100_000), rng.choice((1, 2, 3, -1)))),
            (6, lambda: self.write(n(1000), n(1 << 20), n(256))),
            (5, lambda: self.close(n(1000))),
            (9, lambda: self.drop(n(1000))),
            (1, lambda: self.drop_in_a_cycle(n(1000))),
            (1, self.collect),
            (2, lambda: self.copy(n(1000), n(5))),
            (4, lambda: self.pickle(n(1000))),
            (4, lambda: self.load(n(1000))),
            (2, lambda: self.attach(n(1000), n(2))),
            (1, lambda: self.take_name_again(n(1000))),
            (1, lambda: self.fork(n(256))),
            (1, self.sweep),
            (1, self.segments),
        )
        weights, actions = zip(*operations, strict=True)
        rng.choices(actions, weights)[0]()
