# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The exception of closed queues: `queue.ShutDown`, which Python has since 3.13."""

from __future__ import annotations

import queue

__all__ = ["ShutDown"]

if hasattr(queue, "ShutDown"):
    ShutDown: type[Exception] = queue.ShutDown
else:

    class ShutDown(Exception):  # type: ignore[no-redef]  # noqa: N818 - the name that it has later
        """The queue is closed: nothing can be put, or nothing more will come."""
