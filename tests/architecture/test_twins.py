# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Every native primitive and kernel has its pure-Python twin, which is called in the same way."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import nativeconc as nc
from nativeconc import kernels, reference, shared
from nativeconc.reference import shared as reference_shared

# What a kernel takes beside its own parameters, and a twin does not.
EXECUTION = {"threads", "gil", "device"}
# What is about arrays: a twin takes flat lists of numbers.
LAYOUT = {"axis", "dtype", "out", "keepdims", "order", "kind", "overwrite_input"}
# Keywords of NumPy's that are a matter of the wrapper: steps before and after the kernel.
LAYOUT |= {"initial", "where", "mean", "correction"}

EXPORTS = {name: getattr(nc, name) for name in nc.__all__}
# What threads wait for tells how long they did.
PRIMITIVES = sorted(
    name for name, value in EXPORTS.items() if inspect.isclass(value) and hasattr(value, "stats")
)
# Other native names: what is written in Python needs no twin.
FUNCTIONS = sorted(name for name, value in EXPORTS.items() if inspect.isbuiltin(value))
KERNELS = sorted(row.name for row in kernels.table())
# What stands on NumPy, or tells about processes, has no twin.
SHARED = ["Buffer", "Queue", "attach"]


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [
        (p.name, p.kind, p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name not in EXECUTION | LAYOUT and p.name != "self"
    ]


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_there_is_something_to_compare() -> None:
    assert {"Lock", "Condition", "Barrier", "RWLock"} <= set(PRIMITIVES)
    assert "acquire_all" in FUNCTIONS
    assert "sum" in KERNELS


def test_twins_and_natives_are_the_same_set() -> None:
    assert set(reference.__all__) == {*PRIMITIVES, *FUNCTIONS, *KERNELS, *SHARED}


def test_the_kernel_table_lists_every_kernel() -> None:
    functions = {name for name in kernels.__all__ if inspect.isfunction(getattr(kernels, name))}
    assert functions == {*KERNELS, "table"}


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_and_twin_take_the_same_parameters(name: str) -> None:
    native, twin = parameters(getattr(kernels, name)), parameters(getattr(reference, name))
    assert twin[: len(native)] == native
    # A twin takes plain lists: it may ask for what an array would tell, if there is a default.
    assert all(default is not inspect.Parameter.empty for _, _, default in twin[len(native) :])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_and_twin_take_the_same_parameters(name: str) -> None:
    assert parameters(getattr(nc, name)) == parameters(getattr(reference, name))


@pytest.mark.parametrize("name", PRIMITIVES)
def test_primitive_and_twin_are_created_alike(name: str) -> None:
    assert parameters(getattr(nc, name)) == parameters(getattr(reference, name))


@pytest.mark.parametrize("name", PRIMITIVES)
def test_primitive_and_twin_have_the_same_methods(name: str) -> None:
    native, twin = getattr(nc, name), getattr(reference, name)
    assert public(native) == public(twin)
    for method in public(native):
        if callable(getattr(native, method)):
            assert parameters(getattr(native, method)) == parameters(getattr(twin, method)), method


@pytest.mark.parametrize("name", SHARED)
def test_shared_memory_and_twin_are_created_alike(name: str) -> None:
    assert parameters(getattr(shared, name)) == parameters(getattr(reference, name))


def test_buffer_and_twin_have_the_same_attributes() -> None:
    assert public(shared.Buffer) == public(reference.Buffer)
    assert parameters(shared.Buffer.close) == parameters(reference.Buffer.close)


def test_queue_and_twin_have_the_same_methods() -> None:
    assert public(shared.Queue) == public(reference.Queue)
    for method in public(shared.Queue):
        if callable(getattr(shared.Queue, method)):
            native, twin = getattr(shared.Queue, method), getattr(reference.Queue, method)
            assert parameters(native) == parameters(twin), method


def test_shared_primitives_and_their_twins_are_the_same_set() -> None:
    natives = {
        name
        for name in shared.__all__
        if name != "Queue" and hasattr(getattr(shared, name), "stats")
    }
    assert set(reference_shared.__all__) == natives


@pytest.mark.parametrize("name", reference_shared.__all__)
def test_shared_primitive_and_twin_are_alike(name: str) -> None:
    native, twin = getattr(shared, name), getattr(reference_shared, name)
    assert parameters(native) == parameters(twin)
    assert public(native) == public(twin)
    for method in public(native):
        if callable(getattr(native, method)):
            assert parameters(getattr(native, method)) == parameters(getattr(twin, method)), method


def test_pages_and_twin_have_the_same_fields() -> None:
    assert shared.Pages._fields == type(reference.Buffer(1).pages)._fields


def test_stats_and_twin_have_the_same_fields() -> None:
    native, twin = type(nc.Lock().stats()), type(reference.Lock().stats())
    assert native.__match_args__ == twin.__match_args__
    assert native.__name__ == twin.__name__
