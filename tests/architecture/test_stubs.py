# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The checked-in stub of the seam names all that the seam has.

Signatures are compared by mypy's stubtest, which nox and CI run; this needs no mypy.
"""

from __future__ import annotations

import ast
from importlib import resources

import pytest

from architecture.house import ROOT
from nativeconc import _core

STUB = ROOT / "python/nativeconc/_core.pyi"


def declared(body: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):  # from m import x as x: x is of this module, too
            names |= {alias.name for alias in node.names if alias.asname == alias.name}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def test_stub_names_exactly_what_the_module_has() -> None:
    stub = ast.parse(STUB.read_text(encoding="utf-8"))
    names = {name for name in declared(stub.body) if not name.startswith("_")}
    assert names == {name for name in dir(_core) if not name.startswith("_")}


def test_stub_names_every_method_of_every_class() -> None:
    stub = ast.parse(STUB.read_text(encoding="utf-8"))
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            methods = {name for name in vars(getattr(_core, node.name)) if not name.startswith("_")}
            methods -= {"n_fields", "n_sequence_fields", "n_unnamed_fields"}  # of a struct sequence
            assert {n for n in declared(node.body) if not n.startswith("_")} == methods, node.name


@pytest.mark.parametrize("name", ["py.typed", "_core.pyi"])
def test_installed_package_has_its_types(name: str) -> None:
    assert resources.files("nativeconc").joinpath(name).is_file()
