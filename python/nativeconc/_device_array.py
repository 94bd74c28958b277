# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Arrays that lie on a GPU, as they describe themselves. Private; nothing here makes a CUDA call.

Everything an array interface says is checked before any of it reaches the GPU, where a wrong stride
or a misaligned address would end CUDA for the whole process.

Source: the CUDA Array Interface, versions 2 and 3, and DLPack's device types.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

# Element type -> its number in the GPU library's ABI.
DTYPES = {"<f4": 0, "<f8": 1, "<i4": 2, "<i8": 3}
_MAX_DIMS = 64
_DLPACK_CUDA = (2, 13)  # CUDA, and CUDA managed memory


class DeviceArray(NamedTuple):
    """What an array interface says, checked."""

    address: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # bytes
    read_only: bool
    stream: int  # where the data is ready; 0: it is ready

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def is_device_array(obj: object) -> bool:
    """Whether ``obj`` says that its data lies on a CUDA device. Makes no CUDA call."""
    if isinstance(obj, (np.ndarray, np.generic, list, tuple, int, float)):
        return False
    if hasattr(obj, "__cuda_array_interface__"):
        return True
    dlpack_device = getattr(obj, "__dlpack_device__", None)
    return callable(dlpack_device) and dlpack_device()[0] in _DLPACK_CUDA


def read_device_array(obj: Any) -> DeviceArray:
    """Reads and checks the ``__cuda_array_interface__`` of ``obj``. Makes no CUDA call of its own.

    Raises:
        TypeError: An entry is of the wrong type, or the dtype has no GPU kernel.
        ValueError: The array is masked, misaligned, inconsistent or of an unknown version.
    """
    interface = obj.__cuda_array_interface__
    if not isinstance(interface, dict):
        raise TypeError(f"__cuda_array_interface__ must be a dict, not {type(interface).__name__}")
    try:
        return _read_interface(interface)
    except KeyError as error:
        raise ValueError(f"__cuda_array_interface__ has no entry {error}") from None


def _read_interface(interface: dict[str, Any]) -> DeviceArray:
    version = interface["version"]
    if version not in (2, 3):
        raise ValueError(f"__cuda_array_interface__ must be of version 2 or 3, not {version!r}")
    if interface.get("mask") is not None:
        raise ValueError("masked device arrays are not supported")
    dtype = supported_dtype(interface["typestr"])
    itemsize = int(dtype[-1])
    shape = _ints("shape", interface["shape"])
    if any(extent < 0 for extent in shape):
        raise ValueError(f"the shape of a device array must not be negative, not {shape}")
    if len(shape) > _MAX_DIMS:
        raise ValueError(f"a device array may have {_MAX_DIMS} dimensions, not {len(shape)}")
    strides = interface.get("strides")
    strides = packed_strides(shape, itemsize) if strides is None else _ints("strides", strides)
    if len(strides) != len(shape):
        raise ValueError(f"strides {strides} do not fit the shape {shape}")
    address, read_only = _data(interface["data"])
    _check_extent(address, shape, strides, itemsize)
    return DeviceArray(address, dtype, shape, strides, read_only, _stream(interface))


def supported_dtype(dtype: Any) -> str:
    try:
        name: str = np.dtype(dtype).str
    except TypeError:
        name = repr(dtype)
    if name not in DTYPES:
        raise TypeError(f"dtype must be float32, float64, int32 or int64, not {name}")
    return name


def _data(data: Any) -> tuple[int, bool]:
    try:
        address, read_only = data
        return operator.index(address), bool(read_only)
    except (TypeError, ValueError):
        raise TypeError(
            f"the data of a device array must be an address and a read-only flag, not {data!r}"
        ) from None


def _ints(what: str, values: Any) -> tuple[int, ...]:
    try:
        numbers = tuple(operator.index(value) for value in values)
    except TypeError:
        raise TypeError(f"the {what} of a device array must be ints, not {values!r}") from None
    if any(not -(2**63) <= number < 2**63 for number in numbers):
        raise ValueError(f"the {what} of a device array must fit into 64 bits, not {numbers}")
    return numbers


def packed_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    strides = [itemsize] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
    return tuple(strides)


def _check_extent(
    address: int, shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int
) -> None:
    if not 0 <= address < 2**64:
        raise ValueError(f"a device array's address must be from 0 to 2**64 - 1, not {address}")
    n = math.prod(shape)
    if n == 0:
        return
    if address == 0:
        raise ValueError("a device array with elements must not be at address 0")
    # First and last byte, so that no offset computed on the device can overflow.
    ends = [
        (extent - 1) * stride for extent, stride in zip(shape, strides, strict=True) if extent > 1
    ]
    span = sum(map(abs, ends)) + itemsize
    if n >= 2**63 or span >= 2**63:
        raise ValueError(f"a device array of shape {shape} and strides {strides} is too large")
    moving = [stride for extent, stride in zip(shape, strides, strict=True) if extent > 1]
    if any(number % itemsize != 0 for number in [address, *moving]):
        raise ValueError(
            f"the elements of a device array must lie at multiples of their size ({itemsize} bytes)"
        )


def _stream(interface: dict[str, Any]) -> int:
    stream = interface.get("stream")
    if stream is None:
        return 0
    try:
        number = operator.index(stream)
    except TypeError:
        raise TypeError(
            f"the stream of a device array must be None or an int, not {stream!r}"
        ) from None
    if not 0 < number < 2**64:
        raise ValueError(
            f"the stream of a device array must be None, 1, 2 or a stream's handle, not {number}"
        )
    return number
