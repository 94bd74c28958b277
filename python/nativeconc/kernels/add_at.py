# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Adding numbers at indices, repeated ones included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_INT64 = np.dtype(np.int64)
_FLOAT64 = np.dtype(np.float64)


def add_at(
    a: NDArray[Any],
    indices: ArrayLike | tuple[ArrayLike, ...],
    b: ArrayLike,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> None:
    """Add a number to an element for each index, in place, as ``numpy.add.at`` does.

    To each element the numbers are added one by one, in the order of the indices (C order, if they
    have several axes). So the result has the same bits for any number of threads and on any CPU;
    for indices with one axis they are NumPy's.

    Args:
        a: The array that is changed: of bool, an integer type, float32 or float64, 1-d with any
            stride, or C-contiguous with any number of axes.
        indices: Integers of any shape (also a bool mask of the shape of `a`), or for each of the
            first axes of `a` such an array, in a tuple; along further axes all elements are meant.
            Negative ones count from the end. Copied unless int64.
        b: One number, or an array that can be broadcast to the shape of the indices. It is turned
            into the dtype of `a`: integers wrap around. A float64 array added to a float32 one is
            not: each sum is rounded instead, as NumPy does it.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Raises:
        TypeError: A dtype has no native path, or an array is byte-swapped or masked, or `a` is no
            array, or `b` cannot be added without losing its fraction or its imaginary part (NumPy
            cuts it off).
        IndexError: An index is out of range, or is no integer; `a` is unchanged.
        ValueError: `a` is read-only, or does not lie as described above; `b` cannot be broadcast;
            or `threads`, `gil` or `device` is out of range.
        MemoryError: There is no memory for a copy of `a`; `a` is unchanged. (One is made if there
            are 32768 indices or more, and a quarter as many as `a` has elements. Then a call that
            Ctrl-C stops has not changed `a`; otherwise it may have added some of the numbers.)

    Nobody else may use `a` meanwhile. It blocks, and releases the GIL, as
    :mod:`nativeconc.kernels` says.

    Source: one number for all indices is added as often as each index was counted, on all threads.
    Different numbers are added by one thread, or, for four threads or more and more than 65536
    elements, by up to eight that each own a range of the elements.
    """
    if device is not None:
        require_cpu(device, "add_at")
    if not isinstance(a, np.ndarray):
        raise TypeError(f"first operand must be array, not {type(a).__name__}")
    if type(a) is not np.ndarray:
        a = host_array(a)
    if (
        type(indices) is not np.ndarray
        or indices.dtype is not _INT64
        or indices.ndim != 1
        or a.ndim != 1
    ):
        a, indices, shape = _flat(a, indices)
    else:
        shape = indices.shape
    if type(b) is float and a.dtype is _FLOAT64:
        b = np.array(b)
    elif type(b) is not np.ndarray or b.dtype is not a.dtype or b.shape != shape or b.ndim != 1:
        b = _addends(a.dtype, b, shape)
    _core.add_at(a, indices, b, threads, gil)


def _flat(a: NDArray[Any], indices: Any) -> tuple[NDArray[Any], NDArray[Any], tuple[int, ...]]:
    """A 1-d view of a, int64 indices into it, and the shape they had."""
    if not isinstance(indices, tuple):
        indices = (indices,)
    arrays = [_integers(each) for each in indices]
    if len(arrays) == 1 and arrays[0].dtype == np.bool_ and arrays[0].shape == a.shape:
        arrays = list(arrays[0].nonzero())
    if any(each.dtype == np.bool_ for each in arrays):
        raise IndexError(f"a bool index must be one array of the shape of a, {a.shape}")
    if len(arrays) > a.ndim:
        raise IndexError(
            f"too many indices for array: it has {a.ndim} axes, and there are {len(arrays)}"
        )
    if a.ndim == 0:
        return a.reshape(1), np.zeros(1, np.int64), ()
    if not arrays:
        raise ValueError("there must be an array of indices for the first axis at least")
    if len(arrays) < a.ndim:
        arrays = _with_all_of_the_others(arrays, a.shape[len(arrays) :])
    if a.ndim == 1:
        return a, arrays[0].astype(np.int64, copy=False).ravel(), arrays[0].shape
    if not a.flags.c_contiguous:
        raise ValueError("an array of more than one axis must be C-contiguous")
    flat: Any = 0
    for axis, (each, extent) in enumerate(zip(arrays, a.shape, strict=True)):
        bad = (each < -extent) | (each >= extent)
        if bad.any():
            raise IndexError(
                f"index {each[bad][0]} is out of bounds for axis {axis} with size {extent}"
            )
        wide = each.astype(np.int64)
        flat = flat * extent + np.where(wide < 0, wide + extent, wide)
    return a.reshape(-1), flat.ravel(), flat.shape


def _with_all_of_the_others(
    arrays: list[NDArray[Any]], extents: tuple[int, ...]
) -> list[NDArray[Any]]:
    """Indices for all axes, given those for the first ones and the extents of the others."""
    others = np.ix_(*(np.arange(n) for n in extents))
    return [each.reshape(each.shape + (1,) * len(extents)) for each in arrays] + list(others)


def _integers(index: object) -> NDArray[Any]:
    array = host_array(index)
    if array.size == 0 and not isinstance(index, np.ndarray):
        array = array.astype(np.int64)  # an empty list becomes float64
    if array.dtype.kind not in "iub":
        raise IndexError(
            "only arrays of integers or bools are valid indices, not "
            f"{type(index).__name__ if array.dtype == object else array.dtype}"
        )
    return array


def _addends(dtype: np.dtype[Any], b: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The numbers as the kernel takes them: of one dtype, 0-d or one for each index."""
    common = dtype
    if type(b) in (int, float, bool):  # gets the dtype of the array, as with NumPy's operators
        if type(b) is float and dtype.kind != "f":
            common = _FLOAT64
    else:
        b = host_array(b)
        common = np.result_type(dtype, b.dtype)
    if common != dtype:
        if common.kind not in "iub" and not (dtype == np.float32 and common == np.float64):
            raise TypeError(
                f"Cannot cast ufunc 'add' output from {common!r} to {dtype!r} with casting rule "
                "'same_kind'; convert b with b.astype(...)"
            )
        if common.kind in "iub":
            common = dtype
    array = np.asarray(b).astype(common, copy=False) if np.ndim(b) else np.asarray(b, common)
    if array.ndim == 0:
        return array
    try:
        return np.broadcast_to(array, shape).ravel()
    except ValueError:
        raise ValueError(
            f"array is not broadcastable to correct shape: b has {array.shape}, the indices {shape}"
        ) from None
