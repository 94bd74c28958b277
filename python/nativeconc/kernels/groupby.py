# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A statistic of the values beside each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def groupby(
    keys: ArrayLike,
    values: ArrayLike,
    how: Literal["sum", "mean", "min", "max", "count"] = "sum",
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Group values by key, as ``pandas.Series(values).groupby(keys)`` does, and sum up each group.

    Equal floats are one key: -0.0 and 0.0 (which comes out as 0.0), and all NaNs, which come last,
    as :func:`numpy.unique` has them. (pandas leaves rows with a NaN key out.) NaNs among the values
    are values like others: a group that holds one has NaN as its sum, mean, min and max, as in
    NumPy, and they are counted. (pandas leaves them out.)

    The result has the same bits for any number of threads, any memory layout and any CPU.

    Args:
        keys: A 1-d array of bool, any integer type, float32 or float64; it may be read-only or
            empty, of any stride. Lists are taken as :func:`numpy.asarray` takes them.
        values: The same, of the length of `keys`.
        how: "sum", "mean", "min", "max", or "count", which is the number of rows.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        The different keys, sorted, of the dtype of `keys`; and for each of them a result. Sums are
        int64 for bools and signed integers (they wrap around), uint64 for unsigned ones, else of
        the dtype of `values`; means are float64, or float32 for float32; min and max have the dtype
        of `values`; counts are int64. Of zeros of both signs, min gives -0.0 and max 0.0.

    Raises:
        TypeError: A dtype has no native path, or an array is byte-swapped or masked, or `how` is no
            string.
        ValueError: An array is not 1-d; their lengths differ; `how` is none of the above; or
            `threads`, `gil` or `device` is out of range.
        MemoryError: There is no memory for the result, or to work in: up to 75 bytes a row where
            there are nearly as many different keys as rows; 2 MB where they are few.

    It blocks, and releases the GIL, as :mod:`nativeconc.kernels` says.

    Float sums and means are added in double precision, what each addition rounds off is added at
    the end, and float32 is rounded once. With u = 2**-53, a sum of n values is within
    u * abs(sum) + 2 * (n * u)**2 * sum(abs(values)) of the exact one.

    Source: integer keys within a narrow range have a place each in a table. Otherwise rows are
    hashed (linear probing; Knuth, "The Art of Computer Programming", volume 3, section 6.4), if
    there are many keys after being brought together in parts that fit the caches, and groups are
    sorted by radix. Sums are those of Ogita, Rump and Oishi, "Accurate sum and dot product", 2005.
    """
    if device is not None:
        require_cpu(device, "groupby")
    k = keys if type(keys) is np.ndarray else host_array(keys)
    v = values if type(values) is np.ndarray else host_array(values)
    return _core.groupby(k, v, how, threads, gil)
