# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`shared.Array`: a NumPy array whose data lies in shared memory."""

from __future__ import annotations

import ast
import errno
import functools
import math
import operator
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nativeconc import _core
from nativeconc.errors import SegmentError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from nativeconc.shared._pages import Pages

__all__ = ["Array"]

_ndarray_new: Any = np.ndarray.__new__  # NumPy's stubs know no buffers but Python's own
# NumPy 1 does not say whether it wants a scalar in place of an array without dimensions.
_SCALARS = np.lib.NumpyVersion(np.__version__) < "2.0.0"


class Array(np.ndarray[Any, Any]):
    """A NumPy array that processes share, zeroed: an `ndarray` in every other way.

    Slices, transposes and other views are shared arrays too, and pickle as handles, without their
    data. What has memory of its own is a plain `ndarray`: `copy()`, `astype()`, fancy indexing,
    `numpy.sort`, `copy.deepcopy`, arithmetic. The memory stays mapped as long as any view of it.

    The data begins at a multiple of 64 bytes.

    Args:
        shape: An int or a sequence of ints.
        dtype: Anything without Python objects in it.
        order: "C" or "F", how the data lies.
        name: The name by which other processes attach; None for none.
        exist_ok: Attach to what has the name, if it is an array of this shape, dtype and order.
        huge_pages: Ask for huge pages, touching all pages now; `pages` tells what came.
        prefault: Touch all pages now, so that first use is quick.

    Raises:
        TypeError: The dtype holds Python objects, or a shape is no int.
        ValueError: A negative dimension, an unknown order, a bad name, or what has the name is
            something else.
        FileExistsError: The name is taken, and `exist_ok` is false.
        SharedMemoryFull: There is no memory, no room in /dev/shm, or no address space left.
        SegmentError: The name belongs to a file that is no shared memory.

    Does not block; releases the GIL while it reserves a megabyte or more, which Ctrl-C interrupts.
    A forked child shares the array.
    """

    __slots__ = ()
    # numpy.ma gives this type to the data of an array that it copies.
    _baseclass = np.ndarray

    def __new__(
        cls,
        shape: Any,
        dtype: DTypeLike = float,
        order: Literal["C", "F"] = "C",
        *,
        name: str | None = None,
        exist_ok: bool = False,
        huge_pages: bool = False,
        prefault: bool = False,
    ) -> Array:
        """Create it; see the class."""
        return new_array(
            cls,
            shape,
            dtype,
            order,
            name=name,
            exist_ok=exist_ok,
            huge_pages=huge_pages,
            prefault=prefault,
        )

    @property
    def _buffer(self) -> _core.Buffer | None:
        """Where the data lies; None for an array with memory of its own."""
        return _buffer_of(self)

    @property
    def name(self) -> str | None:
        """The name by which other processes attach, or None."""
        return None if self._buffer is None else self._buffer.name

    @property
    def pages(self) -> Pages | None:
        """What pages the whole memory has got: Pages(page_size, resident, huge), in bytes."""
        return None if self._buffer is None else self._buffer.pages

    @property
    def imag(self) -> Any:
        """The imaginary part: a view of complex numbers, plain zeros for real ones."""
        return _plain(super().imag)

    @imag.setter
    def imag(self, value: Any) -> None:
        self.view(np.ndarray).imag = value

    def __array_wrap__(
        self, array: Any, context: Any = None, return_scalar: bool = _SCALARS, /
    ) -> Any:
        """What ufuncs return: this array itself if it was `out`, else a plain one."""
        if array is self:
            return self
        if _buffer_of(array) is not None:  # squeeze() asks for its view, too
            return super().__array_wrap__(array)
        return array[()] if return_scalar and array.ndim == 0 else _plain(array)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What NumPy's other functions return: views stay shared, copies are plain."""
        return _plain(super().__array_function__(func, types, args, kwargs))

    # No arrays of this type, other than the base class has it.
    def __copy__(self) -> np.ndarray[Any, Any]:  # type: ignore[override]
        return np.array(self, copy=True, subok=False, order="K")

    def __deepcopy__(self, memo: Any, /) -> np.ndarray[Any, Any]:  # type: ignore[override]
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        """By reference where the data is shared; else as the plain array that it is."""
        if self._buffer is None:
            return self.view(np.ndarray).__reduce_ex__(protocol)
        # An empty array may begin anywhere.
        address = self.__array_interface__["data"][0]
        offset = address - self._buffer._address if self.size else 0
        return (
            _restore,
            (
                type(self),
                self._buffer,
                self.shape,
                self.dtype,
                offset,
                self.strides,
                self.flags.writeable,
            ),
        )

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)


def _buffer_of(array: np.ndarray[Any, Any]) -> _core.Buffer | None:
    """The buffer that the views of an array begin with."""
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, _core.Buffer) else None


def _plain(result: Any) -> Any:
    """A result, or each of several, as a plain array if its memory is its own."""
    if isinstance(result, Array):
        return result if result._buffer is not None else result.view(np.ndarray)
    if type(result) in (tuple, list):
        return type(result)(map(_plain, result))
    if isinstance(result, tuple) and hasattr(result, "_make"):  # numpy.linalg's
        return result._make(map(_plain, result))
    return result


def _returning_plain(name: str) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)

    @functools.wraps(method)
    def call(self: Array, *args: Any, **kwargs: Any) -> Any:
        return _plain(method(self, *args, **kwargs))

    call.__qualname__ = f"Array.{name}"
    return call


# The methods of ndarray that may give new memory the type of the array.
for _name in (
    *("__getitem__", "argpartition", "argsort", "astype", "byteswap", "choose", "clip", "compress"),
    *("conj", "conjugate", "copy", "cumprod", "cumsum", "diagonal", "dot", "flatten", "max"),
    *("mean", "min", "prod", "ravel", "repeat", "reshape", "round", "searchsorted", "std", "sum"),
    *("take", "trace", "var", "all", "any", "argmax", "argmin", "nonzero", "ptp"),
):
    if hasattr(np.ndarray, _name):  # NumPy 2 has no ptp
        setattr(Array, _name, _returning_plain(_name))
del _name


def new_array(
    cls: type[Array],
    shape: Any,
    dtype: DTypeLike,
    order: str,
    *,
    name: str | None = None,
    exist_ok: bool = False,
    huge_pages: bool = False,
    prefault: bool = False,
    zeroed: bool = True,
) -> Array:
    """What `Array()` does, with or without zeros."""
    kind = np.dtype(dtype)
    if kind.hasobject:
        raise TypeError(f"a shared array cannot hold Python objects, as dtype {kind} does")
    if order not in ("C", "F"):
        raise ValueError(f"order must be 'C' or 'F', not {order!r}")
    shape = _dimensions(shape)
    while kind.subdtype is not None:  # as NumPy does, too
        kind, more = kind.subdtype
        shape += more
    if kind.itemsize == 0 and kind.fields is None:  # str, bytes: as NumPy, of one character
        kind = np.dtype(kind.str.replace("0", "1"))
    if order == "F" and sum(size != 1 for size in shape) <= 1:
        order = "C"  # the same
    meta = None if name is None else repr((_describe(kind), shape, order)).encode()
    size = math.prod(shape) * kind.itemsize
    if size > sys.maxsize:
        raise ValueError(f"array is too big: shape {shape} of dtype {kind} has {size} bytes")
    buffer = _core.new_array_memory(
        size,
        name,
        bool(exist_ok),
        bool(huge_pages),
        bool(prefault),
        zeroed,
        meta,
    )
    return over_buffer(cls, buffer, shape, kind, order=order)


def over_buffer(
    cls: type[Array],
    buffer: _core.Buffer,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    offset: int = 0,
    strides: tuple[int, ...] | None = None,
    order: Any = "C",
) -> Array:
    """An array over the bytes of a buffer."""
    array: Array = _ndarray_new(cls, shape, dtype, buffer, offset, strides, order)
    return array


def _dimensions(shape: Any) -> tuple[int, ...]:
    """A shape, an int or a sequence of ints, as a tuple."""
    sizes: tuple[int, ...]
    if isinstance(shape, (bool, np.bool_)):
        raise TypeError(f"shape must be an int or a sequence of ints, not {shape!r}")
    try:
        sizes = (operator.index(shape),)
    except TypeError:
        if not hasattr(shape, "__getitem__"):
            raise TypeError(
                f"shape must be an int or a sequence of ints, not {type(shape).__name__}"
            ) from None
        sizes = tuple(map(operator.index, shape))
    if min(sizes, default=0) < 0:
        raise ValueError(f"negative dimensions are not allowed: shape {sizes}")
    return sizes


def _describe(dtype: np.dtype[Any]) -> Any:
    """A dtype as a literal from which `numpy.dtype` makes it, in another process."""
    described = _literal(dtype)
    if np.dtype(described) != dtype:
        raise TypeError(f"an array of dtype {dtype} cannot have a name: other processes lack it")
    return described


def _literal(dtype: np.dtype[Any]) -> Any:
    if dtype.subdtype is not None:
        return (_literal(dtype.subdtype[0]), dtype.subdtype[1])
    if dtype.fields is None:
        return dtype.str
    assert dtype.names is not None
    fields = [dtype.fields[name] for name in dtype.names]
    return {
        "names": list(dtype.names),
        "formats": [_literal(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "titles": [field[2] if len(field) > 2 else None for field in fields],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    }


def over_named(buffer: _core.Buffer) -> Array:
    """The array that the creator of a named segment described."""
    try:
        descr, shape, order = ast.literal_eval(buffer._meta.decode())
        return over_buffer(Array, buffer, shape, np.dtype(descr), order=order)
    except Exception as error:
        raise SegmentError(
            errno.EINVAL, f"what is named {buffer.name!r} describes no array: {error}"
        ) from None


def _restore(
    cls: type[Array],
    buffer: _core.Buffer,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    offset: int,
    strides: tuple[int, ...],
    writeable: bool,
) -> Array:
    array = over_buffer(cls, buffer, shape, dtype, offset, strides)
    if not writeable:
        array.flags.writeable = False
    return array
