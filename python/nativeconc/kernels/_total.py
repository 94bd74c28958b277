# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sums with NumPy's rarely used keywords."""

from __future__ import annotations

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


def total(
    kernel: str,
    a: object,
    how: How,
    *,
    dtype: Any,
    out: Any,
    initial: Any,
    where: Any,
    device: object,
) -> Any:
    """What sum (or nansum: ``kernel`` says which) gives for any arguments."""
    require_cpu(device, kernel)
    native = getattr(_core, kernel)
    array = host_array(a)
    if not is_native(array.dtype):
        native(array, *how)  # it says which dtypes there are
    target = target_dtype(kernel, array, dtype, out)
    mask = mask_of(array, where)
    if kernel == "nansum" and target is not None and target.kind != "f":
        mask = without_nan(array, mask)  # there is no NaN once they are integers
    if mask is not None:
        array = filled(array, mask, 0)
    result = converted(native(_ready_to_add(array, target), *how), target)
    if initial is not None:
        if np.size(initial) != 1:
            raise ValueError(f"initial must be one number, not {initial!r}")
        with np.errstate(over="ignore"):
            result = result + result.dtype.type(initial)
    return delivered(kernel, result, out)


def _ready_to_add(array: np.ndarray[Any, Any], target: Any) -> np.ndarray[Any, Any]:
    """The array, or a copy in the dtype in which its elements are to be added up."""
    if target is None or target == array.dtype:
        return array
    if target.kind == "f":  # double precision is enough for single, too
        return array.astype(np.float64, copy=False)
    if array.dtype.kind != "f" and target.kind != "b":
        return array  # sums of integers wrap around to the same, whatever their width
    return array.astype(target)
