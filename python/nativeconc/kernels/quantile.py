# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu
from nativeconc.kernels._lanes import Array, as_lanes, axes_of, kept_axes
from nativeconc.kernels._quantile_methods import METHODS, Method
from nativeconc.kernels._reduce import delivered
from nativeconc.kernels._weighted_quantile import weighted_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def quantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: NDArray[Any] | None = None,
    overwrite_input: bool = False,  # noqa: ARG001 - NumPy's; the input is never written to
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Return quantiles, as :func:`numpy.quantile` does, by any of its methods.

    Where there is a NaN, the result is a NaN.

    Args:
        a: An array of bool, any integer type, float32 or float64, of any shape and strides; it may
            be read-only. Lists are taken as :func:`numpy.asarray` takes them.
        q: A number from 0 to 1, or an array of them with at most two dimensions.
        axis: The axis or axes to go along; None, the default, takes all elements together. For
            several axes that do not lie together in memory a copy is made, as NumPy does.
        out: Where to put the result: an array of its shape.
        overwrite_input: It changes nothing: the input is never written to.
        method: One of NumPy's thirteen, by name. For bools, one that takes elements as they are:
            "inverted_cdf", "closest_observation", "lower", "higher" or "nearest".
        keepdims: Leave the axes in the result, with one element.
        weights: How much each element counts: not negative, of a's shape or that of the axes.
            Only for "inverted_cdf". The array is sorted then, on all cores; the rest is NumPy's,
            on one thread.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        An array of the shape of q followed by that of the other axes, or a NumPy scalar; or `out`.
        Methods that take elements as they are keep a's dtype; the others give float32 for float32
        if q is a Python number or float32, and else float64. Between two elements NumPy's own
        formula is used, but differences of integers never wrap around, as NumPy's do for int8.

    Raises:
        TypeError: The dtype has no native path, or the array is byte-swapped or masked; q is no
            real number, or a method is asked to interpolate between bools.
        ValueError: q, `method`, `weights`, `threads`, `gil` or `device` is out of range, or `out`
            has the wrong shape.
        IndexError: There are no elements to take a quantile of.
        numpy.exceptions.AxisError: There is no such axis.
        MemoryError: There is no memory to work in: at most as much as one lane, usually far less;
            with `weights` up to ten times as much.

    Source: selection as in :func:`median`. The methods are those of Hyndman and Fan, "Sample
    quantiles in statistical packages", The American Statistician 50, 1996.
    """
    if device is not None:
        require_cpu(device, "quantile")
    values = a if type(a) is np.ndarray else host_array(a)
    places = _places(q)
    if method not in METHODS:
        raise ValueError(f"{method!r} is not a valid method: use one of {', '.join(METHODS)}")
    axes = axes_of(axis, values.ndim)
    if weights is not None:
        if method != "inverted_cdf":
            raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
        result = weighted_quantile(values, places, axes, weights, threads, gil)
    else:
        is_weak = type(q) in (int, float)
        result = _quantile(values, places, is_weak, axes, METHODS[method], threads, gil)
    if keepdims:
        result = result[(slice(None),) * places.ndim + kept_axes(axes, values.ndim)]
    if out is not None:
        return delivered("quantile", result, out)
    return result[()] if result.ndim == 0 else result


def _places(q: Any) -> Array:
    places: Array = np.asanyarray(q)
    if places.dtype.kind not in "biuf":
        raise TypeError(f"q must be a real number or an array of them, not {places.dtype}")
    if places.size and not (places.min() >= 0 and places.max() <= 1):
        raise ValueError(f"Quantiles must be in the range [0, 1], not {q!r}")
    if places.ndim > 2:
        raise ValueError(f"q must be a scalar or 1d, or 2d, not of {places.ndim} dimensions")
    return places


def _quantile(
    values: Array,
    q: Array,
    is_weak: bool,
    axes: tuple[int, ...] | None,
    method: Method,
    threads: Any,
    gil: Any,
) -> Array:
    lanes, along = as_lanes(values, axes)
    n = lanes.size if along is None else lanes.shape[along]
    if n == 0 and q.size:
        raise IndexError("there are no elements to take a quantile of: the axis has length 0")
    index = np.asanyarray(method.index(n, q))
    interpolates = index.dtype.kind == "f"
    if interpolates and values.dtype.kind == "b":
        raise TypeError(
            "there is nothing between two bools: use a method that takes elements as they are, "
            "as method='nearest', or convert the array with astype"
        )
    below, above = _neighbours(index, n)
    may_be_nan = values.dtype.kind == "f" and n > 0
    ranks = np.unique(np.concatenate([below.ravel(), above.ravel(), [n - 1] * may_be_nan]))
    ranks = ranks.astype(np.int64)
    found = _core.order_statistics(lanes, along, tuple(ranks.tolist()), "quantile", threads, gil)
    found = np.moveaxis(found, -1, 0)
    lower = np.asarray(found[np.searchsorted(ranks, below)])
    result = lower
    if interpolates:
        weight = np.asanyarray(method.weight(index - below, index), dtype=index.dtype)
        upper = np.asarray(found[np.searchsorted(ranks, above)])
        others = (1,) * (lower.ndim - q.ndim)
        result = _between(
            lower, upper, float(weight) if is_weak else weight.reshape(q.shape + others)
        )
    if may_be_nan:
        last = found[-1]
        np.copyto(result, last, where=np.isnan(last))
    return result


def _neighbours(index: Array, n: int) -> tuple[Array, Array]:
    """The elements below and above each place; beyond either end, the last one twice."""
    below = np.floor(index)
    above = below + 1
    ends = [index >= n - 1, index < 0]
    return (
        np.select(ends, [n - 1, 0], below).astype(np.intp),
        np.select(ends, [n - 1, 0], above).astype(np.intp),
    )


def _between(lower: Array, upper: Array, weight: Any) -> Array:
    """What lies between two elements, from the nearer one on."""
    if lower.dtype.kind == "i":  # modulo 2^n the difference is right, and not negative
        unsigned = np.dtype(f"u{lower.dtype.itemsize}")
        difference = upper.view(unsigned) - lower.view(unsigned)
    else:
        difference = upper - lower
    result = np.asarray(lower + difference * weight)
    np.subtract(upper, difference * (1 - weight), out=result, where=weight >= 0.5, casting="unsafe")
    return result
