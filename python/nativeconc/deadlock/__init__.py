# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Deadlocks that report themselves: settings, snapshots, and the reports.

Live detection is always on. :func:`enable` chooses what a deadlock does (an exception or a
warning), and switches on the detection of lock orders that can deadlock. :func:`find` and
:func:`held` look at this moment. :func:`patch_threading` makes :mod:`threading` hand out our
primitives.

The report that an exception or a warning carries as ``.report`` is plain data of the classes here.
"""

from __future__ import annotations

from nativeconc.deadlock.hold import Hold
from nativeconc.deadlock.label import LockLabel
from nativeconc.deadlock.order_report import OrderEdge, OrderReport
from nativeconc.deadlock.party import Party
from nativeconc.deadlock.patch import patch_threading, unpatch_threading
from nativeconc.deadlock.report import Report
from nativeconc.deadlock.settings import disable, enable
from nativeconc.deadlock.site import Site
from nativeconc.deadlock.snapshot import find, held

__all__ = [
    "Hold",
    "LockLabel",
    "OrderEdge",
    "OrderReport",
    "Party",
    "Report",
    "Site",
    "disable",
    "enable",
    "find",
    "held",
    "patch_threading",
    "unpatch_threading",
]
