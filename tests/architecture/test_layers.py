# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The arrows of the house point one way: python -> src -> cpp, and layer by layer inside cpp."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from architecture.house import ROOT, Include, cxx_files, imports, includes, relative

# Each folder of cpp/nativeconc uses only itself and those before it.
LAYERS = ("base", "os", "deadlock", "sync", "shared", "pool", "kernels")
PYTHON_HEADERS = ("Python.h", "structmember.h", "pybind11/", "numpy/")
CUDA_HEADERS = ("cuda", "cub/", "thrust/", "cooperative_groups")
INCLUDE_ROOTS = ("cpp", "src", "cuda", "tests/cpp", "tests/model")
# Loaded only when a tool is used.
TOOLS = ("rich", "typer", "click", "matplotlib")


def layer_of(name: str) -> str:
    """ "nativeconc/sync/permits.hpp" -> "sync"."""
    return name.split("/")[1]


def offenders(found: list[Include]) -> str:
    return "\n".join(str(include) for include in found)


def resolve(include: Include) -> Path | None:
    candidates = [include.file.parent / include.name]
    candidates += [ROOT / root / include.name for root in INCLUDE_ROOTS]
    return next((path for path in candidates if path.exists()), None)


def test_every_core_folder_is_a_known_layer() -> None:
    folders = {path.name for path in (ROOT / "cpp/nativeconc").iterdir() if path.is_dir()}
    assert folders <= set(LAYERS)


def test_core_is_built_in_the_order_of_its_layers() -> None:
    text = (ROOT / "cpp/CMakeLists.txt").read_text(encoding="utf-8")
    built = [layer for layer in LAYERS if f"add_subdirectory(nativeconc/{layer})" in text]
    places = [text.index(f"add_subdirectory(nativeconc/{layer})") for layer in built]
    assert places == sorted(places)
    assert set(built) == {p.name for p in (ROOT / "cpp/nativeconc").iterdir() if p.is_dir()}


@pytest.mark.parametrize("root", ["cpp", "src", "cuda", "tests/cpp", "tests/model"])
def test_quoted_includes_name_files_of_the_project(root: str) -> None:
    wrong = [i for i in includes(root) if i.is_quoted and resolve(i) is None]
    assert not wrong, offenders(wrong)


@pytest.mark.parametrize("root", ["cpp", "src", "cuda", "tests/cpp", "tests/model"])
def test_project_files_are_included_in_quotes(root: str) -> None:
    wrong = [i for i in includes(root) if not i.is_quoted and resolve(i) is not None]
    assert not wrong, offenders(wrong)


def test_core_layers_use_only_those_before_them() -> None:
    wrong = []
    for include in includes("cpp"):
        if not include.is_quoted:
            continue
        own = LAYERS.index(layer_of(include.file.relative_to(ROOT / "cpp").as_posix()))
        if not include.name.startswith("nativeconc/") or own < LAYERS.index(layer_of(include.name)):
            wrong.append(include)
    assert not wrong, offenders(wrong)


def test_core_knows_neither_python_nor_cuda() -> None:
    foreign = PYTHON_HEADERS + CUDA_HEADERS
    wrong = [i for i in includes("cpp") if not i.is_quoted and i.name.startswith(foreign)]
    assert not wrong, offenders(wrong)


def test_one_header_alone_includes_python_and_pybind11() -> None:
    found = [i for i in includes("src", "cpp", "cuda") if i.name.startswith(PYTHON_HEADERS)]
    wrong = [i for i in found if relative(i.file) != "src/python.hpp"]
    assert not wrong, offenders(wrong)
    assert found, "src/python.hpp should include them"


def test_seam_knows_the_gpu_library_by_its_abi_alone() -> None:
    wrong = [
        i
        for i in includes("src")
        if (not i.is_quoted and i.name.startswith(CUDA_HEADERS))
        or (i.name.startswith("nativeconc_cuda/") and i.name != "nativeconc_cuda/abi.h")
    ]
    assert not wrong, offenders(wrong)


def test_gpu_library_uses_only_base_and_formulas() -> None:
    wrong = []
    for include in includes("cuda"):
        name = include.name
        if not include.is_quoted or name.startswith(("nativeconc_cuda/", "nativeconc/base/")):
            continue
        if not (name.startswith("nativeconc/kernels/") and name.endswith("_formula.hpp")):
            wrong.append(include)
    assert not wrong, offenders(wrong)


def test_formulas_use_only_base() -> None:
    wrong = [
        i
        for i in includes("cpp/nativeconc/kernels")
        if i.file.name.endswith("_formula.hpp")
        and i.is_quoted
        and not i.name.startswith("nativeconc/base/")
    ]
    assert not wrong, offenders(wrong)


def test_nothing_includes_the_seam() -> None:
    seam = {path.name for path in cxx_files("src")}
    wrong = [i for i in includes("cpp", "cuda", "tests/cpp", "tests/model") if i.name in seam]
    assert not wrong, offenders(wrong)


def test_no_header_includes_itself_by_a_detour() -> None:
    graph: dict[Path, set[Path]] = {}
    for include in includes("cpp", "src", "cuda"):
        target = resolve(include) if include.is_quoted else None
        if target is not None:
            graph.setdefault(include.file, set()).add(target)
    done: set[Path] = set()

    def visit(path: Path, way: tuple[Path, ...]) -> None:
        assert path not in way, " -> ".join(relative(p) for p in (*way, path))
        if path not in done:
            for target in graph.get(path, ()):
                visit(target, (*way, path))
            done.add(path)

    for path in graph:
        visit(path, ())


def test_twins_need_the_standard_library_alone() -> None:
    allowed = ("nativeconc.reference", "nativeconc.errors", "nativeconc._shut_down")
    wrong = [
        str(i)
        for i in imports("python/nativeconc/reference")
        if i.package not in sys.stdlib_module_names and not i.module.startswith(allowed)
    ]
    assert not wrong, "\n".join(wrong)


def test_package_needs_numpy_alone() -> None:
    wrong = []
    for found in imports("python/nativeconc"):
        if found.package in sys.stdlib_module_names or found.package in ("nativeconc", "numpy"):
            continue
        place = relative(found.file).removeprefix("python/nativeconc/")
        is_tool = place.startswith("comparison/") or place in ("cli.py", "__main__.py")
        if is_tool and found.package in TOOLS:
            continue
        if place == "deadlock/pytest_plugin.py" and found.package == "pytest":
            continue
        if found.package == "cupy" and not found.at_top:
            continue
        wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


def test_what_users_import_first_does_not_lean_on_the_tools() -> None:
    tools = ("nativeconc.comparison", "nativeconc.cli")
    wrong = [
        str(i)
        for i in imports("python/nativeconc")
        if i.at_top
        and i.module.startswith(tools)
        and "comparison" not in i.file.parts
        and i.file.name not in ("cli.py", "__main__.py")
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_python_package_imports_the_seam() -> None:
    for folder in ("examples", "benchmarks"):
        wrong = [str(i) for i in imports(folder) if i.module.startswith("nativeconc._core")]
        assert not wrong, "\n".join(wrong)
