# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Worker processes blur an image that they share, instead of sending its pixels there and back.

Run it with ``python examples/shared_image_filter.py``.
"""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nativeconc import shared

WORKERS = 2
BANDS = 8
HEIGHT, WIDTH = 3000, 4000

Image = NDArray[np.float32]


def blur(rows: Image, out: Image) -> None:
    """Each pixel becomes the mean of itself and its eight neighbours.

    `rows` reaches one pixel further than `out` on each side.
    """
    height, width = out.shape
    out[:] = 0
    for down in range(3):
        for right in range(3):
            out += rows[down : down + height, right : right + width]
    out /= 9


def blur_shared(image: shared.Array, blurred: shared.Array, top: int, bottom: int) -> None:
    """A worker's task: it reads one shared image and writes its rows into another."""
    blur(image[top - 1 : bottom + 1], blurred[top:bottom, 1:-1])


def blur_sent(rows: Image) -> Image:
    """The same the usual way: pixels come in a pickle, and go back in one."""
    out = np.empty((len(rows) - 2, rows.shape[1] - 2), np.float32)
    blur(rows, out)
    return out


def megabytes(*sent: Any) -> float:
    """What goes through the pipe between two processes, in MB."""
    return len(pickle.dumps(sent)) / 1e6


def main() -> None:
    """Do it both ways, and compare."""
    image = np.random.default_rng(0).random((HEIGHT, WIDTH), np.float32)
    # Where each band begins and ends. The outermost pixels have too few neighbours and stay out.
    edges = [int(edge) for edge in np.linspace(1, HEIGHT - 1, BANDS + 1)]
    bands = list(itertools.pairwise(edges))
    context = multiprocessing.get_context("spawn")

    with context.Pool(WORKERS) as pool:
        pool.starmap(blur_shared, [(shared.zeros((4, 4)), shared.zeros((4, 4)), 1, 3)] * WORKERS)

        # Shared: a task holds two handles and two numbers. The image is copied once, at the start.
        start = time.perf_counter()
        source = shared.copy(image)
        blurred = shared.zeros(source.shape, source.dtype)
        pool.starmap(blur_shared, [(source, blurred, *band) for band in bands])
        seconds = time.perf_counter() - start
        sent = BANDS * megabytes(source, blurred, *bands[0])
        print(f"shared:  {seconds * 1e3:5.0f} ms, {sent:8.3f} MB through pipes")

        # Pickled: each pixel goes through a pipe twice, and is copied several times on its way.
        start = time.perf_counter()
        parts = pool.map(blur_sent, [image[top - 1 : bottom + 1] for top, bottom in bands], 1)
        expected = np.zeros_like(image)
        expected[1:-1, 1:-1] = np.concatenate(parts)
        seconds = time.perf_counter() - start
        sent = megabytes(image) + megabytes(*parts)
        print(f"pickled: {seconds * 1e3:5.0f} ms, {sent:8.3f} MB through pipes")

    print(f"the same image: {np.array_equal(blurred, expected)}")


if __name__ == "__main__":
    main()
