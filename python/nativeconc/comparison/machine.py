# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where a comparison ran: enough to read its numbers a year later."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from nativeconc import _core
from nativeconc.config import cpu_model, gil_enabled

__all__ = ["Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, the versions and the time.

    Attributes:
        cpu: The processor's name.
        cpus: How many CPUs this process may use: its affinity and its cgroup's quota count.
        cpus_online: How many the machine has.
        system: Operating system and architecture.
        python: Python's version.
        gil_enabled: Whether this process runs with the GIL.
        switch_interval_s: How long a thread keeps the GIL from another that wants it, in seconds.
        numpy: NumPy's version.
        nativeconc: This library's version.
        date: When the comparison began: UTC, ISO 8601.
    """

    cpu: str
    cpus: int
    cpus_online: int
    system: str
    python: str
    gil_enabled: bool
    switch_interval_s: float
    numpy: str
    nativeconc: str
    date: str

    @classmethod
    def here(cls) -> Machine:
        """This machine, now."""
        return cls(
            cpu=cpu_model(),
            cpus=_core.cpu_budget()[2],
            cpus_online=os.cpu_count() or 1,
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            python=f"{platform.python_implementation()} {platform.python_version()}",
            gil_enabled=gil_enabled(),
            switch_interval_s=sys.getswitchinterval(),
            numpy=np.__version__,
            nativeconc=_core.__version__,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
        )
