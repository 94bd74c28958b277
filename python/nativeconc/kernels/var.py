# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Variances and standard deviations along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil
from nativeconc.kernels._moments import spread
from nativeconc.kernels._reduce import Axis, How

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


def var(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: ArrayLike | None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The variance along axes, as :func:`numpy.var` gives it.

    Two passes: the means, then the squared deviations from them, both added up in double precision
    (float32 too) in a fixed tree. No copy of the array is made, unless the keywords below say so.

    Args:
        a: An array of bool, integers, float32 or float64, of any shape and strides. Lists and
            scalars are taken as :func:`numpy.asarray` takes them.
        axis: None for all axes, an int, or a tuple of ints.
        dtype: None, or the dtype to return: bool, an integer type, float32 or float64. See
            :func:`mean`. With an integer type deviations are from a mean in that type, as in NumPy.
        out: An array of the result's shape to put it into; it may overlap `a`. As in NumPy, its
            dtype counts as `dtype` if it is a wider one.
        ddof: The divisor is n - ddof.
        keepdims: Keep the reduced axes, with extent 1.
        where: True, or bools that broadcast to the array: which elements take part. The array is
            copied, to double precision.
        mean: None, or the means, as `mean(a, axis, keepdims=True)` gives them, if they are known
            already. The deviations from them need a copy of the array in double precision.
        correction: Another name for ddof.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        Without `dtype`, float32 for float32 and float64 for all else: a NumPy scalar or an
        array. It has the same bits for any number of threads, any strides and on any CPU. If
        n - ddof is not positive, there is a RuntimeWarning and the result is NaN or infinite.

    Raises:
        TypeError: A dtype has no native path, the array is byte-swapped or masked, or `ddof`,
            `out` or `where` is of the wrong kind.
        ValueError: `axis` (numpy.exceptions.AxisError), `out`, `where`, `mean`, `threads`, `gil` or
            `device` is out of range, or both `ddof` and `correction` are given.
        MemoryError: There is no memory for the means and the partial sums, or for a copy where one
            is made.

    Source: the two-pass algorithm in Chan, Golub, LeVeque, "Algorithms for Computing the Sample
    Variance" (1983).
    """
    plain = where is True and dtype is out is mean is correction is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.var(a, axis, keepdims, ddof, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return spread("var", a, how, dtype, out, ddof, where, mean, correction, device)


def std(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: ArrayLike | None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The standard deviation along axes, as :func:`numpy.std` gives it.

    As :func:`var`, and then the square root, rounded once.

    Args:
        a: See :func:`var`.
        axis: See :func:`var`.
        dtype: See :func:`var`.
        out: See :func:`var`.
        ddof: See :func:`var`.
        keepdims: See :func:`var`.
        where: See :func:`var`.
        mean: See :func:`var`.
        correction: See :func:`var`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`var`.

    Raises:
        Exception: See :func:`var`.
    """
    plain = where is True and dtype is out is mean is correction is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.std(a, axis, keepdims, ddof, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return spread("std", a, how, dtype, out, ddof, where, mean, correction, device)


def nanvar(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: ArrayLike | None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The variance of what is not NaN along axes, as :func:`numpy.nanvar` gives it.

    As :func:`var`, but NaNs do not count. Where too few are left the result is NaN. For floats
    `dtype` and `out` must be floats, too.

    Args:
        a: See :func:`var`.
        axis: See :func:`var`.
        dtype: See :func:`var`.
        out: See :func:`var`.
        ddof: See :func:`var`.
        keepdims: See :func:`var`.
        where: See :func:`var`.
        mean: See :func:`var`.
        correction: See :func:`var`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`var`.

    Raises:
        Exception: See :func:`var`.
    """
    plain = where is True and dtype is out is mean is correction is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.nanvar(a, axis, keepdims, ddof, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return spread("nanvar", a, how, dtype, out, ddof, where, mean, correction, device)


def nanstd(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: ArrayLike | None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The standard deviation of what is not NaN, as :func:`numpy.nanstd` gives it.

    As :func:`nanvar`, and then the square root, rounded once.

    Args:
        a: See :func:`var`.
        axis: See :func:`var`.
        dtype: See :func:`var`.
        out: See :func:`var`.
        ddof: See :func:`var`.
        keepdims: See :func:`var`.
        where: See :func:`var`.
        mean: See :func:`var`.
        correction: See :func:`var`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`var`.

    Raises:
        Exception: See :func:`var`.
    """
    plain = where is True and dtype is out is mean is correction is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.nanstd(a, axis, keepdims, ddof, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return spread("nanstd", a, how, dtype, out, ddof, where, mean, correction, device)
