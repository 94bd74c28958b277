# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the reductions share: NumPy's keywords beyond axis and keepdims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nativeconc.kernels._arguments import host_array, require_cpu

# One type for an axis= that NumPy takes.
Axis = int | tuple[int, ...] | None


def reduce(
    kernel: str,
    native: Callable[[np.ndarray[Any, Any]], Any],
    a: object,
    *,
    dtype: Any = None,
    out: Any = None,
    where: Any = True,
    device: object = None,
) -> Any:
    """Calls a native reduction on what is not a plain array or has rarely used keywords.

    ``native`` is given the array and returns its result.

    Raises:
        TypeError: ``dtype`` is not the one that the result has, or ``out`` is no array.
        ValueError: ``where`` is not True, ``device`` is "cuda", or ``out`` has another shape.
    """
    require_cpu(device, kernel)
    if where is not True:
        raise ValueError(
            f"{kernel} does not support where=: it must be True; select the elements first, "
            "as in a[mask]"
        )
    result = native(host_array(a))
    if dtype is not None and np.dtype(dtype) != result.dtype:
        raise TypeError(
            f"{kernel} gives {result.dtype} here: dtype must be None or {result.dtype}, not "
            f"{np.dtype(dtype)}; convert the array or the result with astype"
        )
    return result if out is None else give(kernel, result, out)


def give(kernel: str, result: Any, out: Any) -> np.ndarray[Any, Any]:
    """Puts a result into the caller's array. It may overlap the input: the work is done."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, not {type(out).__name__}")
    if out.shape != result.shape:
        raise ValueError(
            f"out must have the shape of {kernel}'s result, {result.shape}, not {out.shape}"
        )
    np.copyto(out, result, casting="same_kind")
    return out


def degrees_lost(ddof: float, correction: float | None) -> float:
    """The ddof of a variance; ``correction`` is the array API's name for it."""
    if correction is None:
        return ddof
    if ddof != 0:
        raise ValueError(
            f"give either ddof or correction, not both (ddof={ddof!r}, correction={correction!r})"
        )
    return correction
