# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the ordering kernels share: their dtypes, and arrays of all sorts."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

Array = np.ndarray[Any, Any]

DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
]
THREADS = [1, 2, 3, 8, 64]


def same(x: Array, y: Array) -> bool:
    """The same shape, dtype and bits."""
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def numbers(dtype: str, n: int, *, few: bool = False) -> Array:
    """n numbers over the whole range of a dtype, or few different ones."""
    random = np.random.default_rng(n)
    if dtype == "bool":
        return random.integers(0, 2, n).astype(bool)
    if dtype.startswith("float"):
        if few:
            special = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1.0, -1.0], dtype)
            return special[random.integers(0, special.size, n)]
        return (random.standard_normal(n) * 10.0 ** random.integers(-5, 6, n)).astype(dtype)
    info = np.iinfo(dtype)
    if few:
        return random.integers(0, 5, n).astype(dtype)
    return random.integers(info.min, info.max, n, dtype=dtype, endpoint=True)


@st.composite
def arrays(draw: st.DrawFn, min_dims: int = 0) -> Array:
    """Arrays of every dtype, of odd shapes and memory layouts."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(npst.array_shapes(min_dims=min_dims, max_dims=4, min_side=0, max_side=9))
    floats = {"allow_nan": True, "allow_infinity": True}
    elements = npst.from_dtype(dtype, **(floats if dtype.kind == "f" else {}))
    a = draw(npst.arrays(dtype, shape, elements=elements))
    if draw(st.booleans()):
        a = np.asfortranarray(a)
    if a.ndim > 0:
        slices = tuple(slice(None, None, draw(st.sampled_from([1, 2, -1]))) for _ in a.shape)
        a = np.asarray(a[slices])
    return a.transpose(draw(st.permutations(range(a.ndim))))
