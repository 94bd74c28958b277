# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What users can import: all of it is named, documented, and cheap to import."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import nativeconc as nc

# Modules whose names users may rely on.
PUBLIC_MODULES = (
    "nativeconc",
    "nativeconc.cuda",
    "nativeconc.deadlock",
    "nativeconc.errors",
    "nativeconc.kernels",
    "nativeconc.reference",
    "nativeconc.shared",
)
# The contract: these never go away.
PROMISED = {
    "nativeconc": [
        *("Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier"),
        *("RWLock", "acquire_all", "Thread", "BrokenBarrierError", "deadlock"),
        *(
            "DeadlockError",
            "DeadlockWarning",
            "NativeConcError",
            "LockTimeout",
            "SharedMemoryFull",
            "SegmentError",
            "CudaUnavailableError",
        ),
        *("set_num_threads", "get_num_threads", "num_threads"),
        *("compare", "show_config", "kernels", "cuda", "errors"),
    ],
    "nativeconc.kernels": [
        *("mandelbrot", "count_primes", "monte_carlo_pi", "table"),
        *("sum", "mean", "var", "std", "min", "max"),
        *("nansum", "nanmean", "nanvar", "nanstd", "nanmin", "nanmax"),
    ],
    "nativeconc.cuda": ["is_available", "status", "devices"],
    "nativeconc.errors": [
        *("NativeConcError", "LockTimeout", "SharedMemoryFull", "SegmentError"),
        "CudaUnavailableError",
    ],
    "nativeconc.shared": [
        *("Array", "Buffer", "attach", "copy", "zeros", "empty", "full", "segments", "sweep"),
        *("Queue", "ShutDown"),
    ],
}


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_all_is_sorted_and_importable(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__))
    for export in module.__all__:
        assert hasattr(module, export), export
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_all_is_complete(name: str) -> None:
    module = importlib.import_module(name)
    ours = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and not inspect.ismodule(value)
        and (getattr(value, "__module__", None) or "").startswith(name)
    }
    assert ours <= set(module.__all__)


@pytest.mark.parametrize("name", PROMISED)
def test_promised_names_are_there(name: str) -> None:
    assert set(PROMISED[name]) <= set(importlib.import_module(name).__all__)


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_everything_public_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    undocumented = []
    for export in module.__all__:
        value = getattr(module, export)
        if export.startswith("__"):
            continue
        if not inspect.getdoc(value):
            undocumented.append(export)
        if inspect.isclass(value):
            undocumented += [
                f"{export}.{key}"
                for key, member in vars(value).items()
                if not key.startswith("_") and member is not None and not inspect.getdoc(member)
            ]
    assert not undocumented


@pytest.mark.parametrize(
    "function",
    [getattr(nc.kernels, name) for name in nc.kernels.__all__]
    + [nc.Lock.acquire, nc.Lock.release, nc.Lock.timeout, nc.Semaphore.acquire]
    + [
        nc.set_num_threads,
        nc.get_num_threads,
        nc.num_threads,
        nc.cuda.is_available,
        nc.cuda.status,
    ],
    ids=lambda f: f.__qualname__,
)
def test_functions_tell_their_parameters(function: Callable[..., Any]) -> None:
    assert inspect.signature(function) is not None
    for name in inspect.signature(function).parameters:
        if name != "self":
            assert name in (inspect.getdoc(function) or ""), name


def test_every_exception_is_one_of_ours() -> None:
    for name in nc.errors.__all__:
        error = getattr(nc.errors, name)
        assert issubclass(error, nc.NativeConcError | RuntimeWarning)
        assert getattr(nc, name) is error
        assert error.__module__ == "nativeconc"


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        nc.no_such_name  # noqa: B018


def test_import_starts_no_thread_and_loads_no_tool(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import os, sys
        import numpy
        def threads():
            return len(os.listdir("/proc/self/task"))
        before = threads()
        import nativeconc
        assert threads() == before, (before, threads())
        roots = {name.partition(".")[0] for name in sys.modules}
        found = roots & {"rich", "typer", "click", "matplotlib", "cupy", "multiprocessing"}
        assert not found, found
        for name in ("comparison", "config", "reference", "shared"):
            assert f"nativeconc.{name}" not in sys.modules, name
        with open("/proc/self/maps") as maps:
            assert "libnativeconc_cuda" not in maps.read()
        """
    ).check()


def test_lazy_names_load_when_asked_for(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import nativeconc as nc
        assert callable(nc.show_config) and callable(nc.compare)
        from nativeconc import Comparison
        """
    ).check()
