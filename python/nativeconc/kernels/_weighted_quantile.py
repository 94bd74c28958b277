# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Quantiles of elements that have weights, by NumPy's one method for that: "inverted_cdf"."""

from __future__ import annotations

from typing import Any

import numpy as np

from nativeconc.kernels._lanes import together
from nativeconc.kernels.argsort import argsort

Array = np.ndarray[Any, Any]


def weighted_quantile(
    values: Array, q: Array, axes: tuple[int, ...] | None, weights: Any, threads: Any, gil: Any
) -> Array:
    """The first element, in sorted order, up to which the weights make q of their sum.

    The result has the shape of q, then that of the other axes.

    Raises:
        TypeError: `weights` have another shape than the array, and there is no axis.
        ValueError: They have neither the array's shape nor that of the axes; or one is negative,
            infinite or NaN, or all are 0.
    """
    spread = _spread(values, np.asanyarray(weights), axes)
    if np.any(spread < 0):
        raise ValueError("Weights must be non-negative.")
    if axes is None:
        values, spread = values.ravel(), spread.ravel()
    else:
        values, spread = together(values, axes), together(spread, axes)
    order = argsort(values, -1, threads=threads, gil=gil)
    in_order = np.take_along_axis(values, order, -1)
    shares = np.take_along_axis(spread, order, -1).cumsum(-1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares /= shares[..., -1:]
    if np.isnan(shares[..., -1:]).any():
        raise ValueError("Weights included NaN, inf or were all zero.")
    if q.dtype.kind == "f":  # or a q that was rounded would be compared with what was not
        shares = shares.astype(q.dtype)
    shares[shares == 0] = -1  # what has no weight is never taken, not even for q = 0
    result = np.empty(q.shape + shares.shape[:-1], values.dtype)
    for index in np.ndindex(q.shape):
        first = np.minimum((shares < q[index]).sum(-1), shares.shape[-1] - 1)
        result[index] = np.take_along_axis(in_order, first[..., np.newaxis], -1)[..., 0]
    if values.dtype.kind == "f":
        last = in_order[..., -1]  # NaNs come last
        np.copyto(result, last, where=np.isnan(last))
    return result


def _spread(values: Array, weights: Array, axes: tuple[int, ...] | None) -> Array:
    """Weights of the array's shape."""
    if weights.dtype.kind not in "biuf":
        raise TypeError(f"weights must be real numbers, not {weights.dtype}")
    if weights.shape == values.shape:
        return weights
    if axes is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    lengths = tuple(values.shape[axis] for axis in axes)
    if weights.shape != lengths:
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis: it must be "
            f"{values.shape} or {lengths}, not {weights.shape}"
        )
    turned = weights.transpose(np.argsort(axes))
    shape = tuple(n if axis in axes else 1 for axis, n in enumerate(values.shape))
    return np.broadcast_to(turned.reshape(shape), values.shape)
