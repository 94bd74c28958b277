# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A shared array is an ndarray in every other way, and its memory lasts as long as any view."""

from __future__ import annotations

import copy
import ctypes
import gc
import io
import math
import operator
import pickle
import tracemalloc
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

from nativeconc import kernels, shared
from python.shared.arrays import same, through_pickle
from python.shared.processes import new_name

# --- what keeps the memory ------------------------------------------------------------------------


class Interface:
    """Something that NumPy takes for an array."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.__array_interface__ = array.__array_interface__


VIEWS = {
    "asarray": (np.asarray, np.asarray),
    "memoryview": (memoryview, np.asarray),
    "bytes": (lambda a: memoryview(a[1:]).cast("B"), lambda v: np.frombuffer(v)),
    "frombuffer": (np.frombuffer, np.asarray),
    "dlpack": (np.from_dlpack, np.asarray),
    "interface": (lambda a: np.asarray(Interface(a)), np.asarray),
    "slice": (lambda a: a[1:], np.asarray),
    "element": (lambda a: a[3:4].reshape(()), np.asarray),
    "other dtype": (lambda a: a.view(np.int64).reshape(2, -1).T, lambda v: v.T.view(float)),
    "buffer of a slice": (lambda a: a[::-2].data, np.asarray),
    "flat": (lambda a: a.flat, lambda v: v.copy()),
    "ctypes": (
        lambda a: a.ctypes,
        lambda v: np.ctypeslib.as_array(v.data_as(ctypes.POINTER(ctypes.c_double)), (2,)),
    ),
    "masked": (np.ma.masked_array, lambda v: v.data),
    "strides": (lambda a: np.lib.stride_tricks.as_strided(a, (2,), (8,)), np.asarray),
    "windows": (lambda a: np.lib.stride_tricks.sliding_window_view(a, 2), np.asarray),
    "broadcast": (lambda a: np.broadcast_to(a, (2, a.size)), np.asarray),
    "pickled": (through_pickle, np.asarray),
    "buffer of a buffer": (lambda a: np.asarray(memoryview(np.asarray(a)))[2:], np.asarray),
}


@pytest.mark.parametrize("size", [16, 400_000])
@pytest.mark.parametrize(("look", "read"), VIEWS.values(), ids=VIEWS)
def test_whatever_looks_at_the_memory_keeps_it(look: Any, read: Any, size: int) -> None:
    array = shared.full(size, 7.0)
    view = look(array)
    del array
    gc.collect()
    others = [shared.full(size, 1.0) for _ in range(5)]
    assert (read(view) == 7).all()
    del others


def test_views_see_the_memory() -> None:
    array = shared.zeros((3, 4))
    for view in (
        np.asarray(array),
        array.view(np.ndarray),
        np.frombuffer(array).reshape(3, 4),
        np.from_dlpack(array),
        np.asarray(memoryview(array)),
        np.asarray(type("Holder", (), {"__array_interface__": array.__array_interface__})()),
        np.ma.masked_array(array).data,
    ):
        assert type(view) is np.ndarray
        assert np.shares_memory(view, array)
        array += 1
        assert (view == array).all()
        if view.flags.writeable:  # NumPy 1 takes what comes through DLPack for read-only
            view += 1
            assert (view == array).all()


def test_a_plain_view_may_become_a_shared_array_again() -> None:
    array = shared.zeros((3, 4))
    plain = np.asarray(array)[1:]
    again = plain.view(shared.Array)
    assert same(through_pickle(again), plain)
    assert not np.shares_memory(through_pickle(plain), plain)


def test_memoryview_tells_shape_and_format() -> None:
    array = shared.zeros((3, 4), np.int16)
    view = memoryview(array)
    assert (view.shape, view.strides, view.format, view.readonly) == ((3, 4), (8, 2), "h", False)
    assert memoryview(array.T[::2]).strides == (4, 8)


def test_the_array_goes_when_nobody_needs_it() -> None:
    array = shared.zeros(400_000)
    view = array[1:]
    weak = weakref.ref(array)
    del array
    gc.collect()
    view[0] = 1
    assert view[0] == 1
    del view
    gc.collect()
    assert weak() is None


def test_kernels_take_it_as_it_is() -> None:
    values = np.random.default_rng(1).random((500, 2000))
    array = shared.copy(values)
    assert kernels.sum(array) == kernels.sum(values)
    assert math.isclose(kernels.sum(array), np.sum(values), rel_tol=1e-12)
    assert kernels.sum(array[::-1, ::2]) == kernels.sum(values[::-1, ::2])
    assert type(kernels.sum(array)) is np.float64
    tracemalloc.start()
    try:
        kernels.sum(array)
        kernels.sum(array[::-1, ::2])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < array.nbytes / 8  # no copy


# --- pickles, files, text -------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("size", [24, 240_000])
def test_pickling_in_one_process_shares(protocol: int, size: int) -> None:
    array = shared.copy(np.arange(float(size)).reshape(4, -1))
    for view in (
        *(array, array[1:], array[::-1, ::-2], array.T, array[2, 3], array[..., None]),
        *(array[:, :0], array[4:], array[1:2, 1:2], array.view("i4"), array.reshape(-1)[5:]),
        *(array[2:3, 3].reshape(()), np.broadcast_to(array[0], (3, size // 4), subok=True)),
    ):
        pickled = pickle.dumps(view, protocol)
        again = pickle.loads(pickled)
        if not isinstance(view, np.ndarray):  # a scalar
            assert again == view
            continue
        assert type(view) is type(again) is shared.Array
        assert (again.shape, again.strides, again.dtype) == (view.shape, view.strides, view.dtype)
        assert again.flags.writeable == view.flags.writeable
        assert same(again, view) or view.size == 0  # an empty array may begin anywhere
        np.testing.assert_array_equal(again, view)
        assert len(pickled) < 1000
    gc.collect()


def test_a_pickle_has_no_data_and_a_copy_has() -> None:
    array = shared.zeros(100_000)
    assert len(pickle.dumps(array)) < 1000
    for plain in (array.copy(), array + 1, np.sort(array), array.astype("f4"), np.asarray(array)):
        assert type(plain) is np.ndarray
        assert len(pickle.dumps(plain)) > 300_000


def test_a_view_that_may_not_write_stays_so_when_pickled() -> None:
    array = shared.zeros(3)
    view = array[:2]
    view.flags.writeable = False
    again = through_pickle(view)
    assert not again.flags.writeable
    assert through_pickle(array).flags.writeable


def test_an_array_without_shared_memory_pickles_its_data() -> None:
    array = np.arange(3.0).view(shared.Array)
    again = through_pickle(array)
    assert type(again) is np.ndarray
    assert again.tolist() == [0, 1, 2]


def test_save_and_load(tmp_path: Any) -> None:
    array = shared.copy(np.arange(12.0).reshape(3, 4))
    for view in (array, array.T, array[::2, 1:], array[0, 0:1].reshape(())):
        np.save(tmp_path / "a.npy", view)
        np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), view)
    np.savez_compressed(tmp_path / "a.npz", a=array, b=array[1:])
    with np.load(tmp_path / "a.npz") as found:
        np.testing.assert_array_equal(found["b"], array[1:])
    array.tofile(tmp_path / "a.bin")
    array[...] = 0
    with (tmp_path / "a.bin").open("rb") as file:
        file.readinto(array)
    assert array[2, 3] == 11
    file = io.BytesIO()
    np.savetxt(file, array)
    assert file.getvalue().count(b"\n") == 3


def test_text() -> None:
    array = shared.copy(np.arange(4).reshape(2, 2))
    assert repr(array) == "Array([[0, 1],\n       [2, 3]])"
    assert str(array) == "[[0 1]\n [2 3]]"
    assert repr(array[0]) == "Array([0, 1])"
    assert repr(shared.copy(3)) == "Array(3)"
    assert f"{shared.full((), 2.5):.2f}" == "2.50"
    assert f"{array[0, 1]:03d}" == "001"


# --- as any ndarray -------------------------------------------------------------------------------


def test_is_an_ndarray() -> None:
    array = shared.copy([3.0, 1.0, 2.0])
    assert isinstance(array, np.ndarray)
    assert not array.flags.owndata
    assert array.tolist() == list(array) == [3, 1, 2]
    assert len(array) == 3
    assert 2.0 in array
    assert float(array[0]) == 3
    assert type(array[0]) is np.float64
    with pytest.raises(TypeError, match="unhashable"):
        hash(array)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(array)
    array.sort()
    assert array.tolist() == [1, 2, 3]
    array.fill(7)
    array.put([0], 8)
    np.copyto(array[1:], 9)
    assert array.tolist() == [8, 9, 9]
    with pytest.raises(ValueError, match="cannot resize"):
        array.resize(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        array.shape = (3, 1)
    assert same(through_pickle(array), array)


def test_bytes_swapped_in_place_stay_shared() -> None:
    array = shared.copy(np.arange(3, dtype=np.int16))
    swapped = array.byteswap(True)
    assert type(swapped) is shared.Array
    assert same(swapped, array)
    assert array.tolist() == [0, 256, 512]
    assert type(array.byteswap()) is np.ndarray


@pytest.mark.parametrize(
    "operation",
    [
        *(operator.iadd, operator.isub, operator.imul, operator.ipow, operator.ifloordiv),
        *(operator.imod, operator.itruediv),
    ],
)
def test_in_place_operations_give_the_array(operation: Any) -> None:
    array, plain = shared.full((2, 3), 5.0), np.full((2, 3), 5.0)
    result = operation(array, 2)
    assert result is array
    assert array.tolist() == operation(plain, 2).tolist()
    view = array[1:]
    assert operation(view, 2) is view
    assert same(through_pickle(array), array)


def test_out_gives_the_array() -> None:
    array, other = shared.zeros((2, 3)), np.ones((2, 3))
    row = array[0]
    for result, out in (
        (np.add(other, 1, out=array), array),
        (np.add(array, 1, out=(array,)), array),
        (np.multiply(other, 2, array), array),
        (np.sum(other, axis=0, out=row), row),
        (other.mean(axis=0, out=row), row),
        (np.cumsum(other, axis=1, out=array), array),
        (np.add.reduce(other, axis=0, out=row), row),
        (np.add.accumulate(other, axis=0, out=array), array),
        (np.matmul(np.ones((2, 2)), other, out=array), array),
        (np.take(other, [1, 0], axis=0, out=array, mode="clip"), array),
        (np.clip(other, 0, 1, out=array), array),
        (np.concatenate([other[:1], other[1:]], out=array), array),
        (np.einsum("ij->j", other, out=row), row),
        (np.sin(other, out=array, where=other > 0), array),
    ):
        assert result is out
    frac, whole = shared.zeros(3), shared.zeros(3)
    a, b = np.modf([1.5, 2.5, 3.5], out=(frac, whole))
    assert a is frac
    assert b is whole
    plain = np.zeros((2, 3))
    assert np.add(array, 1, out=plain) is plain
    zero = shared.zeros(())
    assert np.add(1, 2, out=zero) is zero
    assert zero == 3
    zero += 1
    assert type(zero) is shared.Array
    assert zero == 4


class Tagged(shared.Array):
    """As NumPy's guide to subclassing has it: it calls no super()."""

    def __new__(cls, *args: Any, tag: Any = None, **kwargs: Any) -> Tagged:
        self = super().__new__(cls, *args, **kwargs)
        self.tag = tag
        return self

    def __array_finalize__(self, source: Any) -> None:
        self.tag = getattr(source, "tag", None)


def test_subclasses_may_have_attributes() -> None:
    array = Tagged((3, 4), np.int32, "F", tag="units")
    assert type(array) is Tagged
    assert array.flags.f_contiguous
    for view in (array, array[1:], array.T, array.reshape(-1, order="F"), array[:, :1].squeeze()):
        assert type(view) is Tagged
        assert view.tag == "units"
        assert same(through_pickle(view), view)
        assert type(through_pickle(view)) is Tagged
    for plain in (array + 1, array.copy(), array[[0, 1]], np.sort(array), copy.copy(array)):
        assert type(plain) is np.ndarray


def test_subclasses_may_attach_to_nothing_but_a_name() -> None:
    name = new_name("subclass")
    array = Tagged(3, name=name, tag=1)
    assert type(shared.attach(name)) is shared.Array
    assert array.name == name


def test_masked_arrays_over_it() -> None:
    array = shared.copy(np.arange(6.0))
    masked = np.ma.masked_array(array, array > 3)
    assert np.shares_memory(masked.data, array)
    assert masked.sum() == 6
    masked[0] = 9
    assert array[0] == 9
    assert type((masked + 1).data) is np.ndarray
    assert type(np.ma.masked_greater(array, 3).data) is np.ndarray
    assert masked.filled(0).tolist() == [9, 1, 2, 3, 0, 0]
    np.testing.assert_array_equal(through_pickle(masked).filled(0), masked.filled(0))


def test_records_over_it() -> None:
    array = shared.zeros(3, [("a", int), ("b", float, (2,))])
    array["a"] = [1, 2, 3]
    assert type(array["a"]) is type(array["b"]) is type(array[["a"]]) is shared.Array
    assert same(through_pickle(array["b"]), array["b"])
    array[1] = (7, (8, 9))
    assert array["b"][1].tolist() == [8, 9]
    records = array.view(np.recarray)
    records.a[0] = 5
    assert array["a"][0] == 5
    item = array[0]
    item["a"] = 6
    assert array["a"][0] == 6


def test_real_and_imag() -> None:
    array = shared.copy(np.array([1 + 2j, 3 + 4j]))
    for part in (array.real, array.imag):
        assert type(part) is shared.Array
        assert same(through_pickle(part), part)
    array.imag = 5
    array.real[0] = 6
    assert array.tolist() == [6 + 5j, 3 + 5j]
    assert type(shared.zeros(3).imag) is np.ndarray
    assert type(shared.zeros(3).real) is shared.Array
