# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The list of kernels."""

from __future__ import annotations

from dataclasses import dataclass

from nativeconc import _core


@dataclass(frozen=True)
class Kernel:
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
