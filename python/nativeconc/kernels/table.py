# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The list of kernels."""

from __future__ import annotations

from typing import NamedTuple

from nativeconc import _core


class Kernel(NamedTuple):
    """One line of :func:`table`.

    Attributes:
        name: The function in :mod:`nativeconc.kernels`.
        dtypes: What its array may hold; empty for a kernel that takes none.
        devices: Where it runs: "cpu", "cuda".
        incumbent: What people use today.
    """

    name: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    incumbent: str


def table() -> list[Kernel]:
    """List the kernels there are, by name."""
    return [Kernel(*row) for row in _core.kernel_table()]
