# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The sum of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core, cuda
from nativeconc.kernels._arguments import (
    Device,
    Gil,
    check_gpu_execution,
    host_array,
    runs_on_gpu,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def sum(  # noqa: A001 - NumPy's name
    a: ArrayLike,
    axis: None = None,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Add up all elements of an array, as :func:`numpy.sum` does.

    The result has the same bits for any number of threads, any alignment and any stride length,
    and on any CPU. It depends on the values, the dtype, the shape and the order of the axes in
    memory.

    Args:
        a: An array of float32, float64, int32 or int64, of any shape and strides; it may be
            read-only, 0-d or empty. Lists and scalars are taken as :func:`numpy.asarray` takes
            them.
        axis: None: sums along one axis are not supported.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: "cpu", "cuda" (the array is copied to the GPU), or None for where the array lies.

    Returns:
        A NumPy scalar: float64 for float64, float32 for float32 (added up in double precision and
        rounded once), int64 for integers (wrapping around, as NumPy does). The empty sum is 0. For
        an array on the GPU, a CuPy array of shape ().

        A float64 sum of n elements is within d * 2**-53 * sum(abs(a)) of the exact one (and a term
        of second order), with d = 20 + log2(n / 512), rounded up: the bound of NumPy's pairwise
        summation, for every memory layout. Float32 sums have the same d, and then one rounding.

    Raises:
        TypeError: The dtype has no native path, or the array is byte-swapped or masked.
        ValueError: `axis` is not None, or `threads`, `gil` or `device` is out of range.
        CudaUnavailableError: The GPU is asked for, and there is none.
        MemoryError: There is no memory for the partial sums (8 bytes for every 131072 elements).

    Source: pairwise summation, Higham, "Accuracy and Stability of Numerical Algorithms",
    section 4.2.
    """
    if axis is not None:
        raise ValueError(f"axis must be None (the sum of all elements), not {axis!r}")
    if device is None and type(a) is np.ndarray:  # by far the most frequent, so first
        return _core.sum(a, threads, gil)
    if runs_on_gpu(device, a):
        check_gpu_execution(threads, gil)
        return cuda._sum(a)
    return _core.sum(host_array(a), threads, gil)
