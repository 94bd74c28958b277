# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The ways of doing one kernel's work that a comparison sets side by side."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["COLORS", "NATIVE_WAYS", "Way"]


class Way(StrEnum):
    """One way to do the work. The value is the name in rows and in JSON."""

    PYTHON = "python"  # the pure-Python twin, called by T Python threads
    NUMPY = "numpy"  # what a NumPy user would write, called by T Python threads
    HELD = "held"  # the native kernel with gil="hold", called by T Python threads
    RELEASED = "released"  # the same with gil="release" and threads=1
    POOL = "pool"  # one Python thread calls the native kernel with threads=T
    CALLABLE = "callable"  # a callable of the user's, called by T Python threads

    @property
    def label(self) -> str:
        """The words for it in tables and plots."""
        return _LABELS[self]

    @property
    def callers(self) -> str:
        """Who calls: `"threads"` (T Python threads) or `"one"` (one thread, the pool does T)."""
        return "one" if self is Way.POOL else "threads"


_LABELS = {
    Way.PYTHON: "pure Python",
    Way.NUMPY: "NumPy",
    Way.HELD: "native, GIL held",
    Way.RELEASED: "native, GIL released",
    Way.POOL: "native, own pool",
    Way.CALLABLE: "your callable",
}

# Told apart by people who see colours differently (Okabe and Ito's palette), on white and on black.
COLORS = {
    Way.PYTHON: "#0072b2",
    Way.NUMPY: "#56b4e9",
    Way.HELD: "#d55e00",
    Way.RELEASED: "#009e73",
    Way.POOL: "#cc79a7",
    Way.CALLABLE: "#009e73",
}

NATIVE_WAYS = (Way.HELD, Way.RELEASED, Way.POOL)
