# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The GPU twins on a GPU. Every test here needs one, and says so where there is none."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nativeconc as nc
from nativeconc import cuda

DTYPES = ("float32", "float64", "int32", "int64")
BLOCK = 8192  # elements that one block of the GPU's sum takes
SIZES = (1, 2, 3, 255, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 100_003, 2**21 + 5)
LARGE = BLOCK * BLOCK + 12_345  # three levels

LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C order": lambda a: a,
    "transposed": lambda a: a.transpose(2, 0, 1),
    "Fortran order": lambda a: a.T,
    "every second": lambda a: a[:, :, ::2],
    "cut off": lambda a: a[1:, 2:, 3:],
    "reversed": lambda a: a[::-1, :, ::-1],
    "one plane": lambda a: a[:, 5],
    "from an odd element on": lambda a: a.reshape(-1)[1:],
    "no dimensions": lambda a: a[3, 4, 5, ...],
    "no elements": lambda a: a[:0],
}


def draw(rng: np.random.Generator, dtype: str, shape: Any) -> np.ndarray[Any, Any]:
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def check_sum(found: Any, a: np.ndarray[Any, Any]) -> None:
    """Integers are equal; floats as near to the exact sum as pairwise summation in double is."""
    assert found.dtype == a.sum().dtype
    if a.dtype.kind == "i":
        assert found == a.sum()  # both modulo 2**64
        return
    # An extended double has 11 bits more than what is checked.
    exact = float(a.sum(dtype=np.longdouble))
    magnitude = float(abs(a).sum(dtype=np.longdouble))
    bound = 2**-53 * (16 + math.log2(max(a.size, 2))) * magnitude
    if a.dtype == np.float32:
        bound += 2**-24 * abs(exact)
    assert abs(float(found) - exact) <= bound


@pytest.fixture(autouse=True)
def _needs_a_gpu(gpu: SimpleNamespace) -> Iterator[None]:
    yield
    gpu.cupy.cuda.runtime.deviceSynchronize()  # an error of the test shows up in the test


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_sum_of_every_size(gpu: SimpleNamespace, dtype: str, n: int) -> None:
    a = draw(gpu.rng, dtype, n)
    on_device = nc.kernels.sum(gpu.cupy.asarray(a))
    assert isinstance(on_device, gpu.cupy.ndarray)
    assert on_device.shape == ()
    check_sum(on_device.get()[()], a)
    assert nc.kernels.sum(a, device="cuda") == on_device.get()[()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_sum_over_three_levels_and_in_pieces(gpu: SimpleNamespace, dtype: str) -> None:
    a = draw(gpu.rng, dtype, LARGE)
    on_device = nc.kernels.sum(gpu.cupy.asarray(a)).get()[()]
    check_sum(on_device, a)
    from_host = nc.kernels.sum(a, device="cuda")
    assert from_host == on_device
    assert type(from_host) is type(np.sum(a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sum_of_every_layout(gpu: SimpleNamespace, dtype: str, layout: str) -> None:
    a = draw(gpu.rng, dtype, (33, 47, 51))
    view = LAYOUTS[layout](a)
    found = nc.kernels.sum(LAYOUTS[layout](gpu.cupy.asarray(a))).get()[()]
    check_sum(found, view)
    check_sum(nc.kernels.sum(view, device="cuda"), view)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sum_of_a_broadcast_array(gpu: SimpleNamespace, dtype: str) -> None:
    a = draw(gpu.rng, dtype, (1, 57, 3))
    view = gpu.cupy.broadcast_to(gpu.cupy.asarray(a), (211, 57, 3))
    check_sum(nc.kernels.sum(view).get()[()], np.broadcast_to(a, (211, 57, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sum_gives_the_same_bits_whatever_the_stride_and_alignment(
    gpu: SimpleNamespace, dtype: str
) -> None:
    cupy = gpu.cupy
    a = draw(gpu.rng, dtype, 1_000_003)
    expected = nc.kernels.sum(cupy.asarray(a)).get().tobytes()
    for offset, step in [(0, 2), (1, 1), (3, 1), (5, 3)]:
        room = cupy.full(offset + step * a.size, np.nan, dtype)
        view = room[offset : offset + step * a.size : step]
        view[:] = cupy.asarray(a)
        assert nc.kernels.sum(view).get().tobytes() == expected
    for _ in range(20):
        assert nc.kernels.sum(cupy.asarray(a)).get().tobytes() == expected


def test_sum_keeps_what_ieee_says(gpu: SimpleNamespace) -> None:
    for values, expected in [
        ([math.inf, 1.0], math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([3e38, 3e38, -3e38], 3e38),
    ]:
        a = np.array(values, np.float32)
        found = nc.kernels.sum(a, device="cuda")
        assert found.dtype == np.float32
        np.testing.assert_equal(float(found), float(np.float32(expected)))
    zero = nc.kernels.sum(gpu.cupy.full(20_000, -0.0)).get()
    assert zero == 0
    assert np.signbit(zero)
    assert not np.signbit(nc.kernels.sum(gpu.cupy.empty(0)).get())


def test_sum_runs_in_the_order_of_the_current_stream(gpu: SimpleNamespace) -> None:
    cupy = gpu.cupy
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        a = cupy.zeros(2**22)
        for _ in range(200):  # far more than the host needs to put it there
            a += 1
        found = nc.kernels.sum(a)
        a[:] = -1  # after the sum
    stream.synchronize()
    assert found.get() == 200 * 2**22


def test_sum_waits_for_the_stream_of_its_input(gpu: SimpleNamespace) -> None:
    cupy = gpu.cupy
    producer = cupy.cuda.Stream(non_blocking=True)

    class FromProducer:
        def __init__(self, array: Any) -> None:
            self.__cuda_array_interface__ = {
                **array.__cuda_array_interface__,
                "stream": producer.ptr,
            }

    with producer:
        a = cupy.zeros(2**22)
        for _ in range(200):
            a += 1
    consumer = cupy.cuda.Stream(non_blocking=True)
    with consumer:
        found = nc.kernels.sum(FromProducer(a))
    with producer:
        a[:] = -1  # the producer waits for us before it writes again
    consumer.synchronize()
    assert found.get() == 200 * 2**22


def test_sum_from_many_threads_at_once(gpu: SimpleNamespace) -> None:
    wrong: list[Any] = []

    def work(seed: int) -> None:
        a = np.random.default_rng(seed).integers(-1000, 1000, 300_000)
        with gpu.cupy.cuda.Stream(non_blocking=True):
            on_device = gpu.cupy.asarray(a)
            for _ in range(30):
                found = nc.kernels.sum(on_device).get()
                if found != a.sum() or nc.kernels.sum(a, device="cuda") != a.sum():
                    wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_sum_of_an_address_that_is_not_cudas_is_refused(gpu: SimpleNamespace) -> None:
    host = np.ones(8)
    claim = SimpleNamespace(
        __cuda_array_interface__={
            "shape": (8,),
            "typestr": "<f8",
            "data": (host.ctypes.data, False),
            "version": 3,
        }
    )
    with pytest.raises(ValueError, match="not CUDA's"):
        nc.kernels.sum(claim)
    assert nc.kernels.sum(gpu.cupy.ones(5)).get() == 5  # the GPU is still well


def test_sum_of_a_torch_tensor_gives_a_cupy_array(gpu: SimpleNamespace) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    if not torch.cuda.is_available():
        pytest.skip("needs a PyTorch that sees the GPU")
    tensor = torch.arange(10, device="cuda", dtype=torch.float64)
    torch.cuda.synchronize()
    found = nc.kernels.sum(tensor)
    assert isinstance(found, gpu.cupy.ndarray)
    assert found.get() == 45


@pytest.mark.parametrize("max_iter", [0, 1, 50, 3000])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (257, 129), (640, 480)])
def test_images_equal_the_cpus(max_iter: int, size: tuple[int, int]) -> None:
    image = nc.kernels.mandelbrot(size=size, max_iter=max_iter, device="cuda")
    assert image.dtype == np.int32
    np.testing.assert_array_equal(image, nc.kernels.mandelbrot(size=size, max_iter=max_iter))


@pytest.mark.parametrize(
    "call",
    [
        {"size": (4200, 4001), "max_iter": 20},  # two bands, because of the pixels
        # Two bands, because of the steps that might be taken: a few are.
        {"size": (300, 300), "max_iter": 140_000, "re": (0.3, 0.5), "im": (0.7, 0.9)},
    ],
    ids=["wide", "deep"],
)
def test_images_in_several_bands_equal_the_cpus(call: dict[str, Any]) -> None:
    image = nc.kernels.mandelbrot(**call, device="cuda")
    np.testing.assert_array_equal(image, nc.kernels.mandelbrot(**call))


def test_images_without_pixels(gpu: SimpleNamespace) -> None:
    assert nc.kernels.mandelbrot(size=(0, 3), device="cuda").shape == (3, 0)
    out = gpu.cupy.empty((0, 5), np.int32)
    assert cuda._mandelbrot((0, 1), (0, 1), (5, 0), 9, out=out) is out


def test_images_are_written_to_a_device_array_in_stream_order(gpu: SimpleNamespace) -> None:
    cupy = gpu.cupy
    out = cupy.full((300, 400), -7, np.int32)
    assert cuda._mandelbrot((-2, 0.5), (-1.25, 1.25), (400, 300), 99, out=out) is out
    doubled = out * 2
    expected = nc.kernels.mandelbrot(size=(400, 300), max_iter=99)
    np.testing.assert_array_equal(doubled.get(), expected * 2)


def test_memory_that_cannot_be_had_is_a_memory_error(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import cupy
        import numpy as np
        import nativeconc as nc

        a = np.ones(2**24)
        taken = []
        for size in (2**32, 2**28, 2**24):
            while True:
                try:
                    taken.append(cupy.cuda.Memory(size))
                except (cupy.cuda.runtime.CUDARuntimeError, MemoryError):
                    break
        try:
            nc.kernels.sum(a, device="cuda")  # is copied in pieces of 64 MiB
        except MemoryError as error:
            assert "too little free memory" in str(error)
        else:
            raise AssertionError
        taken.clear()
        assert nc.kernels.sum(a, device="cuda") == a.size
        """,
        options=("-W", "ignore"),
    ).check()


def test_a_forked_child_is_told_that_cuda_does_not_survive(
    run_script: Callable[..., Any],
) -> None:
    run_script(
        """
        import os
        import nativeconc as nc
        assert nc.kernels.sum([1.0, 2.0], device="cuda") == 3
        child = os.fork()
        if child == 0:
            try:
                nc.kernels.sum([1.0], device="cuda")
            except nc.CudaUnavailableError as error:
                os._exit(0 if "does not survive a fork" in str(error) else 2)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert nc.kernels.sum([1.0, 2.0], device="cuda") == 3
        """,
        options=("-W", "ignore"),  # Python's own, about threads at a fork
    ).check()
