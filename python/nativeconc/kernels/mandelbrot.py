# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The Mandelbrot set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from nativeconc import _core, cuda
from nativeconc.kernels._arguments import (
    Device,
    Gil,
    check_gpu_execution,
    integer,
    interval,
    runs_on_gpu,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST = 2**31 - 1


def mandelbrot(
    re: tuple[float, float] = (-2.0, 0.5),
    im: tuple[float, float] = (-1.25, 1.25),
    size: tuple[int, int] = (1000, 1000),
    max_iter: int = 200,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> NDArray[np.int32]:
    """Count the steps that the points of a grid take to escape the Mandelbrot iteration.

    Args:
        re: The real parts of the first and the last column.
        im: The imaginary parts of the first and the last row.
        size: Width and height in pixels, each from 0 to 2**31 - 1. The grid includes both ends.
        max_iter: The most steps to take, from 0 to 2**31 - 1.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu", or "cuda" to compute on the GPU and copy the image to the host.

    Returns:
        An int32 array of shape (height, width). Pixel (row, col) stands for
        c = (re[0] + col * step_re) + i * (im[0] + row * step_im), where
        step = (last - first) / (n - 1), and holds how often z <- z*z + c was applied, from z = 0,
        before abs(z)**2 > 4; `max_iter` for a point that never got there. Equal on every CPU and
        GPU, and for any number of threads.

    Raises:
        TypeError: An argument is not a number of the right kind.
        ValueError: A number is NaN, infinite or out of range.
        CudaUnavailableError: The GPU is asked for, and there is none.
        MemoryError: The image does not fit into memory.

    Source: the escape-time algorithm, Peitgen and Richter, "The Beauty of Fractals" (1986).
    """
    re_lo, re_hi = interval("re", re)
    im_lo, im_hi = interval("im", im)
    try:
        width, height = size
    except (TypeError, ValueError):
        raise TypeError(f"size must be a pair (width, height), not {size!r}") from None
    width = integer("size[0] (the width)", width, 0, _MOST)
    height = integer("size[1] (the height)", height, 0, _MOST)
    max_iter = integer("max_iter", max_iter, 0, _MOST)
    if width * height * np.dtype(np.int32).itemsize > sys.maxsize:
        # NumPy calls this a ValueError, but both numbers are in their range.
        raise MemoryError(f"an image of {width} x {height} pixels does not fit into memory")
    if runs_on_gpu(device):
        check_gpu_execution(threads, gil)
        image: NDArray[np.int32] = cuda._mandelbrot(
            (re_lo, re_hi), (im_lo, im_hi), (width, height), max_iter
        )
        return image
    return _core.mandelbrot(re_lo, re_hi, im_lo, im_hi, width, height, max_iter, threads, gil)
