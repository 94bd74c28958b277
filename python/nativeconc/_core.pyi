# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The native core. Private: users import nativeconc. Documented in src/, one file a feature."""

from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, NoReturn, SupportsFloat, SupportsIndex, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

_Seconds: TypeAlias = SupportsFloat | SupportsIndex

# Facts (bind_config.cpp)
__version__: str
compiler: str

def cpu_budget() -> tuple[int, float | None, int]: ...

# Errors (errors.cpp)
class NativeConcError(Exception): ...
class LockTimeout(NativeConcError, TimeoutError): ...  # noqa: N818 - as TimeoutError
class CudaUnavailableError(NativeConcError, RuntimeError): ...

# Locks and semaphores (bind_lock.cpp, bind_semaphore.cpp, timed_entry.cpp)
@final
class TimedEntry:
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...

@disjoint_base
class Lock:
    def __init__(self, *, name: str | None = None) -> None: ...
    def acquire(self, blocking: bool = True, timeout: _Seconds = -1) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...
    def timeout(self, seconds: _Seconds, /) -> TimedEntry: ...
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def _at_fork_reinit(self) -> None: ...
    @property
    def name(self) -> str | None: ...

@disjoint_base
class Semaphore:
    def __init__(self, value: SupportsIndex = 1) -> None: ...
    def acquire(self, blocking: bool = True, timeout: _Seconds | None = None) -> bool: ...
    def release(self, n: SupportsIndex = 1) -> None: ...
    def timeout(self, seconds: _Seconds, /) -> TimedEntry: ...
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...

class BoundedSemaphore(Semaphore): ...

# The pool (bind_pool.cpp)
MAX_THREADS: Final[int]
num_threads_context: ContextVar[int | None]

def parse_thread_count(threads: object) -> int: ...
def resolve_threads(threads: object) -> int: ...
def set_num_threads(n: object) -> None: ...
def worker_count() -> int: ...
def stop_idle_workers() -> None: ...

# Kernels (bind_kernels.cpp). threads: None or an int; gil: "release", "hold" or "auto".
COUNT_PRIMES_LIMIT: Final[int]
MONTE_CARLO_PI_LIMIT: Final[int]

def check_execution(threads: object, gil: object) -> None: ...
def kernel_table() -> list[tuple[str, tuple[str, ...], tuple[str, ...], str]]: ...
def simd_path() -> str: ...
def sum(a: NDArray[Any], threads: int | None, gil: str, /) -> Any: ...  # noqa: A001 - NumPy's name
def mandelbrot(
    re_lo: float,
    re_hi: float,
    im_lo: float,
    im_hi: float,
    width: int,
    height: int,
    max_iter: int,
    threads: int | None,
    gil: str,
    /,
) -> NDArray[np.int32]: ...
def count_primes(n: int, threads: int | None, gil: str, /) -> int: ...
def monte_carlo_pi(n: int, seed: int, threads: int | None, gil: str, /) -> float: ...

# The GPU library (bind_cuda.cpp). Addresses and streams are plain integers.
def cuda_open(path: str, /) -> str | None: ...
def cuda_state() -> tuple[bool, int, int, int, int, str]: ...
def cuda_device(index: int, /) -> tuple[str, int, int, int, int, bool, bool]: ...
def cuda_pointer_device(address: int, /) -> int: ...
def cuda_sum(
    address: int,
    dtype: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    out: int,
    device: int,
    stream: int,
    producer: int,
    /,
) -> None: ...
def cuda_sum_host(buffer: NDArray[Any], dtype: int, device: int, /) -> float | int: ...
def cuda_mandelbrot(
    re_lo: float,
    re_hi: float,
    im_lo: float,
    im_hi: float,
    width: int,
    height: int,
    max_iter: int,
    out: int,
    device: int,
    stream: int,
    producer: int,
    /,
) -> None: ...
def cuda_mandelbrot_host(
    re_lo: float,
    re_hi: float,
    im_lo: float,
    im_hi: float,
    width: int,
    height: int,
    max_iter: int,
    out: NDArray[np.int32],
    device: int,
    /,
) -> None: ...
