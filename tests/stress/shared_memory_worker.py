# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A process that holds shared arrays, checks them, and does with them as it is told.

Every array holds one number, its tag, in all elements. Whoever gets one looks at all of them, then
and later: if memory is given out again while somebody holds it, that shows.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from nativeconc import shared

LENGTHS = (1, 5, 8, 100, 1000, 8000, 8193, 20_000, 40_000)
"""Of arrays of 8 bytes an element: most of them small."""


class Holder:
    """A process's arrays, by key, with their tags."""

    def __init__(self) -> None:
        self.arrays: dict[int, tuple[Any, int]] = {}

    def keep(self, key: int, array: Any, tag: int) -> None:
        self.arrays[key] = (array, tag)
        self.check(key)

    def check(self, key: int) -> None:
        array, tag = self.arrays[key]
        if not (array == tag).all():
            raise AssertionError(f"{key} should hold {tag}, and has {set(array.ravel().tolist())}")

    def check_all(self) -> None:
        for key in list(self.arrays):
            self.check(key)

    # What the coordinator may ask for. Each returns what it is told.

    def create(self, key: int, tag: int, length: int, name: str | None) -> None:
        self.keep(key, shared.full(length, tag, dtype=np.int64, name=name), tag)

    def send(self, key: int) -> bytes:
        return pickle.dumps(self.arrays[key][0])

    def receive(self, key: int, tag: int, handle: bytes) -> bool:
        try:
            array = pickle.loads(handle)
        except FileNotFoundError:
            return False
        self.keep(key, array, tag)
        return True

    def attach(self, key: int, tag: int, name: str, mode: str) -> bool:
        try:
            array = shared.attach(name, mode)
        except FileNotFoundError:
            return False
        # Its creator may not have filled it yet, if it was killed in between.
        if (array == 0).all():
            return False
        self.keep(key, array, tag)
        return True

    def drop(self, key: int) -> None:
        self.check(key)
        del self.arrays[key]

    def churn(self, seed: int) -> None:
        """Much at once, which a kill may meet anywhere."""
        rng = random.Random(seed)
        mine: list[tuple[Any, int]] = []
        for _ in range(60):
            tag = rng.randrange(1, 1 << 60)
            mine.append((shared.full(rng.choice(LENGTHS[:7]), tag, dtype=np.int64), tag))
            if rng.random() < 0.5:
                array, tag = mine.pop(rng.randrange(len(mine)))
                assert (array == tag).all()
            if mine and rng.random() < 0.3:
                array, tag = rng.choice(mine)
                assert (pickle.loads(pickle.dumps(array)) == tag).all()
        for array, tag in mine:
            assert (array == tag).all()
        self.check_all()


class Worker(Holder):
    """What runs in a worker's process."""

    def __init__(self, conn: Connection, errors: Connection) -> None:
        super().__init__()
        self.conn = conn
        self.errors = errors

    def fork(self, seed: int) -> None:
        """A child that holds everything, and may outlive us."""
        if os.fork() != 0:
            return
        rng = random.Random(seed)
        try:
            if rng.random() < 0.3:
                for key in rng.sample(list(self.arrays), len(self.arrays) // 2):
                    self.drop(key)
            time.sleep(rng.random() * 0.02)
            self.check_all()
            if rng.random() < 0.3:
                self.churn(seed)
            if rng.random() < 0.3:
                os.kill(os.getpid(), signal.SIGKILL)
        except BaseException:
            self.errors.send(traceback.format_exc())
        finally:
            os._exit(0)

    def serve(self) -> None:
        while True:
            method, *args = self.conn.recv()
            if method == "exit":
                return
            self.conn.send(getattr(self, method)(*args))


def work(conn: Connection, errors: Connection, inherited: Holder | None) -> None:
    """The target of a worker's process."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what `fork` makes
    worker = Worker(conn, errors)
    try:
        if inherited is not None:
            worker.arrays = inherited.arrays
            worker.check_all()
        worker.serve()
    except EOFError:  # the coordinator is gone
        pass
    except BaseException:
        errors.send(traceback.format_exc())
        raise
