# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the kernels gain: Python threads with the GIL released and held, and each beside NumPy.

    python benchmarks/kernels.py [--repeat N] [--kernel NAME ...] [--json FILE]

Kernels that stand in for a function of NumPy come from the table that `nativeconc compare` uses.
They are timed on one thread and on two, on 10 million elements (unless SIZES says otherwise), and
for what a call on 100 elements costs.

All ways of one comparison take turns within each round, so that they share whatever else the
machine does; the figures are medians over the rounds, and the ratios are ratios of those medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import nativeconc as nc
from nativeconc import kernels
from nativeconc.comparison.cases import CASES
from nativeconc.comparison.cases.arrays import ARRAY_CASES
from nativeconc.comparison.ways import Way

Work = Callable[[], object]
BESIDE_NUMPY = sorted(["sum", *(case.name for case in ARRAY_CASES)])

COMPUTE_BOUND: dict[str, Callable[..., Any]] = {
    "mandelbrot": lambda **options: kernels.mandelbrot(size=(1000, 1000), **options),
    "count_primes": lambda **options: kernels.count_primes(200_000_000, **options),
    "monte_carlo_pi": lambda **options: kernels.monte_carlo_pi(6_000_000, **options),
}
SIZE = 10_000_000
SIZES = {"isin": 3_000_000, "unique": 5_000_000}
SMALL, SMALL_CALLS = 100, 2000
# How many times as fast as NumPy two threads should be.
AIMS = {
    "add_at": 2.5,
    "argsort": 4.0,
    "bincount": 3.0,
    "histogram": 10.0,
    "isin": 10.0,
    "median": 3.0,
    "searchsorted": 4.0,
    "sort": 1.6,
    "sum": 1.8,
    "unique": 20.0,
    "var": 5.0,
}


def interleaved_medians(ways: dict[str, Work], repeat: int) -> dict[str, float]:
    """Seconds for each way, taking turns; the first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(repeat + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if round_number > 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def two_python_threads(executor: ThreadPoolExecutor, kernel: Callable[..., Any], gil: str) -> Work:
    """Two Python threads that each make one single-threaded call, started together."""

    def run() -> None:
        together = threading.Barrier(2)

        def call() -> None:
            together.wait()
            kernel(threads=1, gil=gil)

        for future in [executor.submit(call) for _ in range(2)]:
            future.result()

    return run


def measure_python_threads(repeat: int) -> list[dict[str, Any]]:
    """For each kernel: how much two Python threads get done in the time that one needs."""
    rows = []
    with ThreadPoolExecutor(2) as executor:
        for name, kernel in COMPUTE_BOUND.items():
            medians = interleaved_medians(
                {
                    "one thread": partial(kernel, threads=1, gil="release"),
                    "two, released": two_python_threads(executor, kernel, "release"),
                    "two, held": two_python_threads(executor, kernel, "hold"),
                    "pool of two": partial(kernel, threads=2),
                },
                repeat,
            )
            one = medians["one thread"]
            rows.append(
                {
                    "kernel": name,
                    "one_thread_s": one,
                    "released_gain": 2 * one / medians["two, released"],
                    "held_gain": 2 * one / medians["two, held"],
                    "pool_gain": one / medians["pool of two"],
                }
            )
    return rows


def measure_beside_numpy(names: list[str], repeat: int) -> list[dict[str, Any]]:
    """Each kernel that stands in for a function of NumPy, beside it."""
    rows = []
    for name in names:
        case = CASES[name]
        ours, numpys = case.functions[Way.RELEASED], case.functions[Way.NUMPY]
        (large,) = case.inputs(SIZES.get(name, SIZE), 1)
        (small,) = case.inputs(SMALL, 1)

        def often(function: Callable[..., Any], arguments: tuple[Any, ...] = small) -> None:
            for _ in range(SMALL_CALLS):
                function(*arguments)

        medians = interleaved_medians(
            {
                "numpy": partial(numpys, *large),
                "one": partial(ours, *large, threads=1),
                "two": partial(ours, *large, threads=2),
                "numpy, small": partial(often, numpys),
                "small": partial(often, ours),
            },
            repeat,
        )
        rows.append(
            {
                "kernel": name,
                "elements": SIZES.get(name, SIZE),
                "numpy_s": medians["numpy"],
                "one_thread_gain": medians["numpy"] / medians["one"],
                "two_threads_gain": medians["numpy"] / medians["two"],
                "aim": AIMS.get(name),
                "small_cost": medians["small"] / medians["numpy, small"],
            }
        )
        print_beside_numpy(rows[-1])
    return rows


def print_beside_numpy(row: dict[str, Any]) -> None:
    aim = f" (aim {row['aim']:g})" if row["aim"] else ""
    print(
        f"  {row['kernel']:<15} NumPy {row['numpy_s'] * 1e3:8.2f} ms"
        f"   one thread {row['one_thread_gain']:6.2f}x   two {row['two_threads_gain']:6.2f}x{aim}"
        f"   {SMALL} elements {row['small_cost']:.2f} of NumPy's time",
        flush=True,
    )


def measure_sum(repeat: int) -> list[dict[str, Any]]:
    """kernels.sum over each dtype, beside numpy.sum of the same array."""
    rows = []
    for dtype in ("float64", "float32", "int32", "int64"):
        a = (np.random.default_rng(1).standard_normal(SIZE) * 1000).astype(dtype)
        medians = interleaved_medians(
            {
                "numpy": partial(np.sum, a),
                "one": partial(kernels.sum, a, threads=1),
                "two": partial(kernels.sum, a, threads=2),
            },
            4 * repeat,
        )
        rows.append(
            {
                "dtype": dtype,
                "numpy_s": medians["numpy"],
                "numpy_gb_per_s": a.nbytes / medians["numpy"] / 1e9,
                "one_thread_gain": medians["numpy"] / medians["one"],
                "two_threads_gain": medians["numpy"] / medians["two"],
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=9, help="rounds (default: 9)")
    parser.add_argument(
        "--kernel", action="append", choices=BESIDE_NUMPY, help="this one alone, beside NumPy"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if arguments.kernel:
        measure_beside_numpy(arguments.kernel, arguments.repeat)
        return 0

    print("Two Python threads beside one, by what they get done (aim: released 1.85, held 1.0)")
    python_threads = measure_python_threads(arguments.repeat)
    for row in python_threads:
        print(
            f"  {row['kernel']:<15} one thread {row['one_thread_s'] * 1e3:7.1f} ms"
            f"   released {row['released_gain']:.2f}x   held {row['held_gain']:.2f}x"
            f"   pool of two {row['pool_gain']:.2f}x"
        )
    print(f"kernels.sum of {SIZE} elements beside numpy.sum (aim: one 1.0, two 1.8 for float64)")
    sums = measure_sum(arguments.repeat)
    for row in sums:
        print(
            f"  {row['dtype']:<15} numpy.sum {row['numpy_s'] * 1e3:8.2f} ms"
            f" ({row['numpy_gb_per_s']:.1f} GB/s)   one thread {row['one_thread_gain']:.2f}x"
            f"   two {row['two_threads_gain']:.2f}x"
        )
    print(f"Each kernel beside NumPy, {SIZE} elements where nothing else is said")
    beside_numpy = measure_beside_numpy(BESIDE_NUMPY, arguments.repeat)
    if arguments.json:
        facts = {
            "python": sys.version,
            "numpy": np.__version__,
            "nativeconc": nc.__version__,
            "machine": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "simd": nc._core.simd_path(),
            "repeat": arguments.repeat,
        }
        result = {
            "facts": facts,
            "python_threads": python_threads,
            "sum": sums,
            "beside_numpy": beside_numpy,
        }
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
