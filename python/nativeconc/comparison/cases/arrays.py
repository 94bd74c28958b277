# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels that stand in for a function of NumPy: one row each.

The comparison, the tests against NumPy and against the twins, and benchmarks/kernels.py all go
through these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nativeconc import kernels, reference
from nativeconc.comparison.cases.base import Case
from nativeconc.comparison.ways import Way

__all__ = ["ARRAY_CASES"]

# Several inputs, so that threads read different memory; together they may take about this much.
_MEMORY_BYTES = 128 << 20

# arguments(rng, n): what one call takes, for arrays of n elements.
Arguments = Callable[[np.random.Generator, int], tuple[Any, ...]]


def _row(
    name: str,
    arguments: Arguments,
    numpy_function: Callable[..., object],
    numpy_way: str,
    *,
    bytes_per_element: int = 8,
    largest: int = 1 << 22,
) -> Case:
    def inputs(units: int, n: int) -> list[tuple[Any, ...]]:
        count = max(1, min(n, _MEMORY_BYTES // (bytes_per_element * max(1, units))))
        return [arguments(np.random.default_rng(seed), units) for seed in range(count)]

    def lists(units: int, n: int) -> list[tuple[Any, ...]]:
        return [
            tuple(each.tolist() if isinstance(each, np.ndarray) else each for each in one)
            for one in inputs(units, n)
        ]

    native = getattr(kernels, name)
    return Case(
        name=name,
        title=f"{name} of {{units}} elements",
        unit="element",
        functions={
            Way.PYTHON: getattr(reference, name),
            Way.NUMPY: numpy_function,
            Way.HELD: native,
            Way.RELEASED: native,
            Way.POOL: native,
        },
        inputs=inputs,
        python_inputs=lists,
        smallest=1 << 12,
        largest=largest,
        bytes_per_unit=bytes_per_element,
        numpy_way=numpy_way,
    )


def _normal(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (rng.standard_normal(n),)


def _with_nan(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    (a,) = _normal(rng, n)
    a[::7] = np.nan
    return (a,)


def _small_integers(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (rng.integers(0, 1000, n),)


def _places(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (np.zeros(1000), rng.integers(0, 1000, n), rng.standard_normal(n))


def _wide_integers(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (rng.integers(-(2**62), 2**62, n),)


def _integers_and_a_third(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    a = rng.integers(-(2**62), 2**62, n)
    return (a, rng.permutation(a)[: n // 3 + 1])


def _sorted_and_a_tenth(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (np.sort(rng.standard_normal(n)), rng.standard_normal(n // 10 + 1))


def _normal_and_its_middle(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (*_normal(rng, n), n // 2)


def _normal_and_a_part(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (*_normal(rng, n), 0.9)


def _keys_and_values(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    return (rng.integers(0, 1000, n), rng.standard_normal(n))


def _unique_and_bincount(keys: Any, values: Any) -> Any:
    different, which = np.unique(keys, return_inverse=True)
    return different, np.bincount(which, values)


def _stable_argsort(a: Any) -> Any:
    return np.argsort(a, kind="stable")


ARRAY_CASES: tuple[Case, ...] = (
    _row("add_at", _places, np.add.at, "numpy.add.at", bytes_per_element=16),
    _row("argsort", _normal, _stable_argsort, 'numpy.argsort(a, kind="stable")'),
    _row("bincount", _small_integers, np.bincount, "numpy.bincount"),
    _row(
        "groupby",
        _keys_and_values,
        _unique_and_bincount,
        "numpy.unique(keys, return_inverse=True) and numpy.bincount(inverse, values)",
        bytes_per_element=16,
    ),
    _row("histogram", _normal, np.histogram, "numpy.histogram"),
    _row("isin", _integers_and_a_third, np.isin, "numpy.isin(a, b)"),
    _row("max", _normal, np.max, "np.max(a)"),
    _row("mean", _normal, np.mean, "np.mean(a)"),
    _row("median", _normal, np.median, "numpy.median(a)"),
    _row("min", _normal, np.min, "np.min(a)"),
    _row("nanmax", _with_nan, np.nanmax, "np.nanmax(a)"),
    _row("nanmean", _with_nan, np.nanmean, "np.nanmean(a)"),
    _row("nanmin", _with_nan, np.nanmin, "np.nanmin(a)"),
    _row("nanstd", _with_nan, np.nanstd, "np.nanstd(a)"),
    _row("nansum", _with_nan, np.nansum, "np.nansum(a)"),
    _row("nanvar", _with_nan, np.nanvar, "np.nanvar(a)"),
    _row("partition", _normal_and_its_middle, np.partition, "numpy.partition(a, k)"),
    _row("quantile", _normal_and_a_part, np.quantile, "numpy.quantile(a, q)"),
    _row("searchsorted", _sorted_and_a_tenth, np.searchsorted, "numpy.searchsorted(a, v)"),
    _row("sort", _normal, np.sort, "numpy.sort(a)"),
    _row("std", _normal, np.std, "np.std(a)"),
    _row("unique", _wide_integers, np.unique, "numpy.unique(a)"),
    _row("var", _normal, np.var, "np.var(a)"),
)
