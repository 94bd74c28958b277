# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How every source file begins, how long it may be, and that the build knows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from architecture.house import CXX_SOURCES, HEADERS, PYTHON, ROOT, files, relative

MOST_LINES = 400
FOLDERS = ("cpp", "src", "cuda", "python", "tests", "benchmarks", "examples")
SPDX = (
    "SPDX-FileCopyrightText: The nativeconc authors",
    "SPDX-License-Identifier: BSD-3-Clause",
)


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def sources(suffixes: tuple[str, ...]) -> list[Path]:
    return [path for folder in FOLDERS for path in files(folder, suffixes)]


def test_every_source_file_opens_with_the_licence() -> None:
    wrong = []
    for path in [*sources(HEADERS + CXX_SOURCES + PYTHON), ROOT / "noxfile.py"]:
        lines = lines_of(path)
        if lines and lines[0].startswith("#!"):
            lines = lines[1:]
        opening = [line.strip("/*# ") for line in lines[:2]]
        if opening != list(SPDX) or not lines[0].startswith(("# ", "// ", "/* ")):
            wrong.append(relative(path))
    assert not wrong, "\n".join(wrong)


def test_no_source_file_is_too_long() -> None:
    # A stub is one file, as the module that it describes is.
    paths = [p for p in sources(HEADERS + CXX_SOURCES + PYTHON) if p.suffix != ".pyi"]
    lengths = {relative(p): len(lines_of(p)) for p in paths}
    wrong = {name: n for name, n in lengths.items() if n > MOST_LINES}
    assert not wrong, f"split by idea: {wrong}"


def test_every_header_says_what_it_is_for() -> None:
    wrong = []
    for path in sources(HEADERS):
        after_licence = [line for line in lines_of(path)[2:] if line.strip()]
        if not after_licence or not re.match(r"(//|/\*) \w", after_licence[0]):
            wrong.append(relative(path))
    assert not wrong, "\n".join(wrong)


def test_every_header_is_guarded() -> None:
    # A header for C compilers too is guarded in the way that C knows.
    wrong = [
        relative(path)
        for path in sources(HEADERS)
        if not re.search(r"^#pragma once$|^#ifndef \w+_H_?$", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_python_module_has_a_docstring() -> None:
    wrong = [
        relative(path)
        for path in sources((".py",))
        if not path.name.startswith("test_")
        and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("root", ["cpp", "src", "cuda", "tests/cpp", "tests/model"])
def test_cmake_lists_every_source_file_by_name(root: str) -> None:
    for folder in sorted({path.parent for path in files(root, CXX_SOURCES)}):
        text = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
        listed = set(re.findall(r"(?<![\w/])\w+\.(?:cpp|cu)\b", text))
        there = {path.name for path in folder.iterdir() if path.suffix in CXX_SOURCES}
        assert listed == there, relative(folder)


def test_cmake_never_globs_and_never_builds_for_this_machine_alone() -> None:
    lists = [ROOT / "CMakeLists.txt"]
    for folder in ("cmake", "cpp", "src", "cuda", "tests"):
        lists += [*(ROOT / folder).rglob("CMakeLists.txt"), *(ROOT / folder).rglob("*.cmake")]
    for path in lists:
        text = path.read_text(encoding="utf-8")
        assert "file(GLOB" not in text, relative(path)
        assert "-march=native" not in text, relative(path)
