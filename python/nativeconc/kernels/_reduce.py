# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the reductions share: NumPy's keywords beyond axis and keepdims.

A call without them goes straight to the native kernel. What is here serves the others, with the
native sums and extremes and at most one copy of the array.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nativeconc.kernels._arguments import Gil

# One type for an axis= that NumPy takes.
Axis = int | tuple[int, ...] | None

# NumPy's letters for what has a native path.
_NATIVE = "?bBhHiIlLqQfd"


class How(NamedTuple):
    """Which way a reduction goes and how it runs: what the native ones take behind the array."""

    axis: Axis
    keepdims: bool
    threads: int | None
    gil: Gil


def is_native(dtype: np.dtype[Any]) -> bool:
    """Whether the native reductions take it."""
    return dtype.char in _NATIVE and dtype.isnative


def target_dtype(kernel: str, array: np.ndarray[Any, Any], dtype: Any, out: Any) -> Any:
    """The dtype to compute in that the caller asks for, or None.

    As in NumPy, an `out` of a wider dtype asks for it, too.

    Raises:
        TypeError: There is no native path for `dtype`.
    """
    if dtype is None:
        if not isinstance(out, np.ndarray):
            return None
        wider = np.promote_types(array.dtype, out.dtype)
        return wider if is_native(wider) else None
    target = np.dtype(dtype)
    if not is_native(target):
        raise TypeError(
            f"{kernel} has no native path for dtype={target}: it must be None, bool, an integer "
            "type, float32 or float64, in native byte order"
        )
    return target


def mask_of(array: np.ndarray[Any, Any], where: Any) -> np.ndarray[Any, Any] | None:
    """The mask that where= stands for, in the array's shape; None if it is True.

    Raises:
        TypeError: It is an array of something else than bools.
        ValueError: It does not broadcast to the array's shape.
    """
    if where is True:
        return None
    mask = where if isinstance(where, np.ndarray) else np.asarray(where, dtype=np.bool_)
    if mask.dtype != np.bool_:
        raise TypeError(f"where must be True or an array of bool, not of {mask.dtype}")
    try:
        return np.broadcast_to(mask, array.shape)
    except ValueError:
        raise ValueError(
            f"where must broadcast to the array's shape, {array.shape}, not have the shape "
            f"{mask.shape}"
        ) from None


def without_nan(
    array: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None
) -> np.ndarray[Any, Any] | None:
    """The mask without what is NaN. It may be None, for everything, before and after."""
    if array.dtype.kind != "f":
        return mask
    # A NaN is not equal to itself.
    numbers: np.ndarray[Any, Any] = np.asarray(array == array)
    return numbers if mask is None else numbers & mask


def filled(
    array: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None, value: Any, dtype: Any = None
) -> np.ndarray[Any, Any]:
    """A copy with another value where the mask is off. Its axes lie in the array's order."""
    copy = array.astype(array.dtype if dtype is None else dtype, order="K")
    if mask is not None:
        np.copyto(copy, copy.dtype.type(value), where=~mask)
    return copy


def converted(result: Any, dtype: Any) -> Any:
    """A result in the dtype asked for. What is too large becomes an infinity, as in the sums."""
    if dtype is None or result.dtype == dtype:
        return result
    with np.errstate(over="ignore"):
        return result.astype(dtype)


def delivered(kernel: str, result: Any, out: Any) -> Any:
    """The result; in the caller's array, if there is one. It may overlap the input by now.

    Raises:
        TypeError: `out` is no array, or holds what the result cannot be converted to.
        ValueError: `out` has another shape.
    """
    if out is None:
        return result
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, not {type(out).__name__}")
    if out.shape != result.shape:
        raise ValueError(
            f"out must have the shape of {kernel}'s result, {result.shape}, not {out.shape}"
        )
    np.copyto(out, result, casting="same_kind")
    return out
