# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The Mandelbrot set in plain Python: the specification of `nativeconc.kernels.mandelbrot`."""


def mandelbrot(
    re: tuple[float, float] = (-2.0, 0.5),
    im: tuple[float, float] = (-1.25, 1.25),
    size: tuple[int, int] = (1000, 1000),
    max_iter: int = 200,
) -> list[list[int]]:
    """Counts, for each point of a grid, the steps it takes to escape.

    Args:
        re: First and last real part. Column 0 lies at `re[0]`.
        im: First and last imaginary part. Row 0 lies at `im[0]`.
        size: Width and height in pixels.
        max_iter: The most steps to take.

    Returns:
        `height` rows of `width` counts: how often z <- z*z + c was applied, from z = 0, before
        |z|^2 was greater than 4; `max_iter` for a point that never got there.

    The escape-time algorithm as in Peitgen and Richter, "The Beauty of Fractals" (1986).
    """
    width, height = size
    step_re = _spacing(re, width)
    step_im = _spacing(im, height)
    return [
        [
            _escape_steps(re[0] + col * step_re, im[0] + row * step_im, max_iter)
            for col in range(width)
        ]
        for row in range(height)
    ]


def _spacing(limits: tuple[float, float], n: int) -> float:
    return (limits[1] - limits[0]) / (n - 1) if n > 1 else 0.0


def _escape_steps(cx: float, cy: float, max_iter: int) -> int:
    x = y = 0.0
    for steps in range(max_iter):
        x2 = x * x
        y2 = y * y
        if not x2 + y2 <= 4.0:
            return steps
        y = (x + x) * y + cy
        x = (x2 - y2) + cx
    return max_iter
