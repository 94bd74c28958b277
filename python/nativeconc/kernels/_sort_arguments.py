# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""kind=, order= and stable= of NumPy's sorts: they are checked, and change nothing."""

from __future__ import annotations

from typing import Literal, TypeAlias

SortKind: TypeAlias = Literal["quicksort", "heapsort", "mergesort", "stable"]


def check_sort(kind: object, order: object, stable: object) -> None:
    """Raises what numpy.sort raises for the same mistakes."""
    if order is not None:
        raise ValueError("Cannot specify order when the array has no fields: order must be None")
    if kind is None:
        return
    if stable is not None:
        raise ValueError(
            "`kind` and `stable` parameters can't be provided at the same time. "
            "Use only one of them."
        )
    if not isinstance(kind, str):
        raise TypeError(f"sort kind must be str, not {type(kind).__name__}")
    if kind[:1].lower() not in ("q", "h", "m", "s"):
        raise ValueError(
            "sort kind must be one of 'quicksort', 'heapsort', 'mergesort' or 'stable', "
            f"not {kind!r}"
        )
