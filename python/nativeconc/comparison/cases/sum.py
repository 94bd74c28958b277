# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""kernels.sum against the pure-Python twin and np.sum, over float64."""

from __future__ import annotations

import numpy as np

from nativeconc import kernels, reference
from nativeconc.comparison.cases.base import Case
from nativeconc.comparison.ways import Way

__all__ = ["CASE"]

# Several slices, so that threads read different memory; together they may take this much.
_MEMORY_BYTES = 128 << 20
_PATTERN_LENGTH = 4096


def _arrays(units: int, n: int) -> list[tuple[np.ndarray, ...]]:
    count = max(1, min(n, _MEMORY_BYTES // (8 * max(1, units))))
    pattern = np.random.default_rng(1).standard_normal(_PATTERN_LENGTH)
    return [(row,) for row in np.resize(pattern, count * units).reshape(count, units)]


def _lists(units: int, n: int) -> list[tuple[list[float], ...]]:
    return [(row.tolist(),) for (row,) in _arrays(units, n)]


CASE = Case(
    name="sum",
    title="sum of {units} float64",
    unit="element",
    functions={
        Way.PYTHON: reference.sum,
        Way.NUMPY: np.sum,
        Way.HELD: kernels.sum,
        Way.RELEASED: kernels.sum,
        Way.POOL: kernels.sum,
    },
    inputs=_arrays,
    python_inputs=_lists,
    smallest=1 << 12,
    # 32 MiB a call: beyond the caches, as a user's large array is, and several fit in memory.
    largest=1 << 22,
    bytes_per_unit=8,
    numpy_way="np.sum(a)",
)
