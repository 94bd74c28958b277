# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nc.compare`: what a user may ask for, checked, and handed to a study."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, SupportsIndex

import numpy as np

from nativeconc import _core, kernels
from nativeconc.comparison.cases import CASES, SHOWN, Case
from nativeconc.comparison.comparison import Comparison
from nativeconc.comparison.measure import Report
from nativeconc.comparison.plan import default_threads
from nativeconc.comparison.runner import WorkError
from nativeconc.comparison.study import DEFAULT_BUDGET_S, Study
from nativeconc.comparison.ways import NATIVE_WAYS, Way

__all__ = ["callable_case", "checked_threads", "compare", "kernel_cases", "make_study"]

Kernel = str | Callable[..., object]


def compare(
    what: Kernel | Sequence[Kernel] | None = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    threads: SupportsIndex | Iterable[SupportsIndex] | None = None,
    size: SupportsIndex | None = None,
    repeat: SupportsIndex | None = None,
    budget: float = DEFAULT_BUDGET_S,
    report: Report | None = None,
) -> Comparison:
    """Measure what threads gain with the GIL released, and with it held.

    For kernels of this library: pure Python, NumPy, native with the GIL held, native with it
    released, and the native pool. For another callable: that callable, called by T threads. Every
    row has the wall time, the speedup over one thread of the same way, and the stall of a
    bystander: how long another Python thread was kept from running.

    A way does the same total work for every number of threads: a fixed number of calls, shared
    out among the threads. Slow ways do less work than fast ones; `unit_ns` and `versus_python`
    compare them per unit of work. Nothing else should run on the machine meanwhile.

    Blocks until done, about `budget` seconds at most (longer if one call is long). Starts threads
    and ends them. Not to be used from several threads at once: they would measure each other.

    Args:
        what: Kernels, by name or function, one or several; None: all. Or any other callable,
            which must bear being called from several threads at once.
        args: Positional arguments for the callable. With a kernel: it is compared on these
            arguments alone, native ways only.
        kwargs: Keyword arguments, likewise. A kernel's `threads` and `gil` cannot be among them:
            they are what is varied.
        threads: Numbers of threads, 1 to 1024. None: 1, 2, ... up to the CPUs that this process
            may use, in powers of two from five CPUs on. 1 is always measured too.
        size: Units of work (elements, pixels, numbers, samples) of one native call. None: chosen
            by short probe runs.
        repeat: How often each row is timed, at least 1. None: 5 times, or fewer if `budget`
            demands it. With a number the budget only guides the amount of work.
        budget: How long the whole should take, in seconds.
        report: Called between runs with what comes next and the share done (0 to 1).

    Returns:
        A `Comparison`: `print(nc.compare())` shows its table.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range, or a kernel is unknown.
        RuntimeError: The system grants no more threads.
        Exception: Whatever the callable raised.

    Example:
        >>> result = nc.compare("count_primes", threads=(1, 2))   # doctest: +SKIP
        >>> print(result.verdict)                                 # doctest: +SKIP
    """
    study = make_study(what, args, kwargs, threads=threads, size=size, repeat=repeat, budget=budget)
    try:
        study.run(report)
    except WorkError as error:
        raise error.cause from None
    return study.result()


def make_study(
    what: Kernel | Sequence[Kernel] | None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    threads: SupportsIndex | Iterable[SupportsIndex] | None = None,
    size: SupportsIndex | None = None,
    repeat: SupportsIndex | None = None,
    budget: float = DEFAULT_BUDGET_S,
    name: str | None = None,
) -> Study:
    """Check the arguments of `compare` and make the study that it runs.

    Args:
        what: See `compare`; so are the others.
        args: Positional arguments.
        kwargs: Keyword arguments.
        threads: Numbers of threads.
        size: Units of one native call.
        repeat: How often each row is timed.
        budget: Seconds for the whole.
        name: What a callable is called; None: its own qualified name.
    """
    if isinstance(args, str | bytes) or not isinstance(args, Sequence):
        raise TypeError(f"args must be a tuple or list of arguments, not {type(args).__name__}")
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise TypeError(
            f"kwargs must be a dict of keyword arguments or None, not {type(kwargs).__name__}"
        )
    cases = _cases(what, tuple(args), dict(kwargs or {}), name)
    if size is not None and cases[0].fixed:
        raise ValueError("size cannot be chosen where the arguments are given")
    counts = checked_threads(threads)
    return Study(
        cases,
        counts,
        size=_checked_size(size, cases, counts[-1]),
        repeat=_checked_int("repeat", repeat),
        budget_s=_checked_budget(budget),
    )


def kernel_cases(names: Sequence[Kernel]) -> list[Case]:
    """The cases of these kernels, each once, in the order given.

    Raises:
        ValueError: One is not a kernel that can be compared.
    """
    found: dict[str, Case] = {}
    for each in names:
        name = each if isinstance(each, str) else _kernel_name(each)
        if name not in CASES:
            raise ValueError(f"no kernel {name or each!r}; there are: {', '.join(CASES)}")
        found[name] = CASES[name]
    if not found:
        raise ValueError(f"no kernel given; there are: {', '.join(CASES)}")
    return list(found.values())


def callable_case(
    function: Callable[..., object],
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
) -> Case:
    """A case for a callable on fixed arguments; a kernel gets its native ways.

    Raises:
        ValueError: `kwargs` has a kernel's `threads` or `gil`, which the ways differ in.
    """
    kernel = _kernel_name(function)
    for keyword in ("threads", "gil"):
        if kernel and kwargs and keyword in kwargs:
            raise ValueError(
                f"{keyword} cannot be given in kwargs with the kernel {kernel}: it is what the "
                "comparison varies (compare's own threads= says which numbers)"
            )
    ways: Sequence[Way] = NATIVE_WAYS if kernel else (Way.CALLABLE,)
    shown = name or kernel or str(getattr(function, "__qualname__", type(function).__name__))
    bound = partial(function, **kwargs) if kwargs else function
    return Case(
        name=shown,
        title=f"{shown} on the given arguments",
        unit="call",
        functions=dict.fromkeys(ways, bound),
        inputs=lambda _units, _n: [args],
        fixed=True,
    )


def checked_threads(threads: SupportsIndex | Iterable[SupportsIndex] | None) -> tuple[int, ...]:
    """Numbers of threads, ascending, each once, with 1 among them (speedups refer to it).

    Raises:
        TypeError: Not an int or several.
        ValueError: Not from 1 to 1024, or none.
    """
    if threads is None:
        return default_threads(_core.cpu_budget()[2])
    given: list[object] = [threads]
    if isinstance(threads, Iterable) and not isinstance(threads, str | bytes):
        # NumPy's 0-d arrays are both: an int, and iterable by name only.
        given = [threads] if _as_int(threads) is not None else list(threads)
    if not given:
        raise ValueError("threads must name at least one number")
    counts = {1}
    for each in given:
        count = _as_int(each)
        if count is None:
            raise TypeError(f"threads must be ints from 1 to {_core.MAX_THREADS}, not {each!r}")
        if not 1 <= count <= _core.MAX_THREADS:
            raise ValueError(f"threads must be from 1 to {_core.MAX_THREADS}, not {count}")
        counts.add(count)
    return tuple(sorted(counts))


def _cases(
    what: Kernel | Sequence[Kernel] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    name: str | None,
) -> list[Case]:
    given = bool(args or kwargs)
    if callable(what):
        if given or name or not _kernel_name(what):
            return [callable_case(what, args, kwargs, name=name)]
        return kernel_cases([what])
    if isinstance(what, str):
        cases = kernel_cases([what])
        return [callable_case(getattr(kernels, what), args, kwargs)] if given else cases
    if given:
        raise ValueError("arguments need one kernel or one callable to go to")
    if what is None:
        return kernel_cases(SHOWN)
    if not isinstance(what, Sequence) or not all(
        isinstance(each, str) or callable(each) for each in what
    ):
        raise TypeError(f"what must be a kernel, kernels or a callable, not {what!r}")
    return kernel_cases(what)


def _kernel_name(function: Callable[..., object]) -> str:
    """The name of this kernel function; an empty string if it is not one."""
    return next((name for name in CASES if getattr(kernels, name) is function), "")


def _as_int(value: object) -> int | None:
    """`value` as an int if it is one, of NumPy's or another kind; a bool is none."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _checked_int(name: str, value: SupportsIndex | None) -> int | None:
    if value is None:
        return None
    number = _as_int(value)
    if number is None:
        raise TypeError(f"{name} must be an int of at least 1, not {value!r}")
    if number < 1:
        raise ValueError(f"{name} must be at least 1, not {number}")
    return number


def _checked_size(given: SupportsIndex | None, cases: Sequence[Case], threads: int) -> int | None:
    """The size, if every thread can have its own input or result of that size in memory."""
    size = _checked_int("size", given)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for case in cases:
        needed = (size or 0) * case.bytes_per_unit * threads
        if needed > memory // 2:
            raise ValueError(
                f"size {size} of {case.name} on {threads} threads needs {needed / 2**30:,.0f} GiB, "
                f"and this machine has {memory / 2**30:,.0f}"
            )
    return size


def _checked_budget(budget: float) -> float:
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise TypeError(f"budget must be a number of seconds, not {budget!r}")
    if not (budget > 0 and math.isfinite(budget)):
        raise ValueError(f"budget must be a positive number of seconds, not {budget}")
    return float(budget)
