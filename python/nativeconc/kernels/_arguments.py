# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the kernels accept: the checks that several of them share, and their messages."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any, Literal

import numpy as np

from nativeconc import _core
from nativeconc._device_array import is_device_array

Gil = Literal["release", "hold", "auto"]
Device = Literal["cpu", "cuda"]


def runs_on_gpu(device: object, array: object = None) -> bool:
    """Whether a kernel with a GPU twin is to use it, given device= and its array, if it has one."""
    lies_on_gpu = array is not None and is_device_array(array)
    if device is None:
        return lies_on_gpu
    if _device_name(device) == "cuda":
        return True
    if lies_on_gpu:
        raise ValueError(
            "device='cpu' was given with an array that lies on the GPU; copy it to the host first"
        )
    return False


def require_cpu(device: object, kernel: str) -> None:
    """For kernels without a GPU twin."""
    if device is not None and _device_name(device) == "cuda":
        raise ValueError(f"{kernel} has no GPU version: device must be None or 'cpu', not 'cuda'")


def _device_name(device: object) -> str:
    if not isinstance(device, str):
        raise TypeError(f"device must be None, 'cpu' or 'cuda', not {type(device).__name__}")
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be None, 'cpu' or 'cuda', not {device!r}")
    return device


def check_gpu_execution(threads: int | None, gil: Gil) -> None:
    """threads= and gil= beside device="cuda": checked like anywhere, and otherwise not used."""
    _core.check_execution(threads, gil)
    if gil == "hold":
        raise ValueError(
            "gil='hold' is not possible on the GPU: no CUDA call is made with the GIL held"
        )


def host_array(a: object) -> np.ndarray[Any, Any]:
    """What numpy.asarray makes of a, but no silent loss of a mask."""
    masked = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(a, masked.MaskedArray):
        raise TypeError("masked arrays are not supported; use a.compressed() or a.filled(value)")
    return np.asarray(a)


def integer(name: str, value: object, low: int, high: int) -> int:
    """An integer from low to high; a bool is refused."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an int, not bool")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low} to {high}, not {number}")
    return number


def interval(name: str, value: Any) -> tuple[float, float]:
    """A pair of finite numbers a finite distance apart."""
    try:
        low, high = value
        limits = (float(low), float(high))
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair of real numbers, not {value!r}") from None
    except OverflowError:  # an int or a fraction beyond any float; it may be too long to show
        raise ValueError(
            f"{name} must be two finite numbers, a finite distance apart; one of these is larger "
            "than any float"
        ) from None
    if not all(map(math.isfinite, (*limits, limits[1] - limits[0]))):
        raise ValueError(
            f"{name} must be two finite numbers, a finite distance apart, not {value!r}"
        )
    return limits
