# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Taking locks in orders, and what is reported of it."""

from __future__ import annotations

import threading


def take(*locks):
    """Take them in this order, all held together; then give them back."""
    if locks:
        with locks[0]:
            take(*locks[1:])


def in_thread(target, *args, name=None):
    """Run it in a thread of its own, to its end."""
    thread = threading.Thread(target=target, args=args, name=name)
    thread.start()
    thread.join()


def held_then_wanted(report):
    """The names of the locks along the circle."""
    return [(edge.held.name, edge.wanted.name) for edge in report.edges]


def only(reports):
    """The one report that there is."""
    assert len(reports) == 1, [report.summary for report in reports]
    return reports[0]
