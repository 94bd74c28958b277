# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the GPU tests share: the skip where there is no GPU, and a library that needs none."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nativeconc as nc

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

# Opens the double instead of the real library, and puts a CuPy over host memory beside it.
PREAMBLE = """
import contextlib, ctypes, sys, types
from pathlib import Path
import numpy as np
import nativeconc as nc
from nativeconc import _core, cuda

cuda._library_path = lambda: Path({library!r})
double = ctypes.CDLL({library!r})
last = (ctypes.c_int64 * 8).in_dll(double, "double_last")
fails_with = ctypes.c_int32.in_dll(double, "double_fails_with")
waits_ms = ctypes.c_int32.in_dll(double, "double_waits_ms")
is_there = ctypes.c_int32.in_dll(double, "double_is_there")

class Array:
    '''A host array that says it lies on a GPU.'''
    def __init__(self, array, **changes):
        self.array = array
        self.changes = changes
        self.data = types.SimpleNamespace(ptr=array.ctypes.data)
    @property
    def __cuda_array_interface__(self):
        said = dict(shape=self.array.shape, typestr=self.array.dtype.str, version=3,
                    data=(self.array.ctypes.data, False), strides=self.array.strides, stream=None)
        return {{**said, **self.changes}}

current = [0]

@contextlib.contextmanager
def use_device(index):
    before, current[0] = current[0], index
    try:
        yield
    finally:
        current[0] = before

class Stream:
    ptr = 4242
    synchronized = 0
    def synchronize(self):
        Stream.synchronized += 1

stream = Stream()
cupy = types.ModuleType("cupy")
cupy.empty = lambda shape, dtype: Array(np.empty(shape, dtype))
cupy.from_dlpack = lambda obj: obj.imported
cupy.cuda = types.SimpleNamespace(
    Device=use_device,
    get_current_stream=lambda: stream,
    runtime=types.SimpleNamespace(getDevice=lambda: current[0]),
)
sys.modules["cupy"] = cupy
"""


def compile_double(folder: Path, *options: str) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler, to build the library's double")
    path = folder / "libhost_double.so"
    command = [compiler, "-shared", "-fPIC", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror"]
    source = str(HERE / "host_double.c")
    subprocess.run([*command, *options, f"-I{ROOT / 'cuda'}", source, "-o", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def host_double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_double(tmp_path_factory.mktemp("double"))


@pytest.fixture
def double_of_another_version(tmp_path: Path) -> Path:
    return compile_double(tmp_path, "-DREPORTED_ABI_VERSION=99")


@pytest.fixture
def with_double(host_double: Path, run_script: Callable[..., Any]) -> Callable[..., Any]:
    """Runs source in a fresh interpreter in which the GPU library is the double."""

    def run(source: str, **options: Any) -> Any:
        preamble = PREAMBLE.format(library=str(host_double))
        return run_script(preamble + textwrap.dedent(source), **options)

    return run


@pytest.fixture
def no_gpu() -> None:
    if nc.cuda.is_available():
        pytest.skip("tests what is said where there is no GPU; this machine has one")


@pytest.fixture
def gpu() -> SimpleNamespace:
    """CuPy and a seeded generator; skips where there is no GPU."""
    if not nc.cuda.is_available():
        pytest.skip(f"needs a GPU: {nc.cuda.status()}")
    cupy = pytest.importorskip("cupy", reason="needs CuPy: pip install 'nativeconc[cuda]'")
    return SimpleNamespace(cupy=cupy, rng=np.random.default_rng(20))
