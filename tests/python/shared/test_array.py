# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How shared arrays are made: dtypes, shapes, orders, content and names."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import nativeconc as nc
from nativeconc import shared
from python.shared.arrays import same, through_pickle
from python.shared.processes import new_name

DTYPES = [
    *("?", "b", "B", "i2", "u4", "i8", "f2", "f4", "f8", "g", "F", "D", "G", ">f8", ">i2"),
    *("S1", "S5", "U1", "U7", "V3", "S", "U"),
    *("M8", "M8[ns]", "M8[D]", "m8[3us]"),
    [("a", "i1"), ("b", "f8")],
    np.dtype([("a", "i1"), ("b", "f8")], align=True),
    np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]}),  # they overlap
    np.dtype({"names": ["a"], "formats": ["i4"], "itemsize": 16}),
    [("a", float, (2, 3)), ("b", [("c", "S3")])],
    [(("a title", "a"), "i4")],
]

# --- how it is made -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_without_objects_are_held(dtype: Any) -> None:
    array = shared.Array((2, 3), dtype)
    plain = np.zeros((2, 3), dtype)
    assert array.dtype == plain.dtype
    assert array.tobytes() == plain.tobytes()
    if array.dtype.kind in "iufcb":
        array[1, 2] = plain[1, 2] = 1
        np.testing.assert_array_equal(array, plain)
    again = through_pickle(array)
    assert again.dtype == array.dtype
    assert again.tobytes() == array.tobytes()
    assert same(again, array)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_name_tells_dtype_shape_and_order(dtype: Any, order: Any) -> None:
    name = new_name("dtype")
    array = shared.Array((2, 3), dtype, order, name=name)
    found = shared.attach(name)
    assert type(found) is shared.Array
    assert (found.dtype, found.shape, found.strides) == (array.dtype, (2, 3), array.strides)
    assert found.dtype.isalignedstruct == array.dtype.isalignedstruct
    assert shared.Array((2, 3), dtype, order, name=name, exist_ok=True).dtype == array.dtype


def test_a_subarray_dtype_adds_dimensions() -> None:
    name = new_name("subarray")
    for options in ({}, {"name": name}):
        array = shared.zeros((4,), (np.int16, (2, 3)), **options)
        assert array.shape == np.zeros((4,), (np.int16, (2, 3))).shape == (4, 2, 3)
        assert array.dtype == np.int16
    assert shared.attach(name).shape == (4, 2, 3)


@pytest.mark.parametrize("dtype", [object, [("a", "O")], [("a", [("b", "O", (2,))])]], ids=str)
def test_python_objects_are_refused(dtype: Any) -> None:
    name = new_name("objects")
    for call in (
        lambda: shared.Array(3, dtype),
        lambda: shared.zeros(3, dtype, name=name),
        lambda: shared.empty(3, dtype),
        lambda: shared.full(3, 0, dtype),
        lambda: shared.copy(np.zeros(3, dtype)),
    ):
        with pytest.raises(TypeError, match="a shared array cannot hold Python objects, as dtype"):
            call()
    with pytest.raises(TypeError, match="Python objects, as dtype object"):
        shared.full(3, object())
    with pytest.raises(FileNotFoundError):
        shared.attach(name)


# NumPy 2 alone has such a dtype, and 1.26 is supported, too.
@pytest.mark.skipif(
    not hasattr(getattr(np, "dtypes", None), "StringDType"), reason="this NumPy has no StringDType"
)
def test_strings_of_any_length_are_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold Python objects"):
        shared.zeros(3, np.dtypes.StringDType())
    with pytest.raises(TypeError, match="cannot hold Python objects"):
        shared.copy(np.array(["a"], np.dtypes.StringDType()))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), ()),
        (0, (0,)),
        (3, (3,)),
        (np.int8(3), (3,)),
        (np.array(3), (3,)),
        ([2, 3], (2, 3)),
        (np.array([2, 3]), (2, 3)),
        (range(1, 4), (1, 2, 3)),
        ((0, 3), (0, 3)),
        ((3, 0, 2), (3, 0, 2)),
        ((np.int64(2), True), (2, 1)),
        ((1,) * 32, (1,) * 32),
    ],
    ids=repr,
)
def test_shapes(shape: Any, expected: tuple[int, ...]) -> None:
    for make in (shared.Array, shared.zeros, shared.empty, lambda s: shared.full(s, 1.0)):
        array = make(shape)
        assert type(array) is shared.Array
        assert array.shape == expected
        assert all(type(size) is int for size in array.shape)
        assert array.dtype == float
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert through_pickle(array).shape == expected
    name = new_name("shape")
    shared.zeros(shape, name=name)[...] = 1
    array = shared.zeros(shape, name=name)
    assert shared.attach(name).shape == expected


@pytest.mark.parametrize(
    ("shape", "error", "match"),
    [
        (-1, ValueError, "negative dimensions"),
        ((3, -2), ValueError, "negative dimensions"),
        (2.5, TypeError, "shape must be an int or a sequence of ints, not float"),
        (None, TypeError, "shape must be an int or a sequence of ints, not NoneType"),
        ((2.0,), TypeError, "cannot be interpreted as an integer"),
        ("ab", TypeError, "cannot be interpreted as an integer"),
        ((1,) * 65, ValueError, "maximum supported dimension"),
        ((0, 1 << 62, 1 << 62), ValueError, "too big"),
        (1 << 50, nc.SharedMemoryFull, "at most"),
        ((1 << 40, 1 << 40), ValueError, "too big"),
        ((np.int64(1 << 32), np.int64(1 << 32)), ValueError, "too big"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("is_named", [False, True])
def test_shapes_that_cannot_be(shape: Any, error: Any, match: str, is_named: bool) -> None:
    name = new_name("no-shape") if is_named else None
    for make in (shared.Array, shared.zeros, shared.empty):
        with pytest.raises(error, match=match):
            make(shape, name=name)
    if name is not None:
        with pytest.raises(FileNotFoundError):
            shared.attach(name)


def test_wrong_arguments_are_refused() -> None:
    for order in ("A", "K", None, 1, "c"):
        with pytest.raises(ValueError, match="order must be 'C' or 'F', not"):
            shared.zeros(3, float, order)
    with pytest.raises(TypeError, match="not understood"):
        shared.zeros(3, "nonsense")
    with pytest.raises(TypeError, match="name must be a str or None, not int"):
        shared.zeros(3, name=3)
    for name in ("", "a/b", "x" * 201):
        with pytest.raises(ValueError, match="name"):
            shared.zeros(3, name=name)
    for call in (
        lambda: shared.Array(),
        lambda: shared.zeros(3, float, "C", "name"),
        lambda: shared.zeros(3, names="name"),
        lambda: shared.full(3),
        lambda: shared.copy(),
    ):
        with pytest.raises(TypeError):
            call()


def test_fortran_order() -> None:
    for make in (shared.Array, shared.zeros, shared.empty):
        array = make((3, 4), np.int16, "F")
        assert array.flags.f_contiguous
        assert not array.flags.c_contiguous
        assert array.strides == (2, 6)
    array = shared.full((2, 3), [[1, 2, 3], [4, 5, 6]], order="F")
    assert array.flags.f_contiguous
    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]
    again = through_pickle(array)
    assert again.strides == array.strides
    assert same(again, array)


@pytest.mark.parametrize("size", [1, 8, 64, 1000, 4096, 70_000, 3_000_000])
def test_memory_that_was_used_before_is_zeroed(size: int) -> None:
    for _ in range(5):
        arrays = [shared.zeros(size, np.uint8) for _ in range(3)]
        for array in arrays:
            assert not array.any()
            array[:] = 255
        del array, arrays
        array = shared.Array(size, np.uint8)
        assert not array.any()
        array[:] = 255
        del array
        shared.empty(size, np.uint8)[:] = 255


def test_data_begins_at_a_multiple_of_64() -> None:
    arrays = [
        shared.zeros(size, np.uint8, name=name)
        for size in (0, 1, 7, 63, 65, 1000, 5000, 100_001)
        for name in (None, None, new_name("alignment"))
    ]
    assert [array.ctypes.data % 64 for array in arrays] == [0] * len(arrays)
    assert all(array.flags.aligned for array in arrays)


def test_full() -> None:
    assert shared.full(3, 2.5).tolist() == [2.5] * 3
    assert shared.full((2, 2), [1, 2]).tolist() == [[1, 2], [1, 2]]
    assert shared.full(2, 2.7, int).tolist() == [2, 2]
    for value in (1, 1.0, 1j, True, "abc", b"ab", np.float32(1), np.datetime64("2020-01-01")):
        assert shared.full(2, value).dtype == np.full(2, value).dtype
        np.testing.assert_array_equal(shared.full(2, value), np.full(2, value))
    with pytest.raises(ValueError, match="broadcast"):
        shared.full((2, 2), [1, 2, 3])
    name = new_name("full")
    array = shared.full(3, 7, name=name, prefault=True)
    assert shared.attach(name).tolist() == array.tolist() == [7, 7, 7]


@pytest.mark.parametrize("dtype", [d for d in DTYPES if np.dtype(d).itemsize], ids=str)
def test_copy_holds_the_same(dtype: Any) -> None:
    source = np.zeros((2, 3), dtype)
    source[1] = np.ones((), dtype) if source.dtype.names is None else source[0]
    for view in (source, source.T, source[::-1, ::2], source[:, 1:2], source[:0], source[0, 0:1]):
        array = shared.copy(view)
        assert type(array) is shared.Array
        assert (array.dtype, array.shape) == (source.dtype, view.shape)
        np.testing.assert_array_equal(array, view)
        assert array.flags.fnc == view.flags.fnc
        assert not np.shares_memory(array, source)


def test_copy_takes_what_asarray_takes() -> None:
    assert shared.copy([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert shared.copy(3).shape == ()
    assert shared.copy(range(3)).tolist() == [0, 1, 2]
    assert shared.copy(memoryview(b"abc")).tolist() == [97, 98, 99]
    first = shared.copy([1, 2])
    second = shared.copy(first)
    first[0] = 9
    assert second.tolist() == [1, 2]
    name = new_name("copy")
    third = shared.copy(first, name=name, huge_pages=True)
    assert shared.attach(name).tolist() == third.tolist() == [9, 2]
    read_only = np.arange(3)
    read_only.flags.writeable = False
    assert shared.copy(read_only).flags.writeable
    with pytest.raises(ValueError, match="inhomogeneous"):
        shared.copy([[1], [1, 2]])


# --- names ----------------------------------------------------------------------------------------


def test_attach_sees_the_same_memory() -> None:
    name = new_name("attach")
    array = shared.Array((3, 4), np.float32, name=name)
    assert array.name == array[1:].name == array.T.name == name
    found = shared.attach(name)
    assert (found.shape, found.dtype, found.name) == ((3, 4), np.float32, name)
    found[1, 2] = 5
    assert array[1, 2] == 5
    assert shared.zeros(3).name is None


def test_attach_for_reading_cannot_write() -> None:
    name = new_name("read-only")
    array = shared.zeros(3, name=name)
    found = shared.attach(name, "r")
    array[0] = 1
    assert found[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 2
    for view in (found, found[1:], found.view(np.int64), np.asarray(found), through_pickle(found)):
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True
    assert found.copy().flags.writeable
    assert array.flags.writeable


def test_a_name_is_given_once() -> None:
    name = new_name("once")
    array = shared.zeros((2, 3), name=name)
    for call in (
        lambda: shared.Array((2, 3), name=name),
        lambda: shared.empty((2, 3), name=name),
        lambda: shared.full((2, 3), 1, name=name),
        lambda: shared.copy(array, name=name),
        lambda: shared.Buffer(48, name=name),
    ):
        with pytest.raises(FileExistsError, match=name):
            call()
    assert not array.any()


def test_exist_ok_demands_the_same_array() -> None:
    name = new_name("exist-ok")
    array = shared.zeros((2, 3), name=name, exist_ok=True)
    array[0, 0] = 1
    for make in (shared.Array, shared.zeros, shared.empty):
        again = make((2, 3), float, name=name, exist_ok=True)
        assert again[0, 0] == 1
    for call in (
        lambda: shared.zeros((3, 2), name=name, exist_ok=True),
        lambda: shared.zeros(6, name=name, exist_ok=True),
        lambda: shared.zeros((2, 3), np.int64, name=name, exist_ok=True),
        lambda: shared.zeros((2, 3), ">f8", name=name, exist_ok=True),
        lambda: shared.zeros((2, 3), order="F", name=name, exist_ok=True),
        lambda: shared.Buffer(48, name=name, exist_ok=True),
    ):
        with pytest.raises(ValueError, match=r"48 bytes.*asked for: .* 48 bytes"):
            call()
    with pytest.raises(ValueError, match=r"48 bytes.*56 bytes"):
        shared.zeros(7, name=name, exist_ok=True)


def test_a_view_holds_the_name() -> None:
    name = new_name("view")
    views = [shared.zeros((3, 4), name=name)[1:, ::2]]
    views.append(np.asarray(views[0]))
    while views:
        gc.collect()
        assert shared.attach(name).shape == (3, 4)
        views.pop(0)
    gc.collect()
    with pytest.raises(FileNotFoundError):
        shared.attach(name)


def test_pages() -> None:
    pages = shared.zeros(100_000, prefault=True).pages
    assert isinstance(pages, shared.Pages)
    assert pages.resident >= 800_000
    assert shared.zeros(3).pages.page_size == shared.zeros(3)[1:].pages.page_size
    assert np.zeros(3).view(shared.Array).pages is None
    assert np.zeros(3).view(shared.Array).name is None
