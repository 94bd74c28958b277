# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The GPU library as a file: what it needs and shows, and that it loads where there is no GPU."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import _core, cuda

# Parts of the C and C++ runtimes; a wheel may count on them everywhere. libpthread, librt and libdl
# are empty since glibc 2.34, but some linkers still write them down.
ALLOWED = re.compile(
    r"lib(c|m|stdc\+\+|gcc_s|pthread|rt|dl)\.so\.\d+|ld-linux-(x86-64|aarch64)\.so\.\d+"
)


@pytest.fixture
def library() -> Path:
    path = Path(cuda._library_path())
    if not path.exists():
        pytest.skip("this build of nativeconc has no GPU library: there was no nvcc")
    return path


def output_of(tool: str, *arguments: str) -> str:
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool}, of binutils")
    command = [tool, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_needs_nothing_but_the_languages_runtimes(library: Path) -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-dW", str(library)))
    assert "libc.so.6" in needed
    assert [name for name in needed if not ALLOWED.fullmatch(name)] == []


def test_looks_for_libraries_in_no_place_of_its_own(library: Path) -> None:
    assert not re.search(r"RPATH|RUNPATH", output_of("readelf", "-dW", str(library)))


def test_shows_its_abi_and_nothing_else(library: Path) -> None:
    symbols = output_of("nm", "-D", "--defined-only", str(library)).split("\n")
    shown = {line.split()[-1] for line in symbols if line}
    header = Path(__file__).parents[2] / "cuda" / "nativeconc_cuda" / "abi.h"
    promised = set(re.findall(r"\b(nativeconc_cuda_\w+)\(", header.read_text("utf-8")))
    assert shown == promised


def test_speaks_the_version_of_the_header(library: Path) -> None:
    header = Path(__file__).parents[2] / "cuda" / "nativeconc_cuda" / "abi.h"
    match = re.search(r"define NATIVECONC_CUDA_ABI_VERSION (\d+)", header.read_text("utf-8"))
    assert match is not None
    assert ctypes.CDLL(str(library)).nativeconc_cuda_abi_version() == int(match[1])


def test_is_opened_and_tells_its_state(library: Path) -> None:
    assert _core.cuda_open(str(library)) is None
    usable, driver, built_with, oldest, count, message = _core.cuda_state()
    assert built_with >= 12000
    assert oldest >= 50
    assert usable == (message == "")
    if driver == 0:
        assert (usable, count) == (False, 0)
        assert message == "No NVIDIA driver is installed on this machine."


def test_importing_the_package_does_not_open_it(
    library: Path, run_script: Callable[..., Any]
) -> None:
    run_script(
        f"""
        import nativeconc
        from pathlib import Path
        assert {library.name!r} not in Path("/proc/self/maps").read_text()
        nativeconc.cuda.is_available()
        assert {library.name!r} in Path("/proc/self/maps").read_text()
        """
    ).check()


def test_a_build_without_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cuda, "_library_path", lambda: tmp_path / "libnativeconc_cuda.so")
    monkeypatch.setattr(cuda, "_library_is_open", False)
    assert not nc.cuda.is_available()
    assert nc.cuda.status().startswith("This build of nativeconc has no GPU library: ")
    assert nc.cuda.devices() == []
    with pytest.raises(nc.CudaUnavailableError, match="has no GPU library"):
        nc.kernels.sum([1.0], device="cuda")


def test_a_damaged_one_is_reported_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "libnativeconc_cuda.so"
    path.write_bytes(b"\x7fELF and then nothing")
    monkeypatch.setattr(cuda, "_library_path", lambda: path)
    monkeypatch.setattr(cuda, "_library_is_open", False)
    assert not nc.cuda.is_available()
    assert "cannot be loaded" in nc.cuda.status()


@pytest.mark.usefixtures("no_gpu")
class TestWithoutAGpu:
    def test_the_status_is_one_plain_sentence(self) -> None:
        assert re.fullmatch(r"[A-Z][^\n]+\.", nc.cuda.status())
        assert nc.cuda.devices() == []

    @pytest.mark.parametrize(
        "call",
        [
            lambda: nc.kernels.sum([1.0, 2.0], device="cuda"),
            lambda: nc.kernels.mandelbrot(size=(4, 3), device="cuda"),
        ],
        ids=["sum", "mandelbrot"],
    )
    def test_asking_for_the_gpu_raises_that_sentence(self, call: Callable[[], Any]) -> None:
        with pytest.raises(nc.CudaUnavailableError) as caught:
            call()
        assert str(caught.value) == nc.cuda.status()
        assert isinstance(caught.value, RuntimeError)

    def test_the_state_may_be_asked_for_after_a_fork(self, run_script: Callable[..., Any]) -> None:
        run_script(
            """
            import os
            import nativeconc as nc
            before = nc.cuda.status()
            child = os.fork()
            if child == 0:
                os._exit(0 if nc.cuda.status() == before else 1)
            assert os.waitpid(child, 0)[1] == 0
            """
        ).check()
