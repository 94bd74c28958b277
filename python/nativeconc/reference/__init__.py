# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pure-Python twins of what nativeconc does natively.

Plain, readable, standard library only. They are the specification to read, the oracle of the tests
and the "pure Python" column of `nativeconc compare`.
"""

from nativeconc.reference.acquire_all import acquire_all
from nativeconc.reference.add_at import add_at
from nativeconc.reference.argsort import argsort
from nativeconc.reference.attach import attach
from nativeconc.reference.barrier import Barrier
from nativeconc.reference.bincount import bincount
from nativeconc.reference.buffer import Buffer
from nativeconc.reference.condition import Condition
from nativeconc.reference.count_primes import count_primes
from nativeconc.reference.event import Event
from nativeconc.reference.extremes import max, min, nanmax, nanmin  # noqa: A004 - NumPy's names
from nativeconc.reference.groupby import groupby
from nativeconc.reference.histogram import histogram
from nativeconc.reference.isin import isin
from nativeconc.reference.lock import Lock
from nativeconc.reference.mandelbrot import mandelbrot
from nativeconc.reference.mean import mean, nanmean, nanstd, nanvar, std, var
from nativeconc.reference.median import median
from nativeconc.reference.monte_carlo_pi import monte_carlo_pi
from nativeconc.reference.partition import partition
from nativeconc.reference.quantile import quantile
from nativeconc.reference.queue import Queue
from nativeconc.reference.rlock import RLock
from nativeconc.reference.rwlock import RWLock
from nativeconc.reference.searchsorted import searchsorted
from nativeconc.reference.semaphore import BoundedSemaphore, Semaphore
from nativeconc.reference.sort import sort
from nativeconc.reference.sum import nansum, sum  # noqa: A004 - NumPy's name
from nativeconc.reference.unique import unique

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Buffer",
    "Condition",
    "Event",
    "Lock",
    "Queue",
    "RLock",
    "RWLock",
    "Semaphore",
    "acquire_all",
    "add_at",
    "argsort",
    "attach",
    "bincount",
    "count_primes",
    "groupby",
    "histogram",
    "isin",
    "mandelbrot",
    "max",
    "mean",
    "median",
    "min",
    "monte_carlo_pi",
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
