# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A message loop that stays responsive: long work goes to a background thread.

Think of the loop of a window, a game or a server. A message comes every few milliseconds and should
be handled at once. Run it with ``python examples/responsive_loop.py``.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import nativeconc as nc

UP_TO = 1_000_000_000


def long_work() -> int:
    """Count primes for a while. The kernel lets go of the GIL, so other threads can run."""
    return nc.kernels.count_primes(UP_TO, threads=1, gil="release")


def send_messages(messages: queue.Queue[str], stop: threading.Event) -> None:
    """Stand for the outside world: a message every millisecond."""
    while not stop.is_set():
        messages.put("tick")
        time.sleep(0.001)


def handle_waiting(messages: queue.Queue[str]) -> int:
    """Handle what lies in the queue and return how many messages that was."""
    handled = 0
    while True:
        try:
            messages.get_nowait()
        except queue.Empty:
            return handled
        handled += 1


def foreground() -> Future[int]:
    """The wrong way: do the work here. The loop gets its task back when all is over."""
    task: Future[int] = Future()
    task.set_result(long_work())
    return task


def background() -> Future[int]:
    """The right way: let a thread do the work, and come back at once."""
    executor = ThreadPoolExecutor(1)
    task = executor.submit(long_work)
    executor.shutdown(wait=False)  # it ends when the task has ended
    return task


def message_loop(start_work: Callable[[], Future[int]]) -> tuple[int, int]:
    """Start the work, then handle messages until it is done. Returns its result and how many."""
    messages: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    world = threading.Thread(target=send_messages, args=(messages, stop))
    world.start()
    while messages.empty():
        time.sleep(0.001)
    handled = 0
    task = start_work()
    while not task.done():
        handled += handle_waiting(messages)
        time.sleep(0.001)
    stop.set()
    world.join()
    return task.result(), handled


def main() -> None:
    """Show both ways."""
    for way in (foreground, background):
        result, handled = message_loop(way)
        print(f"{way.__name__}: handled {handled} messages while it worked", end="; ")
        print(f"result: {result} primes")


if __name__ == "__main__":
    main()
