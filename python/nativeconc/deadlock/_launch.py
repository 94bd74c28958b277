# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Runs a script or a module in this process, as `python SCRIPT` and `python -m MODULE` would."""

from __future__ import annotations

import importlib.util
import io
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

__all__ = ["NotFoundError", "run_module", "run_script"]


class NotFoundError(Exception):
    """There is nothing to run; the message says what is missing."""


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Run a file of Python source, or a folder or zip file with a `__main__` module.

    Raises:
        NotFoundError: There is no such file, or nothing in it to run.
    """
    if not os.path.exists(path):  # noqa: PTH110 - a path is a plain string here, as in sys.argv
        raise NotFoundError(f"there is no file {path}")
    full = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - as it is: dots and links stay
    if pkgutil.get_importer(full) is not None:
        spec = PathFinder.find_spec("__main__", [full])
        if spec is None:
            raise NotFoundError(f"there is no __main__ module in {path}")
        # Python puts these there even under -P.
        _begin(path, arguments, first_on_path=full, even_if_safe=True)
        _run_as_main(_code_of(spec), _facts_of(spec))
        return
    try:
        with io.open_code(full) as file:
            source = file.read()
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from None
    _begin(path, arguments, first_on_path=os.path.dirname(os.path.realpath(path)))  # noqa: PTH120
    code = compile(source, full, "exec", dont_inherit=True)
    facts = {"__file__": full, "__loader__": SourceFileLoader("__main__", full)}
    _run_as_main(code, {**facts, "__package__": None, "__spec__": None, "__cached__": None})


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Run a module, or the `__main__` module of a package. Imports the packages that it is in.

    Raises:
        NotFoundError: There is no such module, or nothing in it to run.
    """
    _begin("-m", arguments, first_on_path=os.getcwd())  # noqa: PTH109
    spec = _found(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _found(f"{name}.__main__")
        if spec is None:
            raise NotFoundError(f"{name} is a package without a __main__ module")
    if spec is None:
        raise NotFoundError(f"there is no module {name}")
    code = _code_of(spec)
    sys.argv[0] = spec.origin or name
    _run_as_main(code, _facts_of(spec))


def _begin(
    argv0: str, arguments: Sequence[str], *, first_on_path: str, even_if_safe: bool = False
) -> None:
    sys.argv[:] = [argv0, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = first_on_path
    elif even_if_safe:  # and so there is nothing of the command's own to replace
        sys.path.insert(0, first_on_path)


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        # A package on the way is missing. What it fails to import itself is its own fault.
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise
    except ValueError:  # the name of a module that was not found by looking, such as __main__
        return None


def _code_of(spec: ModuleSpec) -> CodeType:
    loader: Any = spec.loader
    code = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None:
        raise NotFoundError(f"{spec.name} is not written in Python")
    assert isinstance(code, CodeType)
    return code


def _facts_of(spec: ModuleSpec) -> dict[str, object]:
    return {
        "__file__": spec.origin,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
        "__cached__": spec.cached,
    }


def _run_as_main(code: CodeType, facts: dict[str, object]) -> None:
    # It stays there: threads, exit handlers and pickle look for it after the code has run.
    main = ModuleType("__main__")
    main.__dict__.update(facts, __builtins__=__import__("builtins"))
    sys.modules["__main__"] = main
    exec(code, main.__dict__)
