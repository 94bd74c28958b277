# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reads the repository's own sources: files, `#include`s, `import`s."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

HEADERS = (".hpp", ".h")
CXX_SOURCES = (".cpp", ".cu")
PYTHON = (".py", ".pyi")

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True)
class Include:
    """One `#include`: the file it stands in, what it names, and whether in quotes."""

    file: Path
    name: str
    is_quoted: bool

    def __str__(self) -> str:
        return f"{relative(self.file)} includes {self.name}"


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(folder: str, suffixes: tuple[str, ...]) -> list[Path]:
    """All files below a folder of the repository with one of the suffixes."""
    return sorted(
        path
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    )


def cxx_files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in files(folder, HEADERS + CXX_SOURCES)]
    assert found, f"no C++ files below {folders}"
    return found


def includes(*folders: str) -> Iterator[Include]:
    for path in cxx_files(*folders):
        for bracket, name in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            yield Include(path, name, bracket == '"')


@dataclass(frozen=True)
class Import:
    """One imported module: the file it stands in, its dotted name, and whether at module level."""

    file: Path
    module: str
    at_top: bool

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{relative(self.file)} imports {self.module}"


def imports(folder: str) -> Iterator[Import]:
    """The imports of all Python files below a folder; those under TYPE_CHECKING are left out."""
    for path in files(folder, (".py",)):
        yield from _imports_of(path, ast.parse(path.read_text(encoding="utf-8")), at_top=True)


def _imports_of(path: Path, node: ast.AST, *, at_top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for name in child.names:
                yield Import(path, name.name, at_top)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{relative(path)}: write imports out, from nativeconc on"
            assert child.module is not None
            for name in child.names:
                # "from nativeconc import kernels" is an import of nativeconc.kernels.
                yield Import(path, f"{child.module}.{name.name}", at_top)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _imports_of(path, other, at_top=at_top)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports_of(path, child, at_top=at_top and not is_function)
