# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's own tests, from the installed package, with our kernels in the place of its functions.

A test module of NumPy's is compiled once more. In the copy, each `x.name` with the name of a kernel
asks `attribute` what it means: `np.sort`, `a.sort` and `np.add.at` are ours, all else is what it
was. Nothing of NumPy itself is changed.

A call with an array, a scalar or a dtype that is outside the contract (see `outside`) goes to
NumPy: so of a test that goes through all dtypes, those that are ours are run on ours.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nativeconc import kernels

# Functions of NumPy's that are substituted. A new kernel is one more name here.
FUNCTIONS = [
    "argsort",
    "bincount",
    "histogram",
    "isin",
    "max",
    "mean",
    "median",
    "min",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanstd",
    "nansum",
    "nanvar",
    "partition",
    "quantile",
    "searchsorted",
    "sort",
    "std",
    "sum",
    "unique",
    "var",
]
# Other names that NumPy has for them, and methods of arrays that do the same.
ALIASES = {"amax": "max", "amin": "min"}
METHODS = [
    "argsort",
    "max",
    "mean",
    "min",
    "partition",
    "searchsorted",
    "sort",
    "std",
    "sum",
    "var",
]
IN_PLACE = ["partition", "sort"]
# Methods of ufuncs: they go along the first axis, if they are not told otherwise.
REDUCTIONS = {np.add: "sum", np.minimum: "min", np.maximum: "max"}

_NAMES = {*FUNCTIONS, *ALIASES, *METHODS, "at", "reduce"}
_NATIVE = "?bBhHiIlLqQfd"


def outside(value: object) -> bool:
    """Whether an argument is nothing that the kernels take: they refuse it, or it is an array class
    that they do not give back."""
    if value is None or isinstance(value, bool | int | float | str | type):
        return False
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        return True  # matrix, masked and other subclasses
    if isinstance(value, np.dtype):
        return value.char not in _NATIVE or not value.isnative
    if isinstance(value, np.ndarray | np.generic):
        return outside(value.dtype)
    if isinstance(value, list | tuple):
        try:
            return any(map(outside, value)) or outside(np.array(value).dtype)
        except Exception:  # what cannot be an array is to be refused
            return False
    return isinstance(value, complex) or not hasattr(value, "__array__")


def _is_ours(name: str, ours: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    try:
        given = inspect.signature(ours).bind(*args, **kwargs).arguments
    except TypeError:
        return True  # a wrong call is to be refused, too
    given.update(given.pop("kwargs", {}))
    if "initial" in given and given["initial"] is None:
        return False  # to NumPy it says that an empty sum is an error, to us that none is given
    dtype = given.pop("dtype", None)
    if dtype is not None and outside(np.dtype(dtype)):
        return False
    if name == "unique" and given.get("axis") is not None and np.ndim(given["ar"]) != 1:
        return False  # different subarrays: documented as missing
    return not any(map(outside, given.values()))


@functools.cache
def _substitute(name: str) -> Callable[..., Any]:
    """Our function where NumPy's tests say NumPy's `name`."""
    return _dispatched(name, getattr(np, name), getattr(kernels, ALIASES.get(name, name)))


def _dispatched(
    name: str, theirs: Callable[..., Any], ours: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def called(*args: Any, **kwargs: Any) -> Any:
        kwargs = {key: value for key, value in kwargs.items() if value is not np._NoValue}
        return (ours if _is_ours(name, ours, args, kwargs) else theirs)(*args, **kwargs)

    return called


def _add_at(a: Any, indices: Any, b: Any = None, **kwargs: Any) -> None:
    if b is None:  # the method may belong to a ufunc that takes no second operand
        raise ValueError("second operand needed for ufunc")
    kernels.add_at(a, indices, b, **kwargs)


def _in_place(name: str, a: np.ndarray[Any, Any], *args: Any, **kwargs: Any) -> None:
    if kwargs.get("axis", -1) is None:
        getattr(a, name)(*args, **kwargs)  # a method has no such axis, and says so
    else:
        a[...] = _substitute(name)(a, *args, **kwargs)


def _reduce(name: str, array: Any, axis: Any = 0, *args: Any, **kwargs: Any) -> Any:
    if name != "sum" and args:  # here is the dtype, which the kernel does not take
        if args[0] is not None:
            kwargs["dtype"] = args[0]
        args = args[1:]
    return getattr(kernels, name)(array, axis, *args, **kwargs)


def attribute(owner: Any, name: str) -> Any:
    """What `owner.name` means in the copy of a test module."""
    theirs = getattr(owner, name)
    if isinstance(owner, ModuleType):
        known = name in FUNCTIONS or name in ALIASES
        return _substitute(name) if known and theirs is getattr(np, name) else theirs
    if type(owner) is np.ndarray and name in METHODS and not outside(owner):
        if name in IN_PLACE:
            return functools.partial(_in_place, name, owner)
        return functools.partial(_substitute(name), owner)
    if owner is np.add and name == "at":
        return _dispatched(name, theirs, _add_at)
    if isinstance(owner, np.ufunc) and owner in REDUCTIONS and name == "reduce":
        return _dispatched(name, theirs, functools.partial(_reduce, REDUCTIONS[owner]))
    return theirs


class _Substitution(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if node.attr not in _NAMES or not isinstance(node.ctx, ast.Load):
            return node
        attribute_of = [node.value, ast.Constant(node.attr)]
        return ast.copy_location(ast.Call(ast.Name("__ours__", ast.Load()), attribute_of, []), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        added: list[ast.stmt] = []
        for alias in node.names if node.module == "numpy" else []:
            if alias.name in _NAMES:
                line = f"import numpy; {alias.asname or alias.name} = numpy.{alias.name}"
                added += [self.visit(stmt) for stmt in ast.parse(line).body]
        return [node, *(ast.copy_location(stmt, node) for stmt in added)]


def run(source: str, filename: str, namespace: dict[str, Any]) -> ast.Module:
    """Runs a program in which the names of NumPy's functions mean ours; gives its tree."""
    tree = ast.fix_missing_locations(_Substitution().visit(ast.parse(source, filename)))
    namespace["__ours__"] = attribute
    exec(compile(tree, filename, "exec"), namespace)
    return tree


def _concerns_us(node: ast.AST, ours: set[str]) -> bool:
    """Whether a substitute, or a function that uses one, is named in it."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return not names.isdisjoint({"__ours__", *ours})


class Suite:
    """A test module of NumPy's with our functions."""

    def __init__(self, name: str) -> None:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        self.module = importlib.util.module_from_spec(spec)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # of numpy.matrix
            self._tree = run(Path(spec.origin).read_text(), spec.origin, vars(self.module))
        functions = [node for node in self._tree.body if isinstance(node, ast.FunctionDef)]
        self._names = {*FUNCTIONS, *ALIASES}
        self._names |= {each.name for each in functions if _concerns_us(each, self._names)}

    def tests(self, name: str, left_out: Collection[str]) -> type:
        """NumPy's test class, with those of its tests that concern us."""
        suite = vars(self.module)[name]
        ours = set(self._ours(suite))
        others = {
            test: None
            for test in dir(suite)
            if test.startswith("test") and (test not in ours or f"{name}.{test}" in left_out)
        }
        return type(name, (suite,), others)

    def _ours(self, suite: type) -> Iterator[str]:
        classes = {node.name: node for node in self._tree.body if isinstance(node, ast.ClassDef)}
        for base in suite.__mro__[:-1]:
            body = classes[base.__name__].body
            tests = [each for each in body if isinstance(each, ast.FunctionDef)]
            # Lists of functions that stand in the class are for all of its tests.
            shared = any(_concerns_us(each, self._names) for each in body if each not in tests)
            for test in tests:
                if shared or _concerns_us(test, self._names):
                    yield test.name
