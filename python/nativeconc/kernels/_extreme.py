# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Extremes with NumPy's rarely used keywords."""

from __future__ import annotations

from typing import Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import host_array, require_cpu
from nativeconc.kernels._reduce import How, delivered, filled, is_native, mask_of, without_nan

_COMBINE: dict[str, Any] = {
    "min": np.minimum,
    "max": np.maximum,
    "nanmin": np.fmin,
    "nanmax": np.fmax,
}


def extreme(
    kernel: str, a: object, how: How, *, out: Any, initial: Any, where: Any, device: object
) -> Any:
    """What min (or max, nanmin, nanmax: ``kernel`` says which) gives for any arguments."""
    require_cpu(device, kernel)
    native = getattr(_core, kernel)
    array = host_array(a)
    mask = mask_of(array, where)
    if initial is None:
        if mask is not None:
            raise ValueError(
                f"reduction operation {kernel} does not have an identity, so to use a where mask "
                "one has to specify 'initial'"
            )
        return delivered(kernel, native(array, *how), out)
    if np.size(initial) != 1:
        raise ValueError(f"initial must be one number, not {initial!r}")
    if not is_native(array.dtype):
        native(array, *how)  # it says which dtypes there are
    first = array.dtype.type(initial)
    if array.size == 0:  # nothing but initial is left, where there is a result at all
        result = np.min(array, how.axis, keepdims=how.keepdims, initial=first)
    else:
        if kernel.startswith("nan"):  # initial stands in for a NaN, or the kernel would warn
            mask = without_nan(array, mask)
        if mask is not None:
            array = filled(array, mask, first)
        result = _COMBINE[kernel](native(array, *how), first)
    return delivered(kernel, result, out)
