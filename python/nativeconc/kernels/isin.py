# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which elements of an array occur in another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def isin(
    element: ArrayLike,
    test_elements: ArrayLike,
    assume_unique: bool = False,  # noqa: ARG001 - NumPy's; it changes nothing
    invert: bool = False,
    *,
    kind: Literal["sort", "table"] | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> NDArray[np.bool_]:
    """Tell which elements of an array occur in another one, as :func:`numpy.isin` does.

    A NaN occurs nowhere; -0.0 and 0.0 are equal.

    Args:
        element: An array of bool, any integer type, float32 or float64, of any shape and strides.
            Lists are taken as :func:`numpy.asarray` takes them.
        test_elements: Another one. If its dtype is another one, both are converted to NumPy's
            common dtype first; uint64 and signed integers are compared exactly.
        assume_unique: It changes nothing.
        invert: Return true for those that do not occur.
        kind: None, "sort" or "table". It changes nothing, but "table" is refused where NumPy
            refuses it.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        A bool array of element's shape.

    Raises:
        TypeError: A dtype has no native path, or an array is byte-swapped or masked.
        ValueError: `kind`, `threads`, `gil` or `device` is out of range, or `kind` is "table" and
            there are floats.
        RuntimeError: `kind` is "table" and the test elements span too many values for it.
        MemoryError: There is no memory for the result, or for a table: 16 to 32 bytes for each test
            element; for integers that span few values, a bit for each value.

    Source: a table of bits, or hashing with linear probing, Knuth, "The Art of Computer
    Programming", volume 3, section 6.4.
    """
    if device is not None:
        require_cpu(device, "isin")
    elements = element if type(element) is np.ndarray else host_array(element)
    tests = test_elements if type(test_elements) is np.ndarray else host_array(test_elements)
    if kind is not None:
        _check_kind(kind, elements, tests)
    if elements.dtype == tests.dtype:
        return _core.isin(elements, tests, bool(invert), threads, gil)
    common = np.promote_types(elements.dtype, tests.dtype)
    if common.kind == "f" and elements.dtype.kind in "iu" and tests.dtype.kind in "iu":
        return _exact_isin(elements, tests, bool(invert), threads, gil)
    return _core.isin(
        elements.astype(common, copy=False),
        tests.astype(common, copy=False),
        bool(invert),
        threads,
        gil,
    )


def _exact_isin(
    elements: NDArray[Any], tests: NDArray[Any], invert: bool, threads: int | None, gil: Gil
) -> NDArray[np.bool_]:
    """One side is uint64, the other one signed: what is negative there has no equal here."""
    tests = tests[tests >= 0].astype(np.uint64, copy=False)
    found = _core.isin(elements.astype(np.uint64, copy=False), tests, invert, threads, gil)
    if elements.dtype.kind == "i":
        found[elements < 0] = invert
    return found


def _check_kind(kind: object, elements: NDArray[Any], tests: NDArray[Any]) -> None:
    if kind not in ("sort", "table"):
        raise ValueError(f"Invalid kind: '{kind}'. Please use None, 'sort' or 'table'.")
    if kind == "sort":
        return
    if elements.dtype.kind not in "iub" or tests.dtype.kind not in "iub":
        raise ValueError(
            "The 'table' method is only supported for boolean or integer arrays, not for "
            f"{elements.dtype} and {tests.dtype}. Please select 'sort' or None for kind."
        )
    if tests.size and tests.dtype.kind != "b":
        span = int(tests.max()) - int(tests.min())
        if span > np.iinfo(tests.dtype).max:
            raise RuntimeError(
                "You have specified kind='table', but the values of `test_elements` "
                "exceed the maximum integer of the datatype. Please set `kind` to None or 'sort'."
            )
