# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""kernels.mandelbrot against the pure-Python twin and whole-array NumPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nativeconc import kernels, reference
from nativeconc.comparison.cases.base import Case
from nativeconc.comparison.ways import Way

__all__ = ["CASE", "numpy_mandelbrot"]

_RE = (-2.0, 0.5)
_IM = (-1.25, 1.25)
_MAX_ITER = 200


def numpy_mandelbrot(
    re: tuple[float, float], im: tuple[float, float], size: tuple[int, int], max_iter: int
) -> NDArray[np.int32]:
    """The escape-time image with whole-array operations; points that escaped are dropped."""
    width, height = size
    x = re[0] + np.arange(width) * ((re[1] - re[0]) / max(1, width - 1))
    y = im[0] + np.arange(height) * ((im[1] - im[0]) / max(1, height - 1))
    c = (x[np.newaxis, :] + 1j * y[:, np.newaxis]).ravel()
    image = np.full(c.size, max_iter, dtype=np.int32)
    alive = np.arange(c.size)
    z = np.zeros_like(c)
    for step in range(1, max_iter + 1):
        z = z * z + c
        inside = z.real * z.real + z.imag * z.imag <= 4.0
        image[alive[~inside]] = step
        z, c, alive = z[inside], c[inside], alive[inside]
    return image.reshape(height, width)


def _square(units: int) -> int:
    side = max(2, math.isqrt(units))
    return side * side


def _frames(units: int, _n: int) -> list[tuple[object, ...]]:
    side = math.isqrt(units)
    return [(_RE, _IM, (side, side), _MAX_ITER)]


CASE = Case(
    name="mandelbrot",
    title=f"Mandelbrot image of {{units}} pixels, at most {_MAX_ITER} steps each",
    unit="pixel",
    functions={
        Way.PYTHON: reference.mandelbrot,
        Way.NUMPY: numpy_mandelbrot,
        Way.HELD: kernels.mandelbrot,
        Way.RELEASED: kernels.mandelbrot,
        Way.POOL: kernels.mandelbrot,
    },
    inputs=_frames,
    smallest=16 * 16,
    bytes_per_unit=4,
    numpy_way="z = z * z + c on whole arrays",
    rounded=_square,
)
