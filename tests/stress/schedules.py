# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What stress tests share: the seed of their random schedules, and threads that must not fail."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

SEED = int(os.environ.get("NATIVECONC_SEED", "20240229"))
THREADS = 8


def run_all(n: int, work: Callable[[int], object]) -> None:
    """Calls work(0) to work(n - 1), each in a thread of its own; none of them may raise."""
    failures = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
