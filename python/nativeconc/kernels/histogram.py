# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""How many elements of an array lie in each bin."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_EXACT = 2**53  # integers up to here are floats

_UNSIGNED = {"i1": "u1", "i2": "u2", "i4": "u4", "i8": "u8"}


def histogram(
    a: ArrayLike,
    bins: int | str | ArrayLike = 10,
    range: tuple[float, float] | None = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: ArrayLike | None = None,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Count the elements in each bin, or add up their weights, as :func:`numpy.histogram` does.

    The result has the same bits for any number of threads, any memory layout and any CPU.

    Args:
        a: An array of bool, an integer type, float32 or float64, of any shape and strides; it may
            be read-only, 0-d or empty. Lists and scalars are taken as :func:`numpy.asarray` takes
            them. A bool array becomes uint8, with NumPy's warning.
        bins: The number of even bins, or a 1-d array of edges that do not fall, or the name of one
            of NumPy's estimators (then :func:`numpy.histogram_bin_edges` finds the number of bins,
            on one core and with the GIL). At most 2**31 - 16 bins.
        range: The ends of even bins; None is the least and the largest element. What lies outside
            is left out.
        density: Whether to return the probability density at the bins.
        weights: A number for each element, in an array of the shape of `a` and of one of its
            dtypes: what is added up instead of counts.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        The histogram (int64, or of the weights' dtype; float64 with `density`) and the edges, of
        NumPy's dtype.

        Counts are NumPy's, whatever the dtypes: even bins are numbered by NumPy's formula, which is
        then put right by the edges. Each bin has its left edge and not its right one; the last has
        both. NaN is in no bin.

        With even bins, sums of weights are NumPy's too, bit for bit: weights are added as float64,
        65536 elements at a time, in their order. With uneven bins they are added in that way and
        rounded at the end (integers: exactly, modulo their size), so that each sum of n float64
        weights is within (65536 + n / 65536) * 2**-53 * sum(abs(weights)) of the exact one; NumPy
        takes differences of running sums, whose error grows with all elements.

    Raises:
        TypeError: A dtype has no native path (of `a`, of `weights`, or of the edges), or an array
            is byte-swapped or masked; or an estimator is given with `weights`.
        ValueError: `bins` or `range` is wrong in one of NumPy's ways, the range of `a` is not
            finite, NaN is among the edges other than at their end, `weights` has another shape, or
            `threads`, `gil` or `device` is out of range.
        MemoryError: There is no memory for partial counts: at most the larger of the input's size
            and 1 MiB, and 4 bytes a bin for each 2**30 elements; with weights 16 MiB, or 32 bytes a
            bin if that is more. With weights, an array that is neither 1-d nor C-contiguous is
            copied.

    It blocks, and releases the GIL, as :mod:`nativeconc.kernels` says.

    Source: the rule of NumPy's documentation; private counters for each chunk, and four of them
    side by side where bins are few.
    """
    if device is not None:
        require_cpu(device, "histogram")
    a = a if type(a) is np.ndarray else host_array(a)
    if a.dtype == np.bool_:
        warnings.warn(
            f"Converting input from {a.dtype} to {np.uint8} for compatibility.",
            RuntimeWarning,
            stacklevel=2,
        )
        a = a.view(np.uint8)
    if weights is not None:
        weights = host_array(weights)
        if weights.shape != a.shape:
            raise ValueError("weights should have the same shape as a.")
        a, weights = a.ravel(), weights.ravel()
    if isinstance(bins, str) or np.ndim(bins) == 0:
        counts, edges = _even(a, bins, range, weights, threads, gil)
    else:
        edges = np.histogram_bin_edges(np.empty(0), bins)
        counts = _uneven(a, edges, weights, threads, gil)
    if density:
        widths = np.array(np.diff(edges), float)
        counts = counts / widths / counts.sum()
    return counts, edges


def _even(
    a: NDArray[Any],
    bins: Any,
    limits: Any,
    weights: NDArray[Any] | None,
    threads: int | None,
    gil: Gil,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bins of equal width, whose edges NumPy computes."""
    first: Any
    last: Any
    if limits is not None:
        first, last = limits
        seen = np.empty(0, a.dtype)
    elif a.size == 0:
        first, last = 0, 1
        seen = a
    else:
        # NumPy need not look at all elements for the ends.
        seen = np.array(_core.extremes(a, threads, gil), a.dtype)
        first, last = seen
    if isinstance(bins, str):
        edges = np.histogram_bin_edges(a, bins, limits, weights)
    else:
        edges = np.histogram_bin_edges(seen, bins, limits)
    if edges.dtype.char not in "fd":
        raise TypeError(
            f"histogram has no native path for edges of dtype {edges.dtype}; a and range must "
            "give edges of float32 or float64"
        )
    if first == last:
        first, last = first - 0.5, last + 0.5
    low, high = (None, None) if limits is None else _kept(a.dtype, first, last)
    span = _span(first, last)
    counts = _core.histogram_even(
        a,
        weights,
        edges.astype(np.float64, copy=False),
        float(span),
        edges.dtype.char == "f",
        np.result_type(edges.dtype, span.dtype).char == "f",
        low,
        high,
        threads,
        gil,
    )
    return counts, edges


def _span(first: Any, last: Any) -> Any:
    """The length of the range, of the type that NumPy's formula divides by."""
    dtype = np.result_type(last, first)
    if dtype.kind == "i":
        return np.dtype(_UNSIGNED[dtype.str[1:]]).type(int(last) - int(first))
    return np.subtract(last, first, dtype=dtype)


def _kept(dtype: np.dtype[Any], first: Any, last: Any) -> tuple[Any, Any]:
    """The least and the largest element that NumPy's comparisons with the range let through."""
    if dtype.kind == "f":
        return tuple(
            float(np.asarray(end, np.result_type(dtype, end)))  # type: ignore[return-value]
            for end in (first, last)
        )
    info = np.iinfo(dtype)
    whole = isinstance(last, int | np.integer)
    low = max(_integer_from(first), int(info.min))
    high = min(int(last) if whole else -_integer_from(-last), int(info.max))
    return (low, high) if low <= high else (int(info.max), int(info.min))


def _integer_from(end: Any) -> int:
    """The least integer that is not below `end` when compared as NumPy does."""
    if isinstance(end, int | np.integer):
        return int(end)
    least: int = math.ceil(end)
    if abs(least) > _EXACT:  # then integers are rounded to floats before they are compared
        low: int = least - 2048
        high: int = least
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if float(middle) >= end else (middle + 1, high)
        return low
    return least


def _uneven(
    a: NDArray[Any],
    edges: NDArray[Any],
    weights: NDArray[Any] | None,
    threads: int | None,
    gil: Gil,
) -> NDArray[Any]:
    """Bins between any edges."""
    common = np.result_type(a.dtype, edges.dtype)
    if common.kind not in "fiu" or common.itemsize > 8:
        raise TypeError(
            f"histogram has no native path for edges of dtype {edges.dtype} with elements of "
            f"{a.dtype}; edges may be integers, float32 or float64"
        )
    if weights is not None and weights.dtype == np.bool_:
        raise TypeError("weights of dtype bool cannot be added up in uneven bins")
    if len(edges) == 0:  # no bins
        return np.zeros(0, np.int64 if weights is None else weights.dtype)
    missing = np.isnan(edges)
    if np.any(missing[:-1] & ~missing[1:]):
        raise ValueError("`bins` must increase monotonically, and NaN is larger than all numbers")
    wide = {"f": np.float64, "i": np.int64, "u": np.uint64}[common.kind]
    compared = np.ascontiguousarray(edges.astype(common, copy=False), wide)
    return _core.histogram_uneven(a, weights, compared, threads, gil)
