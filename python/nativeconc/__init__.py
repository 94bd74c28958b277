# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Concurrency for Python, done natively.

Locks that drop in for :mod:`threading`'s and are faster, kernels that run without the GIL on all
cores or on the GPU, and tools that show what the GIL costs your own script.

Importing this package starts no thread and loads nothing but NumPy and the native core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# _core comes first: in a sub-interpreter it says clearly that it cannot be used there.
from nativeconc import _core, cuda, errors, kernels  # noqa: F401
from nativeconc._core import (
    Barrier,
    BoundedSemaphore,
    BrokenBarrierError,
    Condition,
    Event,
    Lock,
    RLock,
    RWLock,
    Semaphore,
    __version__,
    acquire_all,
)
from nativeconc.errors import (
    CudaUnavailableError,
    DeadlockError,
    DeadlockWarning,
    LockTimeout,
    NativeConcError,
    OwnerDiedError,
    SegmentError,
    SharedMemoryFull,
)
from nativeconc.pool import get_num_threads, num_threads, set_num_threads
from nativeconc.thread import Thread

if TYPE_CHECKING:
    from nativeconc import deadlock, shared
    from nativeconc.comparison import Comparison, compare
    from nativeconc.config import show_config

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "Comparison",
    "Condition",
    "CudaUnavailableError",
    "DeadlockError",
    "DeadlockWarning",
    "Event",
    "Lock",
    "LockTimeout",
    "NativeConcError",
    "OwnerDiedError",
    "RLock",
    "RWLock",
    "SegmentError",
    "Semaphore",
    "SharedMemoryFull",
    "Thread",
    "__version__",
    "acquire_all",
    "compare",
    "cuda",
    "deadlock",
    "errors",
    "get_num_threads",
    "kernels",
    "num_threads",
    "set_num_threads",
    "shared",
    "show_config",
]

# Tools are loaded when first asked for: a program that only wants a lock should not pay for them.
_LAZY = {
    "Comparison": "nativeconc.comparison",
    "compare": "nativeconc.comparison",
    "deadlock": "nativeconc.deadlock",
    "shared": "nativeconc.shared",
    "show_config": "nativeconc.config",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module(_LAZY[name])
    value = module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
