# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What reaches the GPU library and what comes back, seen through a library that needs no GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nativeconc import _core

WithDouble = Callable[..., Any]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_device_arrays_of_every_layout_are_summed(with_double: WithDouble, dtype: str) -> None:
    with_double(
        f"""
        base = np.arange(4 * 6 * 8, dtype={dtype!r}).reshape(4, 6, 8)
        for a in (base, base.T, base[:, ::2, 1:], base[::-1, :, ::-3], base[2, 3, 4, ...],
                  np.broadcast_to(base[0], (3, 6, 8)), base[:0], base[:, None]):
            result = nc.kernels.sum(Array(a))
            assert result.array.shape == ()
            assert result.array.dtype == a.sum().dtype, (result.array.dtype, a.sum().dtype)
            assert result.array == a.sum(), (a.shape, a.strides)
        """
    ).check()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_host_arrays_of_every_layout_are_summed(with_double: WithDouble, dtype: str) -> None:
    with_double(
        f"""
        base = np.arange(4 * 6 * 8, dtype={dtype!r}).reshape(4, 6, 8)
        base.flags.writeable = False
        for a in (base, base.T, base[:, ::2, 1:], base[::-1], base[2, 3, 4, ...], base[:0]):
            result = nc.kernels.sum(a, device="cuda")
            assert type(result) is type(np.sum(a)) and result == np.sum(a)
        assert nc.kernels.sum([1.5, 2.5], device="cuda") == 4.0
        """
    ).check()


def test_work_is_put_on_cupys_stream_and_the_arrays_device(with_double: WithDouble) -> None:
    with_double(
        """
        nc.kernels.sum(Array(np.ones(3), stream=77))
        assert list(last[:4]) == [1, 4242, 77, 1], list(last)
        nc.kernels.sum(Array(np.ones(3)))
        assert list(last[:4]) == [1, 4242, 0, 2], list(last)
        assert current == [0]
        """
    ).check()


def test_arrays_without_elements_run_on_the_current_device(with_double: WithDouble) -> None:
    with_double(
        """
        assert nc.kernels.sum(Array(np.ones((3, 0)), data=(0, True), stream=1)).array == 0
        assert list(last[:3]) == [0, 4242, 1], list(last)
        """
    ).check()


def test_host_arrays_go_to_cupys_device_or_the_first_usable(with_double: WithDouble) -> None:
    with_double(
        """
        with use_device(3):
            nc.kernels.sum(np.ones(3), device="cuda")
        assert last[0] == 3
        del sys.modules["cupy"]
        nc.kernels.sum(np.ones(3), device="cuda")
        assert last[0] == 1
        """
    ).check()


def test_dlpack_producers_come_in_through_cupy_and_are_waited_for(with_double: WithDouble) -> None:
    with_double(
        """
        class Producer:
            imported = Array(np.arange(5.0))
            def __dlpack_device__(self):
                return (2, 0)
            def __dlpack__(self):
                raise AssertionError("CuPy asks for it")

        assert nc.kernels.sum(Producer()).array == 10
        assert Stream.synchronized == 1
        nc.kernels.sum(Array(np.ones(3)))
        assert Stream.synchronized == 1
        """
    ).check()


def test_images_are_returned_or_written_where_asked(with_double: WithDouble) -> None:
    with_double(
        """
        image = nc.kernels.mandelbrot(size=(3, 2), max_iter=7, device="cuda")
        assert image.dtype == np.int32 and image.tolist() == [[7, 8, 9], [10, 11, 12]]
        out = Array(np.zeros((2, 3), np.int32), stream=2)
        assert cuda._mandelbrot((0, 1), (0, 1), (3, 2), 5, out=out) is out
        assert out.array.tolist() == [[5, 6, 7], [8, 9, 10]]
        assert list(last[:3]) == [1, 4242, 2], list(last)
        """
    ).check()


@pytest.mark.parametrize(
    "array",
    [
        "np.zeros((3, 2), np.int32)",
        "np.zeros((2, 3), np.int64)",
        "np.zeros((4, 3), np.int32)[::2]",
    ],
)
def test_images_are_not_written_where_they_do_not_fit(with_double: WithDouble, array: str) -> None:
    with_double(
        f"""
        try:
            cuda._mandelbrot((0, 1), (0, 1), (3, 2), 5, out=Array({array}))
        except ValueError as error:
            assert "C-contiguous int32 array of shape (2, 3)" in str(error)
            assert last[3] == 0
        else:
            raise AssertionError
        """
    ).check()


@pytest.mark.parametrize(
    ("code", "exception"),
    [
        (1, "ValueError"),
        (2, "nc.CudaUnavailableError"),
        (3, "MemoryError"),
        (4, "RuntimeError"),
    ],
)
def test_every_code_has_its_exception(with_double: WithDouble, code: int, exception: str) -> None:
    with_double(
        f"""
        calls = (
            lambda: _core.cuda_sum_host(np.ones(3), 1, 0),
            lambda: nc.kernels.sum(Array(np.ones(3))),
            lambda: _core.cuda_sum(0, 1, (), (), 0, 0, 0, 0),
            lambda: _core.cuda_mandelbrot(0, 1, 0, 1, 2, 2, 9, 0, 0, 0, 0),
            lambda: _core.cuda_mandelbrot_host(0, 1, 0, 1, 2, 2, 9, np.zeros((2, 2), "i4"), 0),
            lambda: _core.cuda_device(0),
        )
        assert cuda.is_available()
        fails_with.value = {code}
        for call in calls:
            try:
                call()
            except Exception as error:
                assert type(error) is {exception}, repr(error)
                assert str(error) == "told to fail with {code}"
            else:
                raise AssertionError
        """
    ).check()


def test_status_names_the_devices_that_can_be_used(with_double: WithDouble) -> None:
    with_double(
        """
        assert cuda.is_available()
        print(cuda.status())
        old, new = cuda.devices()
        assert (old.index, old.compute_capability, old.usable) == (0, (6, 0), False)
        assert (new.name, new.memory, new.driver) == ("Double 1", 80_000_000_000, "13.2")
        is_there.value = 0
        print(cuda.status())
        assert not cuda.is_available() and cuda.devices() == []
        """
    ).check(
        "1 CUDA device can be used: Double 1 (compute capability 9.0, 80 GB); "
        "the driver supports CUDA 13.2, and nativeconc was built with CUDA 13.0.\n"
        "The double was switched off.\n"
    )


def test_calls_let_other_threads_run(with_double: WithDouble) -> None:
    with_double(
        """
        import threading
        assert cuda.is_available()
        sys.setswitchinterval(1000)  # nobody takes the GIL: it must be given up
        for call in (lambda: nc.kernels.sum(np.ones(3), device="cuda"),
                     lambda: nc.kernels.sum(Array(np.ones(3)))):
            before = last[3]
            waits_ms.value = 2**31 - 1
            thread = threading.Thread(target=call)
            thread.start()
            while last[3] == before:
                threading.Event().wait(0.001)
            assert thread.is_alive()  # inside the library, and we run
            waits_ms.value = 0  # the call may end: the double looks at this again every millisecond
            thread.join()
        """
    ).check()


def test_ctrl_c_stops_a_call_that_waits(with_double: WithDouble) -> None:
    with_double(
        """
        import os, signal, threading
        assert cuda.is_available()
        waits_ms.value = 30_000
        for call in (lambda: nc.kernels.sum(np.ones(3), device="cuda"),
                     lambda: nc.kernels.mandelbrot(size=(3, 2), device="cuda")):
            before = last[3]
            def interrupt():
                while last[3] == before:
                    threading.Event().wait(0.001)
                os.kill(os.getpid(), signal.SIGINT)
            thread = threading.Thread(target=interrupt)
            thread.start()
            try:
                call()
            except KeyboardInterrupt:
                pass
            else:
                raise AssertionError
            thread.join()
        """
    ).check()


def test_other_threads_do_not_look_for_signals(with_double: WithDouble) -> None:
    with_double(
        """
        import threading
        waits_ms.value = 20
        thread = threading.Thread(target=nc.kernels.sum, args=(np.ones(3),),
                                  kwargs=dict(device="cuda"))
        thread.start()
        thread.join()
        assert list(last[3:5]) == [1, 0]
        nc.kernels.sum(np.ones(3), device="cuda")
        assert list(last[3:5]) == [2, 20]
        """
    ).check()


def test_a_daemon_thread_inside_a_call_does_not_disturb_exit(with_double: WithDouble) -> None:
    with_double(
        """
        import threading
        waits_ms.value = 200
        for call in (lambda: nc.kernels.sum(np.ones(3), device="cuda"),
                     lambda: nc.kernels.sum(Array(np.ones(3))),
                     lambda: nc.kernels.mandelbrot(size=(3, 2), device="cuda")):
            threading.Thread(target=call, daemon=True).start()
        while last[3] < 3:
            threading.Event().wait(0.001)
        print("leaving")
        """
    ).check("leaving\n")


# Each with the exception it must raise.
SENSELESS_CALLS = (
    ("cuda_sum(1, 2)", TypeError),
    ("cuda_sum_host(1)", TypeError),
    ("cuda_mandelbrot(1)", TypeError),
    ("cuda_mandelbrot_host(1)", TypeError),
    ("cuda_open(3)", TypeError),
    ("cuda_device('one')", TypeError),
    ("cuda_device(2**40)", OverflowError),
    ("cuda_pointer_device(-1)", OverflowError),
    ("cuda_sum(0, 1, (1, 2), (8,), 0, 0, 0, 0)", ValueError),
    ("cuda_sum(0, 1, [1], (8,), 0, 0, 0, 0)", ValueError),
    ("cuda_sum(0, 1, (1,) * 65, (8,) * 65, 0, 0, 0, 0)", ValueError),
    ("cuda_sum_host(np.ones(3), 0, 0)", ValueError),
    ("cuda_sum_host(np.ones(3), 4, 0)", ValueError),
    ("cuda_sum_host(np.ones((4, 4))[:, ::2], 1, 0)", ValueError),
    ("cuda_sum_host(3, 1, 0)", TypeError),
    ("cuda_mandelbrot_host(0, 1, 0, 1, 3, 3, 9, np.zeros(8, 'i4'), 0)", ValueError),
    ("cuda_mandelbrot_host(0, 1, 0, 1, -3, -3, 9, np.zeros(9, 'i4'), 0)", ValueError),
    ("cuda_mandelbrot_host(0, 1, 0, 1, 2**40, 2**40, 9, np.zeros(0, 'i4'), 0)", ValueError),
    ("cuda_mandelbrot_host(0, 1, 0, 1, 3, 3, 9, b'123456789' * 4, 0)", BufferError),
    ("cuda_mandelbrot_host('', 1, 0, 1, 3, 3, 9, np.zeros(9, 'i4'), 0)", TypeError),
)


def test_the_seam_refuses_what_makes_no_sense(with_double: WithDouble) -> None:
    with_double(
        f"""
        assert cuda.is_available()
        for call, exception in {[(c, e.__name__) for c, e in SENSELESS_CALLS]!r}:
            try:
                eval("_core." + call)
            except Exception as error:
                assert type(error).__name__ == exception and str(error), (call, error)
            else:
                raise AssertionError(call)
        assert last[3] == 0
        """
    ).check()


def test_a_library_of_another_version_is_refused(double_of_another_version: Path) -> None:
    reason = _core.cuda_open(str(double_of_another_version))
    assert reason is not None
    assert "another version of nativeconc: its ABI version is 99, and 1 is needed" in reason


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "libnativeconc_cuda.so"
    path.write_bytes(b"not a library")
    reason = _core.cuda_open(str(path))
    assert reason is not None
    assert reason.startswith("The GPU library of nativeconc cannot be loaded: ")
