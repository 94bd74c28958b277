# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What every kernel does with threads=, gil= and device=, with signals, threads and forks."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import nativeconc as nc
from nativeconc import kernels
from nativeconc.comparison.cases.arrays import ARRAY_CASES

ENDLESS: dict[str, Callable[..., Any]] = {
    "sum": lambda **options: kernels.sum(np.broadcast_to(np.float64(1), (1 << 38,)), **options),
    "add_at": lambda **options: kernels.add_at(
        np.zeros(9), np.broadcast_to(np.int64(1), (1 << 38,)), 1.0, **options
    ),
    "bincount": lambda **options: kernels.bincount(
        np.broadcast_to(np.int64(1), (1 << 38,)), **options
    ),
    "groupby": lambda **options: kernels.groupby(
        np.broadcast_to(np.float64(1), (1 << 38,)),
        np.broadcast_to(np.float64(1), (1 << 38,)),
        **options,
    ),
    "histogram": lambda **options: kernels.histogram(
        np.broadcast_to(np.float64(1), (1 << 38,)), 10, (0, 2), **options
    ),
    "mandelbrot": lambda **options: kernels.mandelbrot(
        (0.0, 0.0), (0.0, 0.0), (50, 50), 2**31 - 1, **options
    ),
    "count_primes": lambda **options: kernels.count_primes(10**12, **options),
    "median": lambda **options: kernels.median(
        np.broadcast_to(np.float64(1), (1 << 38,)), **options
    ),
    "monte_carlo_pi": lambda **options: kernels.monte_carlo_pi(2**53, **options),
    "quantile": lambda **options: kernels.quantile(
        np.broadcast_to(np.float64(1), (1 << 38,)), 0.9, **options
    ),
    "var": lambda **options: kernels.var(np.broadcast_to(np.float64(1), (1 << 38,)), **options),
    "nanmin": lambda **options: kernels.nanmin(
        np.broadcast_to(np.float64(1), (1 << 20, 1 << 19)), 0, **options
    ),
}
SMALL: dict[str, Callable[..., Any]] = {
    "sum": lambda **options: kernels.sum(np.arange(10.0), **options),
    "mandelbrot": lambda **options: kernels.mandelbrot(size=(4, 3), max_iter=9, **options),
    "count_primes": lambda **options: kernels.count_primes(100, **options),
    "median": lambda **options: kernels.median(np.arange(10.0), **options),
    "monte_carlo_pi": lambda **options: kernels.monte_carlo_pi(100, **options),
    **{
        case.name: lambda case=case, **options: getattr(kernels, case.name)(
            *case.inputs(20, 1)[0], **options
        )
        for case in ARRAY_CASES
    },
}
every_kernel = pytest.mark.parametrize("name", sorted(SMALL))
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()


def test_the_table_lists_every_kernel() -> None:
    rows = {row.name: row for row in kernels.table()}
    assert sorted(rows) == sorted(SMALL)
    assert {"bool", "uint8", "int64", "float32", "float64"} <= set(rows["sum"].dtypes)
    assert rows["sum"].devices == ("cpu", "cuda")
    assert rows["count_primes"].devices == ("cpu",)


@every_kernel
@pytest.mark.parametrize("gil", ["maybe", "", "Release"])
def test_refuses_an_unknown_gil(name: str, gil: str) -> None:
    with pytest.raises(ValueError, match="gil must be 'release', 'hold' or 'auto', not"):
        SMALL[name](gil=gil)


@every_kernel
@pytest.mark.parametrize("gil", [None, True, 1])
def test_refuses_a_gil_that_is_no_string(name: str, gil: Any) -> None:
    with pytest.raises(TypeError, match="gil must be 'release', 'hold' or 'auto', not"):
        SMALL[name](gil=gil)


@every_kernel
@pytest.mark.parametrize("threads", [0, -1, 1025, 10**30])
def test_refuses_threads_out_of_range(name: str, threads: int) -> None:
    for gil in ("auto", "hold", "release"):
        with pytest.raises(ValueError, match="threads must be from 1 to 1024"):
            SMALL[name](threads=threads, gil=gil)


@every_kernel
@pytest.mark.parametrize("threads", [True, 2.0, "2"])
def test_refuses_threads_of_the_wrong_type(name: str, threads: Any) -> None:
    for gil in ("auto", "hold", "release"):
        with pytest.raises(TypeError, match="threads must be an int from 1 to 1024, or None, not"):
            SMALL[name](threads=threads, gil=gil)


@every_kernel
def test_holding_the_gil_means_one_thread(name: str) -> None:
    with pytest.raises(ValueError, match=r"gil='hold' .* threads must be 1 or None, not 2"):
        SMALL[name](gil="hold", threads=2)
    SMALL[name](gil="hold", threads=1)


@every_kernel
def test_refuses_an_unknown_device(name: str) -> None:
    with pytest.raises(ValueError, match="device must be None, 'cpu' or 'cuda', not 'gpu'"):
        SMALL[name](device="gpu")
    with pytest.raises(TypeError, match="device must be None, 'cpu' or 'cuda', not int"):
        SMALL[name](device=0)
    SMALL[name](device="cpu")


@pytest.mark.parametrize("name", [row.name for row in kernels.table() if "cuda" not in row.devices])
def test_kernels_without_a_gpu_twin_say_so(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} has no GPU version"):
        SMALL[name](device="cuda")


@pytest.mark.parametrize("name", ["sum", "mandelbrot"])
def test_the_gpu_never_holds_the_gil(name: str) -> None:
    with pytest.raises(ValueError, match="not possible on the GPU"):
        SMALL[name](device="cuda", gil="hold")
    if not nc.cuda.is_available():
        with pytest.raises(nc.CudaUnavailableError):
            SMALL[name](device="cuda")


class AlarmError(Exception):
    pass


@pytest.fixture
def alarm() -> Iterator[Callable[[float], None]]:
    """Raises AlarmError on the main thread after so many seconds."""

    def ring(*_: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", sorted(ENDLESS))
@pytest.mark.parametrize(
    "options", [{"gil": "release"}, {"gil": "release", "threads": 3}, {"gil": "hold"}, {}]
)
def test_a_signal_handler_that_raises_stops_it(
    name: str, options: dict[str, Any], alarm: Callable[[float], None]
) -> None:
    def start() -> None:
        alarm(0.05)
        ENDLESS[name](**options)

    with pytest.raises(AlarmError):  # wherever it rings
        start()
    SMALL[name](threads=2)  # nothing is left behind


def test_a_handler_that_does_not_raise_lets_it_go_on(alarm: Callable[[float], None]) -> None:
    calls: list[int] = []
    signal.signal(signal.SIGALRM, lambda *_: calls.append(kernels.count_primes(1000)))
    alarm(0.01)
    assert kernels.monte_carlo_pi(40_000_000, 1, threads=2) == kernels.monte_carlo_pi(
        40_000_000, 1, gil="hold"
    )
    assert calls == [168]


def test_many_threads_may_call_at_once() -> None:
    a = np.random.default_rng(5).standard_normal(400_000)
    expected = (
        kernels.sum(a, gil="hold"),
        kernels.count_primes(9_000_000, gil="hold"),
        kernels.monte_carlo_pi(300_000, 3, gil="hold"),
        kernels.mandelbrot(size=(100, 100), gil="hold").tobytes(),
    )

    def call(i: int) -> bool:
        threads = 1 + i % 4
        return expected == (
            kernels.sum(a, threads=threads),
            kernels.count_primes(9_000_000, threads=threads),
            kernels.monte_carlo_pi(300_000, 3, threads=threads),
            kernels.mandelbrot(size=(100, 100), threads=threads).tobytes(),
        )

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(call, range(24)))


@pytest.mark.skipif(not has_gil, reason="there is no GIL to hold")
@pytest.mark.parametrize(
    ("options", "samples", "others_run"),
    [
        ({"gil": "hold"}, 10_000_000, False),
        ({"gil": "auto"}, 1000, False),
        ({"gil": "auto"}, 30_000_000, True),
        ({"gil": "release"}, 30_000_000, True),
    ],
)
def test_others_run_meanwhile_unless_the_gil_is_held(
    options: dict[str, Any], samples: int, others_run: bool
) -> None:
    turns = 0
    stop = threading.Event()

    def count_turns() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(0)  # gives the GIL back every time

    interval = sys.getswitchinterval()
    other = threading.Thread(target=count_turns)
    sys.setswitchinterval(1000)  # so that nobody loses the GIL who does not give it back
    try:
        other.start()
        while turns == 0:
            time.sleep(0.001)
        before = after = turns
        for _ in range(100 if others_run else 1):  # the other thread may sleep through a kernel
            kernels.monte_carlo_pi(samples, threads=1, **options)
            after = turns
            if after > before:
                break
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        other.join()
    assert (after > before) is others_run


def test_a_forked_child_can_go_on(run_script: Any) -> None:
    run_script(
        """
        import os
        import nativeconc as nc
        expected = nc.kernels.count_primes(9_000_000, threads=2)
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                ok = nc.kernels.count_primes(9_000_000, threads=3) == expected
                os._exit(0 if ok else 1)
            assert os.waitpid(pid, 0)[1] == 0
        assert nc.kernels.count_primes(9_000_000, threads=2) == expected
        """
    ).check()


@pytest.mark.parametrize("name", sorted(ENDLESS))
@pytest.mark.parametrize("threads", [1, 2])
def test_a_daemon_thread_inside_does_not_disturb_exit(
    name: str, threads: int, run_script: Any
) -> None:
    call = {
        "sum": "nc.kernels.sum(np.broadcast_to(1.0, (1 << 38,)), threads=threads)",
        "add_at": (
            "nc.kernels.add_at(np.zeros(3), np.broadcast_to(1, (1 << 38,)), 1.0, threads=threads)"
        ),
        "bincount": "nc.kernels.bincount(np.broadcast_to(1, (1 << 38,)), threads=threads)",
        "groupby": (
            "nc.kernels.groupby(np.broadcast_to(1, (1 << 38,)), np.broadcast_to(1, (1 << 38,)), "
            "threads=threads)"
        ),
        "histogram": "nc.kernels.histogram(np.broadcast_to(1.0, (1 << 38,)), threads=threads)",
        "mandelbrot": "nc.kernels.mandelbrot((0, 0), (0, 0), (9, 9), 2**31 - 1, threads=threads)",
        "count_primes": "nc.kernels.count_primes(10**12, threads=threads)",
        "median": "nc.kernels.median(np.broadcast_to(1.0, (1 << 38,)), threads=threads)",
        "monte_carlo_pi": "nc.kernels.monte_carlo_pi(2**53, threads=threads)",
        "quantile": "nc.kernels.quantile(np.broadcast_to(1.0, (1 << 38,)), 0.9, threads=threads)",
        "var": "nc.kernels.var(np.broadcast_to(1.0, (1 << 38,)), threads=threads)",
        "nanmin": "nc.kernels.nanmin(np.broadcast_to(1.0, (1 << 20, 1 << 19)), threads=threads)",
    }[name]
    run_script(
        f"""
        import threading, time
        import numpy as np
        import nativeconc as nc
        threads = {threads}
        threading.Thread(target=lambda: {call}, daemon=True).start()
        time.sleep(0.2)
        print("end")
        """
    ).check("end\n")


def test_a_daemon_thread_that_comes_back_during_exit_is_no_harm(run_script: Any) -> None:
    run_script(
        """
        import threading, time
        import nativeconc as nc

        def work():
            while True:
                nc.kernels.monte_carlo_pi(100_000, gil="release", threads=2)

        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        print("end")
        """
    ).check("end\n")
