# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A place in the source."""

from __future__ import annotations

import linecache
from typing import NamedTuple

__all__ = ["Site"]


class Site(NamedTuple):
    """A place in the source: a file, a line in it, and the function that the line belongs to."""

    filename: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}, in {self.function}"

    def source(self) -> str:
        """The text of the line, stripped; empty if the file cannot be read."""
        try:
            return linecache.getline(self.filename, self.line).strip()
        except Exception:  # a report is made in bad moments; the line is only a courtesy
            return ""
