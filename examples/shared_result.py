# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A worker process returns a big array without pickling its data, and is gone before it is read.

Run it with ``python examples/shared_result.py``.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from nativeconc import shared

COUNT = 10_000_000


def square_roots(count: int) -> tuple[int, shared.Array]:
    """Make an array in a worker. It is returned as any other result."""
    roots = shared.empty((count,))
    np.sqrt(np.arange(count), out=roots)
    return os.getpid(), roots


def is_running(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def size_of_pickle(array: NDArray[np.float64]) -> str:
    return f"{len(pickle.dumps(array)):,} bytes"


def main() -> None:
    """Get an array from a worker that ends at once."""
    # Leaving the block waits until the worker has ended.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        worker, roots = executor.submit(square_roots, COUNT).result()
    print(f"worker {worker} is running: {is_running(worker)}")

    # Its memory had no name. The kernel keeps it as long as a process uses it: this one.
    print(f"the array is still there: {roots.nbytes:,} bytes")
    print(f"roots[2_000_000] = {roots[2_000_000]:.3f}")

    # What went through the pipe was a handle. A slice is one, too; a copy is an ordinary array.
    print(f"pickle of the array: {size_of_pickle(roots)}")
    print(f"pickle of a slice:   {size_of_pickle(roots[::2])}")
    print(f"pickle of a copy:    {size_of_pickle(roots.copy())}")


if __name__ == "__main__":
    main()
