# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nc.show_config`: what this installation is made of, and what this machine offers it."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from nativeconc import _core, cuda
from nativeconc.pool import get_num_threads

__all__ = ["config", "cpu_model", "gil_enabled", "show_config", "spoken"]


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, dict[str, Any]]: ...
def show_config(mode: str = "stdout") -> dict[str, dict[str, Any]] | None:
    """Show versions, CPU budget, GIL state, SIMD path, CUDA state, shared memory and huge pages.

    Does not block for long: it reads a few files under /proc and /sys, and asks the CUDA driver
    whether there is a device.

    Args:
        mode: `"stdout"` prints it, `"dicts"` returns it (as `numpy.show_config` does).

    Returns:
        With `"dicts"`, a dict of sections; a value that could not be found out is None, and one
        that an environment variable forbids is the sentence that says so.

    Raises:
        ValueError: `mode` is something else.
    """
    if mode == "dicts":
        return config()
    if mode != "stdout":
        raise ValueError(f"mode must be 'stdout' or 'dicts', not {mode!r}")
    for section, values in config().items():
        print(section)
        for name, value in values.items():
            label, text = spoken(name, value)
            print(f"  {label}: {text}")
    return None


def config() -> dict[str, dict[str, Any]]:
    """The facts that `show_config` shows, by section."""
    affinity, quota, threads = _core.cpu_budget()
    return {
        "versions": {
            "nativeconc": _core.__version__,
            "compiler": _core.compiler,
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "numpy": np.__version__,
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
        "cpu": {
            "model": cpu_model(),
            "online": os.cpu_count(),
            "in_affinity_mask": affinity,
            "cgroup_quota": quota,
            "budget": threads,
            "kernel_threads": _value_or_fault(get_num_threads),
            "NATIVECONC_NUM_THREADS": os.environ.get("NATIVECONC_NUM_THREADS"),
            "simd": _value_or_fault(_core.simd_path),
        },
        "gil": {
            "enabled": gil_enabled(),
            "free_threaded_build": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "switch_interval_s": sys.getswitchinterval(),
        },
        "cuda": {
            "available": cuda.is_available(),
            "status": cuda.status(),
            "devices": [str(device) for device in cuda.devices()],
        },
        "memory": {
            "dev_shm_bytes": _file_system_bytes("/dev/shm"),
            "dev_shm_free_bytes": _file_system_bytes("/dev/shm", free=True),
            "transparent_huge_pages": _chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
            "transparent_huge_pages_shmem": _chosen(
                "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
            ),
            "huge_page_bytes": _meminfo("Hugepagesize"),
            "huge_pages_reserved": _meminfo("HugePages_Total"),
        },
    }


def gil_enabled() -> bool:
    """Whether this process runs with the GIL (a free-threaded build may turn it on again)."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return True if ask is None else bool(ask())


def cpu_model() -> str:
    """The processor's name, or the architecture where the kernel does not tell a name."""
    text = _read("/proc/cpuinfo") or ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.machine()


def spoken(name: str, value: object) -> tuple[str, str]:
    """A fact of `config` for people: ("dev shm", "23.5 GiB"), ("enabled", "yes")."""
    label = name if name.isupper() else name.replace("_", " ")
    if value is None or value == []:
        return label, "none"
    if isinstance(value, bool):
        return label, "yes" if value else "no"
    if isinstance(value, list):
        return label, ", ".join(str(item) for item in value)
    if name.endswith("_bytes") and isinstance(value, int):
        return label.removesuffix(" bytes"), _size(value)
    if name.endswith("_s") and isinstance(value, float):
        return label.removesuffix(" s"), f"{value * 1e3:g} ms"
    return label, str(value)


def _value_or_fault(ask: Callable[[], object]) -> object:
    """What `ask` returns, or what it says is wrong with an environment variable."""
    try:
        return ask()
    except ValueError as error:
        return str(error)


def _size(count: int) -> str:
    """A number of bytes: "2 MiB", "23.5 GiB"."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} GiB"


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _chosen(path: str) -> str | None:
    """The bracketed one of the choices that such a file lists: "always [madvise] never"."""
    text = _read(path) or ""
    _, bracket, rest = text.partition("[")
    return rest.partition("]")[0] if bracket else None


def _meminfo(field: str) -> int | None:
    """A number of /proc/meminfo, in bytes where it is given in kB."""
    for line in (_read("/proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            number, *unit = value.split()
            return int(number) * (1024 if unit == ["kB"] else 1)
    return None


def _file_system_bytes(path: str, *, free: bool = False) -> int | None:
    try:
        facts = os.statvfs(path)
    except OSError:
        return None
    return facts.f_frsize * (facts.f_bavail if free else facts.f_blocks)
