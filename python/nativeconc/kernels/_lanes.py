# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The axes that a median or a quantile goes along, as one axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def axes_of(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...] | None:
    """The axes from 0 to ndim - 1; None for all elements together.

    Raises:
        numpy.exceptions.AxisError: There is no such axis.
        ValueError: One is named twice.
    """
    if axis is None:
        return None
    axes = axis if isinstance(axis, tuple) else (axis,)
    for each in axes:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(each, ndim)
    normalized = tuple(each % ndim for each in axes)
    if len(set(normalized)) != len(normalized):
        raise ValueError(f"repeated axis: {axis!r} names one axis twice")
    return normalized


def as_lanes(values: Array, axes: tuple[int, ...] | None) -> tuple[Array, int | None]:
    """The array with the axes as one, and which one that is; None for all elements together."""
    if axes is None:
        return values, None
    if len(axes) == 1:
        return values, axes[0]
    return together(values, axes), -1


def together(values: Array, axes: tuple[int, ...]) -> Array:
    """The axes as one, the last; a copy where they do not lie together in memory."""
    others = [i for i in range(values.ndim) if i not in axes]
    moved = values.transpose(*others, *sorted(axes))
    return moved.reshape(
        *(values.shape[i] for i in others), math.prod(values.shape[i] for i in axes)
    )


def kept_axes(axes: tuple[int, ...] | None, ndim: int) -> tuple[Any, ...]:
    """The index that gives a result the axes back, with one element each."""
    return tuple(np.newaxis if axes is None or i in axes else slice(None) for i in range(ndim))
