# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Smallest and largest elements along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil
from nativeconc.kernels._extreme import extreme
from nativeconc.kernels._reduce import Axis, How

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def min(  # noqa: A001 - NumPy's name
    a: ArrayLike,
    axis: Axis = None,
    out: np.ndarray[Any, Any] | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The smallest element along axes, as :func:`numpy.min` gives it.

    Args:
        a: An array of bool, integers, float32 or float64, of any shape and strides. Lists and
            scalars are taken as :func:`numpy.asarray` takes them.
        axis: None for all axes, an int, or a tuple of ints.
        out: An array of the result's shape to put it into; it may overlap `a`.
        keepdims: Keep the reduced axes, with extent 1.
        initial: A further number that takes part, or None; needed where there are no elements, or
            with `where`. It is converted to the array's dtype.
        where: True, or bools that broadcast to the array: which elements take part. They need
            `initial`, and the array is copied, with `initial` elsewhere.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        The dtype of the array: a NumPy scalar or an array. NaN if there is a NaN. The sign of a
        zero is the same for any number of threads and any strides, but may differ from NumPy's.

    Raises:
        TypeError: The dtype has no native path, the array is byte-swapped or masked, or `out` is no
            array, or `where` holds no bools.
        ValueError: There are no elements, or a `where`, and no `initial`; or `axis`
            (numpy.exceptions.AxisError), `out`, `where`, `threads`, `gil` or `device` is out of
            range.
        MemoryError: There is no memory for the partial results (1/128 of the array, at most), or
            for a copy where one is made.
    """
    plain = where is True and out is initial is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.min(a, axis, keepdims, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return extreme("min", a, how, out=out, initial=initial, where=where, device=device)


def nanmin(
    a: ArrayLike,
    axis: Axis = None,
    out: np.ndarray[Any, Any] | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The smallest element that is not NaN, as :func:`numpy.nanmin` gives it.

    As :func:`min`, but NaNs do not count. Of nothing but NaNs the result is NaN, with a
    RuntimeWarning.

    Args:
        a: See :func:`min`.
        axis: See :func:`min`.
        out: See :func:`min`.
        keepdims: See :func:`min`.
        initial: See :func:`min`.
        where: See :func:`min`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`min`.

    Raises:
        Exception: See :func:`min`.
    """
    plain = where is True and out is initial is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.nanmin(a, axis, keepdims, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return extreme("nanmin", a, how, out=out, initial=initial, where=where, device=device)
