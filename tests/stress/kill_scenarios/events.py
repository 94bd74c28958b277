# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""An event whose setters and waiters are killed."""

from __future__ import annotations

import time

from nativeconc import shared
from stress.kill_harness import Board, Scenario, Table, Worker


class Events(Scenario):
    """shared.Event: one worker sets it for a moment, again and again, and nobody misses that.

    A waiter that begins after the flag was cleared, and goes on, must see that it was set since.
    """

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.event = shared.Event()
        self.counts = Table(1, "to be set", "set", "cleared")

    def step(self, me: Worker) -> None:
        if me.seat == 0:
            self.set_and_clear(me)
        else:
            self.wait(me)

    def set_and_clear(self, me: Worker) -> None:
        counts = self.counts
        counts["to be set"][0] += 1
        self.event.set()
        counts["set"][0] = counts["to be set"][0]
        if me.rng.random() < 0.3:
            time.sleep(me.rng.random() * 1e-3)
        self.event.clear()
        counts["cleared"][0] = counts["set"][0]
        if me.rng.random() < 0.3:
            time.sleep(me.rng.random() * 1e-3)

    def wait(self, me: Worker) -> None:
        counts, timeout = self.counts, me.rng.choice((None, None, 1e-4, 100))
        to_be_set, cleared = counts["to be set"][0], counts["cleared"][0]
        was_clear = not self.event.is_set() and to_be_set == cleared
        if not self.event.wait(timeout):
            assert timeout == 1e-4
        elif was_clear and not self.board.stopped:
            assert counts["to be set"][0] > cleared, "nobody has set it"

    def let_go(self) -> None:
        self.event.set()

    def check(self) -> None:
        event = self.event
        for _ in range(2):
            event.set()
            assert event.is_set()
            assert event.wait(0)
            event.clear()
            assert not event.is_set()
            assert not event.wait(1e-3)
        assert event.stats().waiters == 0
        assert self.counts["set"][0] > 0
