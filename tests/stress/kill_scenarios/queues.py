# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A queue whose producers and consumers are killed: nothing is torn, doubled, or lost by others."""

from __future__ import annotations

import queue
import random
import zlib
from typing import Any

import numpy as np

from nativeconc import shared
from stress.kill_harness import Board, Scenario, Table, Worker

CAPACITY = 1 << 18
MOST = 4096  # messages that one worker puts
BATCH = 5
Message = tuple[int, int, int, Any]  # who put it, which of its messages it is, a checksum, payload


def checksum(number: int, which: int, payload: Any) -> int:
    return zlib.crc32(memoryview(payload).cast("B"), zlib.crc32(f"{number} {which}".encode()))


def make_message(rng: random.Random, number: int, which: int, *, is_plain: bool = False) -> Message:
    """Bytes in the ring, an array beside it, or one that is in shared memory already."""
    kind = 0 if is_plain else rng.random()
    if kind < 0.8:
        payload: Any = rng.randbytes(rng.choice((0, 1, 100, 1000)))
    elif kind < 0.9:
        payload = np.full(rng.choice((10, 3000, 40_000)), which, dtype=np.int32)
    else:
        payload = shared.full(rng.choice((10, 3000)), which)
    return number, which, checksum(number, which, payload), payload


class Queues(Scenario):
    """shared.Queue. Workers of even seats put messages, those of odd seats take them.

    Producers write down what they are about to put, and what they have put. Consumers write down
    how much they may have in hand, and mark what they took; whatever nobody marked was in the hands
    of consumers that were killed, or has not been put by a producer that was.
    """

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.queue = self.make_queue()
        self.rows = Table(board.rows, "begun", "put", "in hand", "taken")
        self.taken_by = shared.zeros((board.rows, MOST), dtype=np.int32)  # number + 1
        self.room = self.fill()

    def make_queue(self) -> Any:
        return shared.Queue(CAPACITY)

    def fill(self) -> int:
        """How many small messages it takes; it must be empty."""
        room = 0
        try:
            while True:
                self.queue.put_nowait(b"")
                room += 1
        except queue.Full:
            pass
        for _ in range(room):
            assert self.queue.get_nowait() == b""
        return room

    def favourite(self) -> int:
        in_hand = self.rows["in hand"]
        return next((number for number in self.board.living() if in_hand[number]), 0)

    def step(self, me: Worker) -> None:
        if me.seat % 2:
            self.consume(me)
        else:
            self.produce(me)

    def produce(self, me: Worker) -> None:
        rows, number, rng = self.rows, me.number, me.rng
        which = rows["put"][number]
        many = rng.choice((1, 1, 1, BATCH))
        if which + many > MOST:
            self.put_nothing()
            return
        messages = [make_message(rng, number, which + i) for i in range(many)]
        rows["begun"][number] = which + many
        try:
            if many > 1:
                self.queue.put_many(messages)
            else:
                self.queue.put(messages[0], *rng.choice(((), (True, 1e-4), (False,))))
        except queue.Full:
            return
        rows["put"][number] = which + many

    def put_nothing(self) -> None:
        try:
            self.queue.put_nowait(None)
        except queue.Full:
            return

    def consume(self, me: Worker) -> None:
        rng, many = me.rng, me.rng.choice((1, 1, BATCH))
        self.rows["in hand"][me.number] = many
        try:
            if many > 1:
                messages = self.queue.get_many(many, *rng.choice(((), (True, 1e-3), (False,))))
                assert 1 <= len(messages) <= many
            else:
                messages = [self.queue.get(*rng.choice(((), (True, 1e-3), (False,))))]
        except queue.Empty:
            messages = []
        for message in messages:
            self.mark(message, me.number)
        self.rows["in hand"][me.number] = 0

    def mark(self, message: Message | None, by: int) -> None:
        if message is None:
            return
        number, which, expected, payload = message
        assert checksum(number, which, payload) == expected, "a message is torn"
        assert self.taken_by[number, which] == 0, "a message is doubled"
        self.taken_by[number, which] = by + 1
        self.rows["taken"][by] += 1

    def let_go(self) -> None:
        for _ in range(2):
            self.put_nothing()
        if self.queue.qsize() > 10:
            self.drain(5)

    def drain(self, most: int) -> None:
        try:
            for _ in range(most):
                self.mark(self.queue.get_nowait(), 0)
        except queue.Empty:
            pass

    def check(self) -> None:
        self.drain(1 << 30)
        rows, doomed = self.rows, self.board.workers["doomed"]
        lost = 0
        for number in range(self.board.rows):
            put, begun = rows["put"][number], rows["begun"][number]
            assert put <= begun <= put + BATCH
            lost += int((self.taken_by[number, :put] == 0).sum())
            assert not self.taken_by[number, begun:].any()
        hands = sum(rows["in hand"][number] for number in range(self.board.rows) if doomed[number])
        assert lost <= hands, (lost, hands)
        assert sum(rows["taken"]) <= int((self.taken_by != 0).sum()), "a message is doubled"
        assert sum(rows["put"]) > 0
        assert self.queue.empty()
        assert self.queue.qsize() == 0
        assert self.fill() == self.room
