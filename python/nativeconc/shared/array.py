# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`shared.Array`: a NumPy array whose data lies in shared memory."""

from __future__ import annotations

import ast
import errno
import math
import operator
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

    __slots__ = ("_buffer",)
    _buffer: _core.Buffer | None
    """Where the data lies; None for an array with memory of its own."""

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

    def __array_finalize__(self, source: object, /) -> None:
        """Find out, for every new view or copy, whether its data is shared."""
        buffer = getattr(source, "_buffer", None)
        self._buffer = buffer if buffer is not None and _core.lies_in(self, buffer) else None

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
        self, array: Any, context: Any = None, return_scalar: bool = False, /
    ) -> Any:
        """What ufuncs return: this array itself if it was `out`, else a plain one."""
        if array is self:
            return self
        return array[()] if return_scalar else _plain(array)

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
        offset = self.__array_interface__["data"][0] - self._buffer._address
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


def _plain(result: Any) -> Any:
    """A result, or each of several, as a plain array if its memory is its own."""
    if isinstance(result, Array):
        return result if result._buffer is not None else result.view(np.ndarray)
    if type(result) in (tuple, list):
        return type(result)(map(_plain, result))
    return result


def _returning_plain(name: str) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)

    def call(self: Array, *args: Any, **kwargs: Any) -> Any:
        return _plain(method(self, *args, **kwargs))

    call.__name__, call.__qualname__, call.__doc__ = name, f"Array.{name}", method.__doc__
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
    shape = (operator.index(shape),) if hasattr(shape, "__index__") else tuple(shape)
    if shape and min(shape) < 0:
        raise ValueError(f"negative dimensions are not allowed: shape {shape}")
    meta = None
    if name is not None:
        shape = tuple(map(operator.index, shape))
        meta = repr((np.lib.format.dtype_to_descr(kind), shape, order)).encode()
    buffer = _core.new_array_memory(
        math.prod(shape) * kind.itemsize,
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
    array._buffer = buffer
    return array


def over_named(buffer: _core.Buffer) -> Array:
    """The array that the creator of a named segment described."""
    try:
        descr, shape, order = ast.literal_eval(buffer._meta.decode())
        dtype = np.lib.format.descr_to_dtype(descr)
        return over_buffer(Array, buffer, shape, dtype, order=order)
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
