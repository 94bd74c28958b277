# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The GPU: whether there is one, and the GPU twins of the kernels.

The GPU code is a library of its own inside the package. It is opened on the first call of this
module, never by ``import nativeconc``, and needs nothing but an NVIDIA driver. Without one, or in a
build made without nvcc, :func:`is_available` is ``False`` and :func:`status` says why.

Arrays that lie on a GPU come in through ``__cuda_array_interface__`` (version 2 or 3) or DLPack;
results that stay there are CuPy arrays. Work is put on CuPy's current stream, after whatever the
stream that the input names has to do first, and no call waits for it. (An array that speaks DLPack
alone is waited for.) NumPy arrays are copied in and out, and those calls return when the result is
there.

No CUDA call is made with the GIL held. CUDA does not survive ``fork``: a child forked after its
parent used the GPU gets :class:`~nativeconc.CudaUnavailableError`.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from nativeconc import _core
from nativeconc._device_array import (
    DTYPES,
    DeviceArray,
    is_device_array,
    packed_strides,
    read_device_array,
    supported_dtype,
)
from nativeconc.errors import CudaUnavailableError

__all__ = ["Device", "devices", "is_available", "status"]

_LIBRARY_NAME = "libnativeconc_cuda.so"

# Element type -> the type of a sum, which is numpy.sum's.
_SUM_TYPES: dict[str, type[np.generic]] = {
    "<f4": np.float32,
    "<f8": np.float64,
    "<i4": np.int64,
    "<i8": np.int64,
}


@dataclass(frozen=True)
class Device:
    """One CUDA device.

    Attributes:
        index: Its number, from 0, among the devices that this process sees.
        name: What NVIDIA calls it.
        compute_capability: Major and minor.
        memory: Its memory in bytes.
        multiprocessors: How many of them it has.
        driver: The newest CUDA that the installed driver supports, such as ``"13.0"``.
        usable: ``False`` if it is older than what this build of nativeconc was made for.
    """

    index: int
    name: str
    compute_capability: tuple[int, int]
    memory: int
    multiprocessors: int
    driver: str
    usable: bool


def is_available() -> bool:
    """Whether kernels can run on a GPU here.

    The first call may take a moment, because it starts CUDA; children forked after that cannot use
    the GPU. Releases the GIL; never raises.
    """
    return _reason_against() is None


def status() -> str:
    """One plain sentence: which GPUs there are, or why none can be used.

    The first call may take a moment, because it starts CUDA. Releases the GIL; never raises.
    """
    reason = _reason_against()
    if reason is not None:
        return reason
    library = _version_text(_core.cuda_state()[2])
    found = [_describe(device) for device in devices() if device.usable]
    driver = _version_text(_core.cuda_state()[1])
    return (
        f"{len(found)} CUDA device{'s' if len(found) > 1 else ''} can be used: {', '.join(found)}; "
        f"the driver supports CUDA {driver}, and nativeconc was built with CUDA {library}."
    )


def devices() -> list[Device]:
    """The CUDA devices that this process sees, usable or not; none where CUDA cannot be used.

    Releases the GIL; does not start work on any device.
    """
    if _open_library() is not None:
        return []
    _, driver, _, _, count, _ = _core.cuda_state()
    result = []
    for index in range(count):
        name, major, minor, memory, multiprocessors, _, usable = _core.cuda_device(index)
        version = _version_text(driver)
        result.append(Device(index, name, (major, minor), memory, multiprocessors, version, usable))
    return result


def _version_text(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


def _describe(device: Device) -> str:
    major, minor = device.compute_capability
    return f"{device.name} (compute capability {major}.{minor}, {device.memory / 1e9:.0f} GB)"


def _library_path() -> str:
    # Without pathlib: importing that takes longer than all the rest of this package.
    return os.path.join(os.path.dirname(_core.__file__), _LIBRARY_NAME)  # noqa: PTH118, PTH120


_library_is_open = False


def _open_library() -> str | None:
    """Opens the GPU library if it is not open. Gives the reason if it cannot be."""
    global _library_is_open
    if _library_is_open:
        return None
    path = _library_path()
    if not os.path.exists(path):  # noqa: PTH110
        return (
            "This build of nativeconc has no GPU library: "
            "it was made where there was no CUDA compiler (nvcc)."
        )
    reason = _core.cuda_open(os.fspath(path))
    _library_is_open = reason is None
    return reason


def _reason_against() -> str | None:
    """Why the GPU cannot be used; ``None`` if it can."""
    reason = _open_library()
    if reason is not None:
        return reason
    usable, _, _, _, _, message = _core.cuda_state()
    return None if usable else message


def _require_gpu() -> None:
    reason = _reason_against()
    if reason is not None:
        raise CudaUnavailableError(reason)


def _require_cupy() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise CudaUnavailableError(
            "Results that stay on the GPU are CuPy arrays, and CuPy cannot be imported "
            f"(pip install 'nativeconc[cuda]'): {error}"
        ) from error
    return cupy


@functools.cache
def _first_usable_device() -> int:
    return next(device.index for device in devices() if device.usable)


def _current_device() -> int:
    """Where a kernel without device arrays runs: CuPy's current device, or the first usable one."""
    cupy = sys.modules.get("cupy")
    return _first_usable_device() if cupy is None else int(cupy.cuda.runtime.getDevice())


def _sum(a: Any) -> Any:
    """:func:`nativeconc.kernels.sum` on the GPU.

    Args:
        a: A device array, or anything that ``numpy.asarray`` takes: float32, float64, int32 or
            int64, of any shape and strides.

    Returns:
        For a device array a CuPy array of shape ``()``, ready on CuPy's current stream; else a
        NumPy scalar. The type is ``numpy.sum``'s. The same values in the same order of axes give
        the same bits, on every device.

    Raises:
        TypeError: The dtype has no GPU kernel.
        ValueError: The array interface is masked, inconsistent or of an unknown version.
        CudaUnavailableError: There is no GPU, or no CuPy to return a device array with.
        MemoryError: The device's memory is too small.
    """
    if not is_device_array(a):
        return _sum_host(np.asarray(a))
    a, is_borrowed = _with_interface(a)
    source = read_device_array(a)
    _require_gpu()
    cupy = _require_cupy()
    device = _device_of(cupy, source)
    with cupy.cuda.Device(device):
        result = cupy.empty((), dtype=_SUM_TYPES[source.dtype])
        stream = cupy.cuda.get_current_stream()
        _core.cuda_sum(
            source.address,
            DTYPES[source.dtype],
            source.shape,
            source.strides,
            result.data.ptr,
            device,
            stream.ptr,
            source.stream,
        )
        if is_borrowed:
            stream.synchronize()  # its memory may be reused as soon as we let go of it
    return result


def _sum_host(a: np.ndarray[Any, Any]) -> np.generic:
    dtype = supported_dtype(a.dtype)
    _require_gpu()
    # In the order of memory, as the device walks an array: a view unless there are gaps.
    flat = a.ravel(order="K")
    total = _core.cuda_sum_host(flat, DTYPES[dtype], _current_device())
    return _SUM_TYPES[dtype](total)


def _with_interface(obj: Any) -> tuple[Any, bool]:
    """``obj``, or what CuPy makes of one that only speaks DLPack (and whether it is the latter)."""
    if hasattr(obj, "__cuda_array_interface__"):
        return obj, False
    _require_gpu()
    return _require_cupy().from_dlpack(obj), True


def _device_of(cupy: Any, array: DeviceArray) -> int:
    if array.size == 0:
        return int(cupy.cuda.runtime.getDevice())
    return _core.cuda_pointer_device(array.address)


def _mandelbrot(
    re: tuple[float, float],
    im: tuple[float, float],
    size: tuple[int, int],
    max_iter: int,
    out: Any = None,
) -> Any:
    """:func:`nativeconc.kernels.mandelbrot` on the GPU.

    Args:
        re: First and last real part.
        im: First and last imaginary part.
        size: Width and height in pixels.
        max_iter: The most steps a pixel takes.
        out: A C-contiguous int32 device array of shape (height, width) to write to, on CuPy's
            current stream and without waiting. ``None``: a new NumPy array; waits, and on the main
            thread Ctrl-C is looked for between bands of the image.

    Returns:
        ``out``, or the NumPy array.

    Raises:
        ValueError: ``out`` does not fit.
        CudaUnavailableError: There is no GPU.
        MemoryError: The device's memory is too small.
    """
    width, height = size
    frame = (re[0], re[1], im[0], im[1], width, height, max_iter)
    if out is None:
        _require_gpu()
        image = np.empty((height, width), dtype=np.int32)
        _core.cuda_mandelbrot_host(*frame, image, _current_device())
        return image
    target = read_device_array(out)
    packed = target.size == 0 or target.strides == packed_strides((height, width), 4)
    if target.dtype != "<i4" or target.shape != (height, width) or not packed or target.read_only:
        raise ValueError(
            f"out must be a writable, C-contiguous int32 array of shape {(height, width)}"
        )
    _require_gpu()
    cupy = _require_cupy()
    device = _device_of(cupy, target)
    with cupy.cuda.Device(device):
        stream = cupy.cuda.get_current_stream().ptr
        _core.cuda_mandelbrot(*frame, target.address, device, stream, target.stream)
    return out
