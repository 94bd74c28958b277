# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Builtin values through a shared.Queue, which writes small ones without pickle: as with it."""

from __future__ import annotations

import collections
import enum
import pickle
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import shared

SURROGATES = st.characters(codec=None, exclude_categories=())


def same(a: Any, b: Any) -> bool:
    """Whether both are equal in all that a program can see."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    return bool(a == b)


def through(q: shared.Queue, value: Any) -> Any:
    q.put(value)
    return q.get()


keys = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary() | st.text()
)
values = st.recursive(
    keys | st.floats() | st.text(SURROGATES) | st.integers(-(2**63), 2**63 - 1),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys | st.tuples(keys, keys), inner)
    ),
    max_leaves=60,
)


@pytest.fixture(scope="module")
def q() -> shared.Queue:
    return shared.Queue()


@given(value=values)
def test_comes_as_pickle_would_bring_it(q: shared.Queue, value: Any) -> None:
    came = through(q, value)
    assert same(came, value)
    assert same(came, pickle.loads(pickle.dumps(value)))


@given(messages=st.lists(values, max_size=8))
def test_batches_keep_values_apart_and_in_order(q: shared.Queue, messages: list[Any]) -> None:
    q.put_many(messages)
    came: list[Any] = []
    while len(came) < len(messages):
        came += q.get_many(5)
    assert same(came, messages)


@pytest.mark.parametrize("size", [0, 1, 100, 4_080, 4_093, 4_094, 5_000, 100_000])
@pytest.mark.parametrize("text", ["a", "ä", "€", "𝄞"])
def test_texts_and_bytes_of_any_length(q: shared.Queue, text: str, size: int) -> None:
    for value in (
        text * size,
        text.encode() * size,
        [text] * size,
        dict.fromkeys(range(size), text),
    ):
        assert same(through(q, value), value)


def test_integers_at_the_edge(q: shared.Queue) -> None:
    edges = [sign * 2**63 + more for sign in (-1, 1) for more in (-1, 0, 1)]
    assert same(through(q, edges), edges)


def test_what_is_in_a_message_twice_is_one_object(q: shared.Queue) -> None:
    one: list[int] = []
    first, (second,), table = through(q, [one, (one,), {"here": one}])
    assert first is second
    assert table["here"] is first
    mine: dict[str, Any] = {}
    mine["me"] = [mine]
    came = through(q, mine)
    assert came["me"][0] is came


def test_two_messages_never_have_an_object_in_common(q: shared.Queue) -> None:
    message: dict[str, list[int]] = {"numbers": []}
    q.put_many([message] * 3)
    first, second, third = q.get_many(3)
    first["numbers"].append(1)
    assert second == third == {"numbers": []}
    assert second is not third


def test_a_message_is_what_it_was_when_it_was_put(q: shared.Queue) -> None:
    message = {"numbers": [1, 2]}
    q.put(message)
    message["numbers"].append(3)
    assert q.get() == {"numbers": [1, 2]}


class Colour(enum.IntEnum):
    """An int that is more than that."""

    RED = 1


class Name(str):
    """A str that is more than that."""

    __slots__ = ("note",)


Point = collections.namedtuple("Point", "x y")


def test_kinds_of_builtin_types_stay_what_they_are(q: shared.Queue) -> None:
    name = Name("Ada")
    name.note = "first"
    kinds = [
        Colour.RED,
        name,
        Point(1, 2),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, a=[1]),
        {1, 2},
        frozenset([3]),
        bytearray(b"x"),
        complex(1, -0.0),
        range(3),
    ]
    for value in kinds:
        for message in (value, [value], {"key": value}, (1, value)):
            assert same(through(q, message), message)
    assert through(q, [name])[0].note == "first"


@pytest.mark.parametrize("depth", [1, 14, 15, 16, 17, 18, 300])
@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {"in": x}])
def test_nests_to_any_depth(q: shared.Queue, depth: int, wrap: Any) -> None:
    value: Any = 7
    for _ in range(depth):
        value = wrap(value)
    assert through(q, value) == value


def test_more_lists_than_are_written_without_pickle(q: shared.Queue) -> None:
    for count in (31, 32, 33, 500):
        value = [[i] for i in range(count)]
        assert through(q, value) == value
