# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sums along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core, cuda
from nativeconc.kernels._arguments import Device, Gil, check_gpu_execution, runs_on_gpu
from nativeconc.kernels._reduce import Axis, How
from nativeconc.kernels._total import total

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


def sum(  # noqa: A001 - NumPy's name
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Add up elements along axes, as :func:`numpy.sum` does.

    The result has the same bits for any number of threads, any alignment and any stride length,
    and on any CPU. It depends on the values, the dtype, the shape and the order of the axes in
    memory.

    Args:
        a: An array of bool, integers, float32 or float64, of any shape and strides; it may be
            read-only, 0-d or empty. Lists and scalars are taken as :func:`numpy.asarray` takes
            them. On the GPU: float32, float64, int32 or int64.
        axis: None for all axes, an int, or a tuple of ints. On the GPU: None.
        dtype: None, or the dtype to convert elements to, to add up in (floats in double precision)
            and to return: bool, an integer type, float32 or float64. The array is copied if it
            holds another type, unless that is a wider float, or both are integers.
        out: An array of the result's shape to put it into; it may overlap `a`. As in NumPy, its
            dtype counts as `dtype` if it is a wider one.
        keepdims: Keep the reduced axes, with extent 1.
        initial: A number to add, or None.
        where: True, or bools that broadcast to the array: which elements take part. The array is
            copied, with something harmless elsewhere.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: "cpu", "cuda" (the array is copied to the GPU), or None for where the array lies.

    Returns:
        float64 for float64, float32 for float32 (added up in double precision and rounded once),
        int64 for bool and signed integers and uint64 for unsigned ones (wrapping around, as NumPy
        does): a NumPy scalar or an array. The empty sum is 0. For an array on the GPU, a CuPy
        array of shape ().

        A float64 sum of n elements is within d * 2**-53 * sum(abs(a)) of the exact one (and a term
        of second order), with d = 20 + log2(n / 512), rounded up: the bound of NumPy's pairwise
        summation, for every memory layout. Float32 sums have the same d, and then one rounding.

    Raises:
        TypeError: A dtype has no native path, the array is byte-swapped or masked, or `out` or
            `where` is of the wrong kind.
        ValueError: `axis` (numpy.exceptions.AxisError), `out`, `where`, `threads`, `gil` or
            `device` is out of range.
        CudaUnavailableError: The GPU is asked for, and there is none.
        MemoryError: There is no memory for the partial sums (1/128 of the array, at most), or for a
            copy where one is made.

    Source: pairwise summation, Higham, "Accuracy and Stability of Numerical Algorithms",
    section 4.2.
    """
    plain = where is True and dtype is out is initial is None
    if plain and device is None and type(a) is np.ndarray:  # by far the most frequent
        return _core.sum(a, axis, keepdims, threads, gil)
    if runs_on_gpu(device, a):
        check_gpu_execution(threads, gil)
        if not plain or axis is not None or keepdims:
            raise ValueError(
                "on the GPU sum adds up all elements: axis, dtype, out, keepdims, initial and "
                "where must be left out"
            )
        return cuda._sum(a)
    how = How(axis, keepdims, threads, gil)
    return total("sum", a, how, dtype=dtype, out=out, initial=initial, where=where, device=None)


def nansum(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Add up what is not NaN along axes, as :func:`numpy.nansum` does.

    As :func:`sum`, but a NaN counts as nothing; no copy of the array is made for that.

    Args:
        a: See :func:`sum`.
        axis: See :func:`sum`.
        dtype: See :func:`sum`.
        out: See :func:`sum`.
        keepdims: See :func:`sum`.
        initial: See :func:`sum`.
        where: See :func:`sum`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`sum`. The sum of nothing but NaNs is 0.

    Raises:
        Exception: See :func:`sum`.
    """
    plain = where is True and dtype is out is initial is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.nansum(a, axis, keepdims, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return total(
        "nansum", a, how, dtype=dtype, out=out, initial=initial, where=where, device=device
    )
