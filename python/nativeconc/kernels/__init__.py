# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Kernels that run without the GIL on all cores or on the GPU.

Every kernel gives the same bits for any number of threads, and takes these keywords:

threads:
    How many threads work on it, the calling one included: 1 to 1024. None (the default) is the
    number of the enclosing :class:`nativeconc.num_threads`, or the cores this process may use. Work
    too small to gain from help runs on the calling thread, whatever the number.
gil:
    "release" lets other Python threads run meanwhile. "hold" keeps the GIL and runs on the calling
    thread alone; with more than one thread it is a ValueError. "auto" (the default) holds it while
    the estimated cost is below about 30 microseconds, because getting it back beside busy Python
    threads can take milliseconds, and otherwise releases it.
device:
    "cpu", "cuda", or None for where the data lies. Kernels without a GPU twin refuse "cuda".

A kernel blocks until it is done. It may be called from many threads at once and in forked children.
On the main thread Ctrl-C (and any other signal handler that raises) stops a long one within 0.2
seconds; on other threads Python delivers no signals, so there it runs to its end. A daemon thread
inside a kernel does not disturb interpreter exit.
"""

from nativeconc.kernels.add_at import add_at
from nativeconc.kernels.argsort import argsort
from nativeconc.kernels.bincount import bincount
from nativeconc.kernels.count_primes import count_primes
from nativeconc.kernels.groupby import groupby
from nativeconc.kernels.histogram import histogram
from nativeconc.kernels.isin import isin
from nativeconc.kernels.mandelbrot import mandelbrot
from nativeconc.kernels.max import max, nanmax  # noqa: A004 - NumPy's name
from nativeconc.kernels.mean import mean, nanmean
from nativeconc.kernels.median import median
from nativeconc.kernels.min import min, nanmin  # noqa: A004 - NumPy's name
from nativeconc.kernels.monte_carlo_pi import monte_carlo_pi
from nativeconc.kernels.partition import partition
from nativeconc.kernels.quantile import quantile
from nativeconc.kernels.searchsorted import searchsorted
from nativeconc.kernels.sort import sort
from nativeconc.kernels.sum import nansum, sum  # noqa: A004 - NumPy's name
from nativeconc.kernels.table import Kernel, table
from nativeconc.kernels.unique import unique
from nativeconc.kernels.var import nanstd, nanvar, std, var

__all__ = [
    "Kernel",
    "add_at",
    "argsort",
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
    "table",
    "unique",
    "var",
]
