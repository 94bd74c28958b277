# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Tests and measures the GPU twins on this machine's GPU, and leaves a JSON file.

    python benchmarks/gpu.py [--build cmake|pip] [--out FOLDER]

Needs an NVIDIA driver, CuPy, NumPy and pytest with hypothesis. Without --build, nativeconc must be
importable with its GPU library in it. --build cmake needs nvcc, CMake, Ninja and pybind11 >= 3.1,
but neither the network nor scikit-build-core: it builds into build/gpu and runs from there. --build
pip installs the checkout with pip, which fetches what it needs.

What is measured, each time beside what one would use otherwise:
  sum         of 2**28 elements on the device, beside cupy.sum; the ceiling is a device copy.
              GB/s counts the input once, for the copy what is read and what is written.
  sum_host    the same for a NumPy array (copied to the GPU), beside numpy.sum and the CPU kernel
  sum_small   1000 elements on the device: what a call costs
  mandelbrot  on the device, and as a NumPy array, beside the CPU kernel on all threads

How: everything is compared with NumPy or the CPU kernel first. Device work is timed by CUDA events
behind a plug of other work, so that Python's own time is hidden; inputs rotate; the place where a
result will be written is poisoned before; and every timed result is checked afterwards. Medians,
with the spread.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WARM_UP = 3


def build_with_cmake() -> Path:
    """Builds the checkout and puts a package together; gives the folder for PYTHONPATH."""
    build = ROOT / "build" / "gpu"
    package = build / "site"
    pybind11 = subprocess.run(
        [sys.executable, "-m", "pybind11", "--cmakedir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    configure = ["cmake", "-G", "Ninja", "-S", str(ROOT), "-B", str(build)]
    options = [
        "-DCMAKE_BUILD_TYPE=Release",
        "-DNATIVECONC_CUDA=ON",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-Dpybind11_DIR={pybind11}",
    ]
    subprocess.run([*configure, *options], check=True)
    subprocess.run(["cmake", "--build", str(build), "--target", "nativeconc_python"], check=True)
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(
        ROOT / "python" / "nativeconc",
        package / "nativeconc",
        ignore=shutil.ignore_patterns("*.so", "__pycache__"),
    )
    install = ["cmake", "--install", str(build), "--component", "python"]
    subprocess.run([*install, "--prefix", str(package)], check=True)
    return package


def build(how: str, arguments: list[str]) -> None:
    """Builds, and starts this script anew with ``arguments``, so that it imports what was built."""
    started = time.perf_counter()
    environment = dict(os.environ)
    if how == "pip":
        options = ["--config-settings=cmake.define.NATIVECONC_CUDA=ON"]
        subprocess.run([sys.executable, "-m", "pip", "install", str(ROOT), *options], check=True)
    else:
        path = [str(build_with_cmake()), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    environment["NATIVECONC_BUILD_SECONDS"] = f"{time.perf_counter() - started:.1f}"
    os.execve(sys.executable, [sys.executable, __file__, *arguments], environment)


def run_tests() -> str:
    """Runs the GPU's tests; gives pytest's last line. A failure ends the script."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/cuda"]
    # Only what the tests ask for: what other plugins warn of would be an error here.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        lines = []
        for line in tests.stdout:
            print(line, end="", flush=True)
            lines.append(line.strip())
    if tests.returncode != 0:
        sys.exit("The GPU tests failed; nothing was measured.")
    return next(line for line in reversed(lines) if line)


class Bench:
    """The measurements of one run, and what they need."""

    def __init__(self, elements: int, repeat: int) -> None:
        import cupy
        import numpy as np

        import nativeconc as nc

        self.cupy, self.np, self.nc = cupy, np, nc
        self.elements = elements
        self.repeat = repeat
        self.figures: list[dict[str, Any]] = []
        self.plug = cupy.zeros(2**27, np.uint8)

    def add(
        self, name: str, what: str, dtype: str, n: int, seconds: list[float], moved: int = 0
    ) -> None:
        """Keeps and prints one measurement. ``moved``: the bytes of a GB/s figure."""
        median = statistics.median(seconds)
        figure = {
            "name": name,
            "what": what,
            "dtype": dtype,
            "n": n,
            "repeats": len(seconds),
            "seconds": {"min": min(seconds), "median": median, "max": max(seconds)},
        }
        text = f"{name:11} {what:22} {dtype:8} {median * 1e6:12.1f} us"
        if moved:
            figure["bytes"] = moved
            figure["gb_per_s"] = moved / median / 1e9
            text += f" {moved / median / 1e9:9.1f} GB/s"
        self.figures.append(figure)
        print(text, flush=True)

    def on_device(
        self, call: Callable[[Any], Any], inputs: Sequence[Any], poison: Callable[[], None]
    ) -> tuple[list[float], list[Any]]:
        """Times ``call`` on each input in turn by events; gives seconds and results."""
        cupy = self.cupy
        seconds, results = [], []
        for i in range(WARM_UP + self.repeat):
            poison()
            start, end = cupy.cuda.Event(), cupy.cuda.Event()
            for _ in range(4):  # the GPU has this to do while Python gets the call ready
                self.plug += 1
            start.record()
            result = call(inputs[i % len(inputs)])
            end.record()
            end.synchronize()
            if i >= WARM_UP:
                seconds.append(cupy.cuda.get_elapsed_time(start, end) * 1e-3)
                results.append((i % len(inputs), result.copy()))
        return seconds, results

    def on_host(self, call: Callable[[], Any], repeat: int) -> tuple[list[float], Any]:
        """Times a call that returns when its result is there."""
        result = call()
        seconds = []
        for _ in range(repeat):
            started = time.perf_counter()
            result = call()
            seconds.append(time.perf_counter() - started)
        return seconds, result

    def draw(self, dtype: str, n: int) -> Any:
        """Random numbers on the host."""
        rng = self.np.random.default_rng(28)
        if dtype == "int32":
            return rng.integers(-(2**31), 2**31 - 1, n, self.np.int32, endpoint=True)
        return rng.standard_normal(n, self.np.dtype(dtype))

    def check(self, found: Any, host: Any, what: str) -> None:
        """Against NumPy: integers exactly, floats against an extended sum."""
        np = self.np
        if host.dtype.kind == "i":
            right = found == host.sum()
        else:
            exact = float(host.sum(dtype=np.longdouble))
            bound = 1e-14 * float(np.abs(host).sum(dtype=np.float64))
            if host.dtype == np.float32:
                bound += 2.0**-24 * abs(exact)
            right = abs(float(found) - exact) <= bound
        if not right:
            sys.exit(f"{what} is wrong: {found}")

    def sum(self, dtype: str) -> None:
        """A device array, beside CuPy and a copy."""
        cupy, nc = self.cupy, self.nc
        host = self.draw(dtype, self.elements)
        first = cupy.asarray(host)
        inputs = [first, cupy.negative(first), first[::-1].copy()]
        expected = [nc.kernels.sum(array).get() for array in inputs]
        for array, found in zip(inputs, expected, strict=True):
            self.check(found, array.get(), f"sum of {dtype}")

        def poison() -> None:  # the pool gives this block to the next result
            cupy.full((), -12345, cupy.float32 if dtype == "float32" else cupy.float64)

        for what, call in (("nativeconc", nc.kernels.sum), ("cupy.sum", cupy.sum)):
            seconds, results = self.on_device(call, inputs, poison)
            if what == "nativeconc":
                for index, result in results:
                    if result.get() != expected[index]:
                        sys.exit(f"a timed sum of {dtype} is wrong: {result}")
            self.add("sum", what, dtype, host.size, seconds, host.nbytes)
        target = cupy.empty_like(first)

        def copy(array: Any) -> Any:
            cupy.copyto(target, array)
            return target[:1]

        seconds, _ = self.on_device(copy, inputs, lambda: target.fill(7))
        self.add("sum", "device copy (ceiling)", dtype, host.size, seconds, 2 * host.nbytes)

    def sum_host(self, dtype: str = "float32") -> None:
        """A NumPy array: what the copy to the GPU costs."""
        nc, np = self.nc, self.np
        host = self.draw(dtype, self.elements)
        ways: dict[str, Callable[[], Any]] = {
            "nativeconc, GPU": lambda: nc.kernels.sum(host, device="cuda"),
            "nativeconc, CPU": lambda: nc.kernels.sum(host),
            "numpy.sum": lambda: np.sum(host),
        }
        for what, call in ways.items():
            seconds, result = self.on_host(call, 5)
            if what != "numpy.sum":
                self.check(result, host, what)
            self.add("sum_host", what, dtype, host.size, seconds, host.nbytes)

    def sum_small(self, n: int = 1000) -> None:
        """A small device array, waited for."""
        cupy, nc = self.cupy, self.nc
        array = cupy.asarray(self.draw("float64", n))
        for what, call in (("nativeconc", nc.kernels.sum), ("cupy.sum", cupy.sum)):

            def wait(call: Callable[[Any], Any] = call) -> Any:
                result = call(array)
                cupy.cuda.get_current_stream().synchronize()
                return result

            seconds, result = self.on_host(wait, 50 * self.repeat)
            self.check(result.get(), array.get(), what)
            self.add("sum_small", what, "float64", n, seconds)

    def mandelbrot(self, width: int = 4096, max_iter: int = 1000) -> None:
        """An image that stays on the device, one that does not, and the CPU's."""
        cupy, np, nc = self.cupy, self.np, self.nc
        re, im, size = (-2.0, 0.5), (-1.25, 1.25), (width, width)
        out = cupy.empty((width, width), np.int32)
        on_cpu, expected = self.on_host(lambda: nc.kernels.mandelbrot(re, im, size, max_iter), 3)

        def call(target: Any) -> Any:
            return nc.cuda._mandelbrot(re, im, size, max_iter, out=target)

        on_device, results = self.on_device(call, [out], lambda: out.fill(-1))
        for _, result in results:
            np.testing.assert_array_equal(result.get(), expected)
        with_copy, image = self.on_host(
            lambda: nc.kernels.mandelbrot(re, im, size, max_iter, device="cuda"), 10
        )
        np.testing.assert_array_equal(image, expected)
        n = width * width
        self.add("mandelbrot", "GPU, on the device", "int32", n, on_device)
        self.add("mandelbrot", "GPU, to NumPy", "int32", n, with_copy)
        self.add("mandelbrot", f"CPU, {nc.get_num_threads()} threads", "int32", n, on_cpu)


def driver_release() -> str | None:
    """The driver's own version, such as 580.1; CUDA tells only which CUDA it supports."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.split("\n")[0].strip() or None


def record(bench: Bench, tests: str) -> dict[str, Any]:
    """Everything about a run that is written down."""
    nc, cupy = bench.nc, bench.cupy
    device = nc.cuda.devices()[cupy.cuda.runtime.getDevice()]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "device": device.name,
        "compute_capability": list(device.compute_capability),
        "memory": device.memory,
        "driver": driver_release(),
        "cuda_of_driver": device.driver,
        "status": nc.cuda.status(),
        "cuda_of_cupy": cupy.cuda.runtime.runtimeGetVersion(),
        "versions": {
            "nativeconc": nc.__version__,
            "cupy": cupy.__version__,
            "numpy": bench.np.__version__,
            "python": platform.python_version(),
        },
        "machine": {"processor": platform.machine(), "threads": nc.get_num_threads()},
        "build_seconds": os.environ.get("NATIVECONC_BUILD_SECONDS"),
        "tests": tests,
        "figures": bench.figures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", choices=("cmake", "pip"), help="build the checkout first")
    parser.add_argument("--no-tests", action="store_true", help="do not run tests/cuda first")
    parser.add_argument("--elements", type=int, default=2**28, help="of a sum (default: 2**28)")
    parser.add_argument("--repeat", type=int, default=30, help="timed runs (default: 30)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    if options.build:
        kept = ["--elements", str(options.elements), "--repeat", str(options.repeat)]
        kept += ["--out", str(options.out), *(["--no-tests"] if options.no_tests else [])]
        build(options.build, kept)

    import nativeconc as nc

    print(nc.cuda.status(), flush=True)
    if not nc.cuda.is_available():
        sys.exit(1)
    tests = "not run" if options.no_tests else run_tests()
    bench = Bench(options.elements, options.repeat)
    for dtype in ("float32", "float64", "int32"):
        bench.sum(dtype)
        bench.cupy.get_default_memory_pool().free_all_blocks()
    bench.sum_host()
    bench.sum_small()
    bench.mandelbrot()
    result = record(bench, tests)
    device = re.sub(r"\W+", "-", result["device"].lower()).strip("-")
    path = options.out / f"gpu-{device}-{result['date'][:10]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
