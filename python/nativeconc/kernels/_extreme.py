# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What min, max and their NaN-skipping forms share: initial=."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nativeconc.kernels._arguments import host_array
from nativeconc.kernels._reduce import Axis, give, reduce

_COMBINE: dict[str, Callable[..., Any]] = {
    "min": np.minimum,
    "max": np.maximum,
    "nanmin": np.fmin,
    "nanmax": np.fmax,
}


def extreme(
    kernel: str,
    native: Callable[[np.ndarray[Any, Any]], Any],
    a: object,
    *,
    axis: Axis,
    out: Any,
    keepdims: bool,
    initial: Any,
    where: Any,
    device: object,
) -> Any:
    """Calls a native extreme on what is not a plain array or has rarely used keywords."""
    if initial is None:
        return reduce(kernel, native, a, out=out, where=where, device=device)
    array = host_array(a)
    if np.size(initial) != 1:
        raise ValueError(f"initial must be one number, not {initial!r}")
    if array.size == 0:  # nothing but initial is left, where there is a result at all
        result = np.min(array, axis, keepdims=keepdims, initial=initial)
    else:
        result = reduce(kernel, native, array, where=where, device=device)
        result = _COMBINE[kernel](result, result.dtype.type(initial))
    return result if out is None else give(kernel, result, out)
