# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nc.compare`: what releasing the GIL buys on this machine, measured.

`cases` says what is compared for every kernel; `plan` sizes the work, `measure` runs it with
`runner` and `bystander`; `row`, `comparison` and `verdict` are the result, `render_*` show it.
"""

from __future__ import annotations

from nativeconc.comparison.comparison import Comparison, Parameters
from nativeconc.comparison.entry import compare
from nativeconc.comparison.row import Row
from nativeconc.comparison.ways import Way

__all__ = ["Comparison", "Parameters", "Row", "Way", "compare"]
