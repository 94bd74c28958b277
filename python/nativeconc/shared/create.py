# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The functions that create shared arrays, as NumPy's create ordinary ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nativeconc.shared.array import Array, new_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

__all__ = ["copy", "empty", "full", "zeros"]


def zeros(
    shape: Any,
    dtype: DTypeLike = float,
    order: Literal["C", "F"] = "C",
    *,
    name: str | None = None,
    exist_ok: bool = False,
    huge_pages: bool = False,
    prefault: bool = False,
) -> Array:
    """A shared array of zeros; what `Array` itself does, where all arguments stand.

    Args:
        shape: An int or a sequence of ints.
        dtype: Anything without Python objects in it.
        order: "C" or "F".
        name: See `Array`.
        exist_ok: See `Array`. An array that exists keeps its content.
        huge_pages: See `Array`.
        prefault: See `Array`.

    Raises:
        FileExistsError, ValueError, TypeError, SharedMemoryFull, SegmentError: As `Array` does.
    """
    return new_array(
        Array,
        shape,
        dtype,
        order,
        name=name,
        exist_ok=exist_ok,
        huge_pages=huge_pages,
        prefault=prefault,
    )


def empty(
    shape: Any,
    dtype: DTypeLike = float,
    order: Literal["C", "F"] = "C",
    *,
    name: str | None = None,
    exist_ok: bool = False,
    huge_pages: bool = False,
    prefault: bool = False,
) -> Array:
    """A shared array whose content nobody has set: it may be that of shared arrays before it.

    Args:
        shape: An int or a sequence of ints.
        dtype: Anything without Python objects in it.
        order: "C" or "F".
        name: See `Array`.
        exist_ok: See `Array`. An array that exists keeps its content.
        huge_pages: See `Array`.
        prefault: See `Array`.

    Raises:
        FileExistsError, ValueError, TypeError, SharedMemoryFull, SegmentError: As `Array` does.
    """
    return new_array(
        Array,
        shape,
        dtype,
        order,
        name=name,
        exist_ok=exist_ok,
        huge_pages=huge_pages,
        prefault=prefault,
        zeroed=False,
    )


def full(
    shape: Any,
    fill_value: Any,
    dtype: DTypeLike | None = None,
    order: Literal["C", "F"] = "C",
    *,
    name: str | None = None,
    huge_pages: bool = False,
    prefault: bool = False,
) -> Array:
    """A shared array full of one value.

    Args:
        shape: An int or a sequence of ints.
        fill_value: A scalar, or an array that broadcasts to the shape.
        dtype: None for that of the value.
        order: "C" or "F".
        name: See `Array`. It is visible before the array is full.
        huge_pages: See `Array`.
        prefault: See `Array`.

    Raises:
        FileExistsError, ValueError, TypeError, SharedMemoryFull, SegmentError: As `Array` does.
    """
    kind = np.asarray(fill_value).dtype if dtype is None else np.dtype(dtype)
    array = new_array(
        Array,
        shape,
        kind,
        order,
        name=name,
        huge_pages=huge_pages,
        prefault=prefault,
        zeroed=False,
    )
    np.copyto(array, fill_value, casting="unsafe")
    return array


def copy(
    a: ArrayLike,
    *,
    name: str | None = None,
    huge_pages: bool = False,
    prefault: bool = False,
) -> Array:
    """A shared copy of an array, or of what `numpy.asarray` makes of it.

    Args:
        a: Any dtype without Python objects in it, any strides. The copy is in Fortran order if `a`
            is, else in C order.
        name: See `Array`. It is visible before all is copied.
        huge_pages: See `Array`.
        prefault: See `Array`.

    Raises:
        FileExistsError, ValueError, TypeError, SharedMemoryFull, SegmentError: As `Array` does.

    Releases the GIL while it copies.
    """
    source = np.asarray(a)
    order = "F" if source.flags.fnc else "C"
    array = new_array(
        Array,
        source.shape,
        source.dtype,
        order,
        name=name,
        huge_pages=huge_pages,
        prefault=prefault,
        zeroed=source.dtype.fields is not None,  # the copy leaves gaps between fields alone
    )
    np.copyto(array, source)
    return array
