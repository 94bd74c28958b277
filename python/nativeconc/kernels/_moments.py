# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Means and variances with NumPy's rarely used keywords."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import host_array, require_cpu
from nativeconc.kernels._reduce import (
    How,
    converted,
    delivered,
    filled,
    is_native,
    mask_of,
    target_dtype,
    without_nan,
)
from nativeconc.kernels._total import total

_CALLER = 4  # warnings point at the caller of the kernel


def average(
    kernel: str, a: object, how: How, *, dtype: Any, out: Any, where: Any, device: object
) -> Any:
    """What mean (or nanmean: ``kernel`` says which) gives for any arguments."""
    require_cpu(device, kernel)
    native = getattr(_core, kernel)
    array = host_array(a)
    if not is_native(array.dtype):
        native(array, *how)  # it says which dtypes there are
    target = _target(kernel, array, dtype, out)
    mask = mask_of(array, where)
    if mask is None and _is_float(target):
        return delivered(kernel, converted(native(_wide(array, target), *how), target), out)
    if kernel == "nanmean":
        mask = without_nan(array, mask)
    count = _count(array, mask, how)
    if (count == 0).any():
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=_CALLER - 1)
    result = _mean(array, mask, count, how, target)
    return delivered(kernel, converted(result, target or _own_dtype(array)), out)


def spread(
    kernel: str,
    a: object,
    how: How,
    dtype: Any,
    out: Any,
    ddof: float,
    where: Any,
    mean: Any,
    correction: float | None,
    device: object,
) -> Any:
    """What var (or std, nanvar, nanstd: ``kernel`` says which) gives for any arguments."""
    require_cpu(device, kernel)
    lost = _degrees_lost(ddof, correction)
    native = getattr(_core, kernel)
    array = host_array(a)
    target = _target(kernel, array, dtype, out) if is_native(array.dtype) else None
    mask = mask_of(array, where)
    if not is_native(array.dtype) or (mask is None and mean is None and _is_float(target)):
        axis, keepdims, threads, gil = how
        result = native(_wide(array, target), axis, keepdims, lost, threads, gil)
        return delivered(kernel, converted(result, target), out)
    return delivered(kernel, _spread(kernel, array, mask, mean, lost, how, target), out)


def _spread(
    kernel: str,
    array: np.ndarray[Any, Any],
    mask: np.ndarray[Any, Any] | None,
    mean: Any,
    lost: float,
    how: How,
    target: Any,
) -> Any:
    """The two passes of a variance, on a copy of the array."""
    skip_nan = kernel.startswith("nan")
    if skip_nan:
        mask = without_nan(array, mask)
    count = _count(array, mask, how)
    degrees = np.asarray(count - (0.0 + lost))
    if (degrees <= 0).any():
        stop = "." if skip_nan else ""
        message = f"Degrees of freedom <= 0 for slice{stop}"
        warnings.warn(message, RuntimeWarning, stacklevel=_CALLER)
    if mean is None:
        kept = how._replace(keepdims=True)
        centre = _mean(array, mask, _count(array, mask, kept), kept, target)
        if not _is_float(target):
            centre = converted(centre, target)
    else:
        centre = _given_mean(kernel, array, mean)
    with np.errstate(all="ignore"):
        # For an integer dtype= NumPy computes in the types that it has at hand.
        numbers = array.astype(np.float64, order="K") if _is_float(target) else array
        deviations = np.asarray(numbers - centre)
        squares = np.multiply(deviations, deviations, out=deviations)
        if mask is not None:
            np.copyto(squares, 0, where=~mask)
        added = total("sum", squares, how, **_plain(None if _is_float(target) else target))
        result = added / np.maximum(degrees, 0.0)
        if skip_nan:
            result = np.where(degrees <= 0, np.nan, result)[()]
        result = converted(result, target or _own_dtype(array))
        return np.sqrt(result).astype(result.dtype) if kernel.endswith("std") else result


def _mean(
    array: np.ndarray[Any, Any],
    mask: np.ndarray[Any, Any] | None,
    count: Any,
    how: How,
    target: Any,
) -> Any:
    """The mean of what the mask leaves, not rounded yet: in double precision, or of integers."""
    if _is_float(target):
        numbers = filled(array, mask, 0.0, np.float64)
        added = _core.sum(numbers, *how)
    else:
        added = total("sum", filled(array, mask, 0), how, **_plain(target))
    with np.errstate(divide="ignore", invalid="ignore"):
        return added / count


def _plain(dtype: Any) -> dict[str, Any]:
    return {"dtype": dtype, "out": None, "initial": None, "where": True, "device": None}


def _count(array: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None, how: How) -> Any:
    """How many elements each result is of."""
    return _core.sum(np.broadcast_to(np.True_, array.shape) if mask is None else mask, *how)


def _target(kernel: str, array: np.ndarray[Any, Any], dtype: Any, out: Any) -> Any:
    """The dtype to compute in, or None; the NaN-skipping ones refuse integers, as in NumPy."""
    if array.dtype.kind != "f":
        return target_dtype(kernel, array, dtype, None)
    if kernel.startswith("nan"):
        if dtype is not None and np.dtype(dtype).kind not in "fc":
            raise TypeError(f"If a is inexact, then dtype must be inexact, not {np.dtype(dtype)}")
        if isinstance(out, np.ndarray) and out.dtype.kind not in "fc":
            raise TypeError(f"If a is inexact, then out must be inexact, not {out.dtype}")
    return target_dtype(kernel, array, dtype, out)


def _is_float(target: Any) -> bool:
    return target is None or target.kind == "f"


def _own_dtype(array: np.ndarray[Any, Any]) -> Any:
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def _wide(array: np.ndarray[Any, Any], target: Any) -> np.ndarray[Any, Any]:
    """The array, or a copy in double precision if it is single and the result is not."""
    return array.astype(target) if array.dtype.char == "f" and target == np.float64 else array


def _given_mean(kernel: str, array: np.ndarray[Any, Any], mean: Any) -> np.ndarray[Any, Any]:
    centre = host_array(mean)
    if not is_native(centre.dtype):
        raise TypeError(f"{kernel} takes no mean of {centre.dtype}; convert it with astype")
    try:
        np.broadcast_to(centre, array.shape)
    except ValueError:
        raise ValueError(
            f"mean must broadcast to the array's shape, {array.shape}, as with keepdims=True, not "
            f"have the shape {centre.shape}"
        ) from None
    return centre


def _degrees_lost(ddof: float, correction: float | None) -> float:
    """The ddof of a variance; ``correction`` is the array API's name for it."""
    if correction is None:
        return ddof
    if ddof != 0:
        raise ValueError(
            "ddof and correction can't be provided simultaneously. "
            f"They are {ddof!r} and {correction!r}; leave one out"
        )
    return correction
