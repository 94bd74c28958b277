# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a comparison needs to know of one piece of work: its unit, its input, the ways to do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nativeconc.comparison.ways import Way

__all__ = ["Call", "Case", "Inputs"]

# One call of the work. The argument is the number of native threads; only Way.POOL heeds it.
Call = Callable[[int], object]

# inputs(units, n) -> argument tuples: at most n different ones of `units` units of work each. With
# fewer than n, the runner goes round them. What they need is allocated here, not while measuring.
Inputs = Callable[[int, int], list[tuple[Any, ...]]]

_NATIVE: dict[Way, dict[str, object]] = {
    Way.HELD: {"threads": 1, "gil": "hold"},
    Way.RELEASED: {"threads": 1, "gil": "release"},
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """How one piece of work is compared.

    Attributes:
        name: The kernel's name in `nativeconc.kernels`, or what the user's callable is called.
        title: What one call does; `{units}` stands for its size.
        unit: What is counted, in the singular: "element", "pixel", "call".
        functions: For every way that there is, the function that does the work.
        inputs: Makes the arguments of the calls.
        python_inputs: The same for the pure-Python twin, where it takes lists.
        smallest: The size at which probing starts.
        largest: The size that a call does not exceed unless the user asks for it.
        bytes_per_unit: Memory that a unit of a native call needs, be it input or result.
        fixed: Whether the size cannot be chosen, because the user gave the arguments.
        numpy_way: What Way.NUMPY runs, in short.
        rounded: The nearest size that can really be done (a square image, for example).
    """

    name: str
    title: str
    unit: str
    functions: Mapping[Way, Callable[..., object]]
    inputs: Inputs
    python_inputs: Inputs | None = None
    smallest: int = 1
    largest: int | None = None
    bytes_per_unit: int = 0
    fixed: bool = False
    numpy_way: str = ""
    rounded: Callable[[int], int] = int

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways there are, in the order in which they are shown."""
        return tuple(way for way in Way if way in self.functions)

    def inputs_for(self, way: Way) -> Inputs:
        """What makes the arguments of this way's calls."""
        if way is Way.PYTHON and self.python_inputs is not None:
            return self.python_inputs
        return self.inputs

    def calls(self, way: Way, arguments: list[tuple[Any, ...]]) -> list[Call]:
        """One call of this way's function for each tuple of arguments."""
        function = self.functions[way]
        return [_call(way, function, each) for each in arguments]


def _call(way: Way, function: Callable[..., object], arguments: tuple[Any, ...]) -> Call:
    if way is Way.POOL:
        return lambda threads: function(*arguments, threads=threads, gil="release")
    keywords = _NATIVE.get(way, {})
    return lambda _threads: function(*arguments, **keywords)
