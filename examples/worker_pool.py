# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A pool of workers over a shared.Queue, one of whom is killed each second: all work gets done.

    python examples/worker_pool.py

A worker that dies takes with it at most the task that it had in its hands. Its queues are as whole
as before, and nobody hangs. So the pool starts another worker, and puts again what has no answer
when the queue has run empty.
"""

from __future__ import annotations

import multiprocessing
import queue
import random
import time

from nativeconc import shared

WORKERS = 3
TASKS = 400
SECONDS_A_TASK = 0.03


def work(tasks: shared.Queue, answers: shared.Queue) -> None:
    """What each worker does, until the queue of tasks is closed."""
    try:
        while True:
            number = tasks.get()
            time.sleep(SECONDS_A_TASK)  # some hard thinking
            answers.put((number, number * number))
    except shared.ShutDown:
        return


def main() -> None:
    """Run the pool."""
    context = multiprocessing.get_context("spawn")
    tasks, answers = shared.Queue(), shared.Queue()

    def start_worker() -> multiprocessing.context.SpawnProcess:
        worker = context.Process(target=work, args=(tasks, answers))
        worker.start()
        return worker

    workers = [start_worker() for _ in range(WORKERS)]
    tasks.put_many(range(TASKS))
    results = dict([answers.get()])  # they are there, and at work
    killed = again = 0
    next_kill = time.monotonic() + 1
    while len(results) < TASKS:
        try:
            results.update(answers.get_many(TASKS, timeout=0.2))
        except queue.Empty:
            if tasks.empty():  # what is missing now was in the hands of the dead
                missing = [number for number in range(TASKS) if number not in results]
                tasks.put_many(missing)
                again += len(missing)
        if time.monotonic() >= next_kill:
            victim = workers.pop(random.randrange(WORKERS))
            victim.kill()
            victim.join()
            workers.append(start_worker())
            killed += 1
            next_kill += 1
            print(f"killed a worker; {len(results)} of {TASKS} tasks are done")
    tasks.close()
    for worker in workers:
        worker.join()
    assert results == {number: number * number for number in range(TASKS)}
    print(f"all {TASKS} tasks are done, though {killed} workers were killed ({again} put again)")


if __name__ == "__main__":
    main()
