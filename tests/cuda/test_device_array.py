# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a device array says of itself is checked before any of it reaches the GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nativeconc as nc
from nativeconc import _core, cuda
from nativeconc._device_array import is_device_array, packed_strides, read_device_array

GOOD: dict[str, Any] = {
    "shape": (3, 4),
    "typestr": "<f4",
    "data": (4096, False),
    "strides": None,
    "version": 3,
    "stream": 1,
}


class Claim:
    """Says what it is told to."""

    def __init__(self, interface: Any = None, **changes: Any) -> None:
        self.__cuda_array_interface__ = {**GOOD, **changes} if interface is None else interface


class DlpackOnly:
    def __init__(self, device_type: int) -> None:
        self.device_type = device_type

    def __dlpack_device__(self) -> tuple[int, int]:
        return (self.device_type, 0)


@pytest.mark.parametrize(
    ("changes", "exception", "message"),
    [
        ({"version": 1}, ValueError, "version 2 or 3, not 1"),
        ({"version": 4}, ValueError, "version 2 or 3, not 4"),
        ({"version": "3"}, ValueError, "version 2 or 3, not '3'"),
        ({"mask": Claim()}, ValueError, "masked"),
        ({"typestr": "<f2"}, TypeError, "float32, float64, int32 or int64, not <f2"),
        ({"typestr": ">f8"}, TypeError, "not >f8"),
        ({"typestr": "<u4"}, TypeError, "not <u4"),
        ({"typestr": "|b1"}, TypeError, r"not \|b1"),
        ({"typestr": "<c16"}, TypeError, "not <c16"),
        ({"typestr": "nonsense"}, TypeError, "not 'nonsense'"),
        ({"typestr": 7}, TypeError, "not 7"),
        ({"shape": (3, -4)}, ValueError, r"must not be negative, not \(3, -4\)"),
        ({"shape": (1,) * 65}, ValueError, "64 dimensions, not 65"),
        ({"shape": (2.5,)}, TypeError, "shape of a device array must be ints"),
        ({"shape": 3}, TypeError, "shape of a device array must be ints"),
        ({"shape": (2**64,)}, ValueError, "must fit into 64 bits"),
        ({"shape": (2**40, 2**40)}, ValueError, "too large"),
        ({"shape": (2**40, 2**40), "strides": (0, 0)}, ValueError, "too large"),
        ({"strides": (16,)}, ValueError, r"strides \(16,\) do not fit the shape \(3, 4\)"),
        ({"strides": ("a", "b")}, TypeError, "strides of a device array must be ints"),
        ({"strides": (2**62, 4)}, ValueError, "too large"),
        ({"strides": (-(2**63), 4)}, ValueError, "too large"),
        ({"strides": (18, 4)}, ValueError, "multiples of their size"),
        ({"data": (4098, False)}, ValueError, "multiples of their size"),
        ({"data": (0, False)}, ValueError, "address 0"),
        ({"data": (-8, False)}, ValueError, "address"),
        ({"data": (2**64, False)}, ValueError, "address"),
        ({"data": ("here", False)}, TypeError, "an address and a read-only flag"),
        ({"data": 4096}, TypeError, "an address and a read-only flag, not 4096"),
        ({"data": (4096,)}, TypeError, "an address and a read-only flag"),
        ({"stream": 0}, ValueError, "None, 1, 2 or a stream's handle, not 0"),
        ({"stream": -1}, ValueError, "not -1"),
        ({"stream": 2**64}, ValueError, "stream"),
        ({"stream": "main"}, TypeError, "must be None or an int, not 'main'"),
    ],
)
def test_what_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    exception: type[Exception],
    message: str,
) -> None:
    def no_cuda(*_: object) -> None:
        raise AssertionError("the GPU library was called")

    for name in ("cuda_open", "cuda_state", "cuda_pointer_device", "cuda_sum"):
        monkeypatch.setattr(_core, name, no_cuda)
    with pytest.raises(exception, match=message):
        nc.kernels.sum(Claim(**changes))


@pytest.mark.parametrize("missing", ["shape", "typestr", "data", "version"])
def test_every_entry_that_must_be_there_is_missed(missing: str) -> None:
    interface = {key: value for key, value in GOOD.items() if key != missing}
    with pytest.raises(ValueError, match=f"has no entry '{missing}'"):
        cuda._sum(Claim(interface))


def test_an_interface_that_is_no_dict_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a dict, not list"):
        cuda._sum(Claim([1, 2]))


@pytest.mark.usefixtures("no_gpu")
def test_a_good_one_gets_as_far_as_the_gpu() -> None:
    with pytest.raises(nc.CudaUnavailableError) as caught:
        nc.kernels.sum(Claim())
    assert str(caught.value) == nc.cuda.status()


@pytest.mark.usefixtures("no_gpu")
def test_dlpack_from_the_gpu_gets_as_far_as_the_gpu() -> None:
    with pytest.raises(nc.CudaUnavailableError) as caught:
        nc.kernels.sum(DlpackOnly(2))
    assert str(caught.value) == nc.cuda.status()


def test_an_image_is_not_written_to_a_read_only_array() -> None:
    out = Claim(typestr="<i4", data=(4096, True))
    with pytest.raises(ValueError, match="writable"):
        cuda._mandelbrot((0, 1), (0, 1), (4, 3), 10, out=out)


def test_a_good_one_is_read_as_it_is() -> None:
    array = read_device_array(Claim(strides=(64, -4), data=(8192, True), stream=2))
    assert (array.address, array.dtype, array.shape, array.strides) == (
        8192,
        "<f4",
        (3, 4),
        (64, -4),
    )
    assert (array.read_only, array.stream, array.size) == (True, 2, 12)


def test_what_may_be_left_out_may_be_left_out() -> None:
    interface = {key: value for key, value in GOOD.items() if key not in ("strides", "stream")}
    array = read_device_array(Claim({**interface, "version": 2}))
    assert (array.strides, array.stream) == ((16, 4), 0)


def test_empty_arrays_may_be_anywhere() -> None:
    assert read_device_array(Claim(shape=(0, 4), data=(0, False))).size == 0
    assert read_device_array(Claim(shape=(2**40, 0, 2**40), data=(3, False))).size == 0


def test_extents_of_one_may_have_any_stride() -> None:
    array = read_device_array(Claim(shape=(1, 4), strides=(13, 4)))
    assert array.strides == (13, 4)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (4, 1, 5)])
def test_packed_strides_are_numpys(shape: tuple[int, ...]) -> None:
    assert packed_strides(shape, 8) == np.empty(shape).strides


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (Claim(), True),
        (DlpackOnly(2), True),
        (DlpackOnly(13), True),
        (DlpackOnly(1), False),
        (DlpackOnly(10), False),
        (np.ones(3), False),
        (np.float64(1), False),
        ([1, 2], False),
        (range(3), False),
        (None, False),
        ("text", False),
    ],
)
def test_device_arrays_are_told_from_others(obj: object, expected: bool) -> None:
    assert is_device_array(obj) is expected
