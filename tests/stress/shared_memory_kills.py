# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A random schedule of processes that share memory and are killed. A script: SEED STEPS PREFIX.

The coordinator tells its workers, one step at a time, what to create, hand on, attach to and drop,
and kills them: between two steps, stopped, or in the middle of one.

Whether an array must arrive is known: always at the coordinator, whose children the workers are;
elsewhere if its sender lives.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nativeconc import shared
from python.shared.processes import descriptors, files_with, mappings, shmem, wait_until
from stress.shared_memory_worker import LENGTHS, Holder, work

WORKERS = ("fork", "spawn", "fork", "fork")
MAX_PENDING = 100
SHMEM_SLACK = 32 << 20


@dataclass(eq=False)
class Peer:
    """A worker, as the coordinator knows it."""

    process: Any
    conn: Connection
    arrays: dict[int, int]  # key -> tag
    alive: bool = True

    def ask(self, *request: Any) -> Any:
        self.conn.send(request)
        return self.conn.recv()


@dataclass(eq=False)
class Handle:
    """A pickled array that has not arrived yet."""

    data: bytes
    tag: int
    sender: Peer | None


@dataclass(eq=False)
class Coordinator:
    seed: int
    prefix: str
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.mine = Holder()
        self.keys = 0
        self.names: dict[str, int] = {}
        self.held_names: dict[int, str] = {}  # of a key
        self.pending: list[Handle] = []
        self.lost: list[Handle] = []  # on its way to a process that was killed
        self.error_reader, self.error_writer = multiprocessing.Pipe(duplex=False)
        self.peers = [self.start(method) for method in WORKERS]

    def start(self, method: str) -> Peer:
        ctx = multiprocessing.get_context(method)
        conn, theirs = ctx.Pipe()
        inherited = self.mine if method == "fork" else None
        process = ctx.Process(target=work, args=(theirs, self.error_writer, inherited), daemon=True)
        process.start()
        theirs.close()
        arrays = {k: tag for k, (_, tag) in self.mine.arrays.items()} if inherited else {}
        return Peer(process, conn, arrays)

    def new_key(self) -> int:
        self.keys += 1
        return self.keys

    def check_errors(self) -> None:
        if self.error_reader.poll():
            raise AssertionError(self.error_reader.recv())

    # --- the steps ------------------------------------------------------------------------------

    def new_request(self) -> tuple[int, int, int, str | None]:
        key, tag = self.new_key(), self.rng.randrange(1, 1 << 60)
        name = f"{self.prefix}-{key}" if self.rng.random() < 0.15 else None
        if name is not None:
            self.names[name] = tag
            self.held_names[key] = name
        return key, tag, self.rng.choice(LENGTHS), name

    def create(self) -> None:
        request = self.new_request()
        if self.rng.random() < 0.2:
            self.mine.create(*request)
        else:
            peer = self.rng.choice(self.peers)
            peer.ask("create", *request)
            peer.arrays[request[0]] = request[1]

    def send(self) -> None:
        handle = self.make_handle()
        if handle is None:
            return
        fate = self.rng.random()
        if fate < 0.1 and handle.sender is not None:
            self.kill(handle.sender)
        elif fate < 0.3 and len(self.pending) < MAX_PENDING:
            self.pending.append(handle)
            return
        self.deliver(handle)

    def make_handle(self) -> Handle | None:
        if self.rng.random() < 0.2:
            if not self.mine.arrays:
                return None
            key = self.rng.choice(list(self.mine.arrays))
            data, tag = self.mine.send(key), self.mine.arrays[key][1]
            if self.rng.random() < 0.3:
                self.mine.drop(key)
            return Handle(data, tag, None)
        peer = self.rng.choice(self.peers)
        if not peer.arrays:
            return None
        key = self.rng.choice(list(peer.arrays))
        handle = Handle(peer.ask("send", key), peer.arrays[key], peer)
        if self.rng.random() < 0.3:
            peer.ask("drop", key)
            del peer.arrays[key]
        return handle

    def deliver(self, handle: Handle) -> None:
        key = self.new_key()
        if self.rng.random() < 0.4:
            assert self.mine.receive(key, handle.tag, handle.data), "a child's handle is gone"
            return
        peer = self.rng.choice(self.peers)
        if peer.ask("receive", key, handle.tag, handle.data):
            peer.arrays[key] = handle.tag
        elif handle.sender is None or handle.sender.alive:
            raise AssertionError("a handle of a living process is gone")
        else:
            self.lost.append(handle)
            self.done["gone with its sender"] += 1

    def deliver_pending(self) -> None:
        if self.pending:
            self.deliver(self.pending.pop(self.rng.randrange(len(self.pending))))

    def attach(self) -> None:
        if not self.names:
            return
        name = self.rng.choice(list(self.names))
        tag, key = self.names[name], self.new_key()
        held = [arrays for arrays in self.all_tags() if tag in arrays]
        mode = self.rng.choice(("r", "r+"))
        if self.rng.random() < 0.3:
            found = self.mine.attach(key, tag, name, mode)
        else:
            peer = self.rng.choice(self.peers)
            found = peer.ask("attach", key, tag, name, mode)
            if found:
                peer.arrays[key] = tag
        assert found or not held, f"{name} is gone, though somebody holds it"
        if not found:
            del self.names[name]

    def all_tags(self) -> list[set[int]]:
        mine = {tag for _, tag in self.mine.arrays.values()}
        return [mine, *(set(peer.arrays.values()) for peer in self.peers)]

    def drop(self) -> None:
        if self.rng.random() < 0.3:
            if self.mine.arrays:
                self.mine.drop(self.rng.choice(list(self.mine.arrays)))
            return
        peer = self.rng.choice(self.peers)
        if peer.arrays:
            key = self.rng.choice(list(peer.arrays))
            peer.ask("drop", key)
            del peer.arrays[key]

    def drop_most(self) -> None:
        """So that not too much is alive."""
        everything = [self.mine, *self.peers]
        for holder in everything:
            while len(holder.arrays) > 60:
                key = self.rng.choice(list(holder.arrays))
                if isinstance(holder, Peer):
                    holder.ask("drop", key)
                    del holder.arrays[key]
                else:
                    self.mine.drop(key)

    def check(self) -> None:
        self.mine.check_all()
        self.rng.choice(self.peers).ask("check_all")

    def fork(self) -> None:
        self.rng.choice(self.peers).ask("fork", self.rng.randrange(1 << 30))

    def churn(self) -> None:
        self.rng.choice(self.peers).ask("churn", self.rng.randrange(1 << 30))

    def sweep(self) -> None:
        held = set().union(*self.all_tags())
        for name in shared.sweep():
            assert self.names.pop(name, None) not in held, (
                f"{name} was swept, and somebody holds it"
            )

    # --- kills ----------------------------------------------------------------------------------

    def kill(self, peer: Peer, *, stop: bool = False) -> None:
        if stop:
            os.kill(peer.process.pid, signal.SIGSTOP)
            time.sleep(self.rng.random() * 0.002)
        peer.process.kill()
        peer.process.join()
        assert peer.process.exitcode == -signal.SIGKILL
        peer.process.close()
        peer.conn.close()
        peer.alive = False
        self.done["killed"] += 1
        self.check_errors()
        method = "spawn" if self.rng.random() < 0.08 else "fork"
        self.peers[self.peers.index(peer)] = self.start(method)

    def kill_idle(self) -> None:
        self.kill(self.rng.choice(self.peers), stop=self.rng.random() < 0.3)

    def kill_busy(self) -> None:
        """At any instant of something that the worker does."""
        peer = self.rng.choice(self.peers)
        what = self.rng.randrange(6)
        handle = None
        if what == 0 and self.mine.arrays:
            key = self.rng.choice(list(self.mine.arrays))
            handle = Handle(self.mine.send(key), self.mine.arrays[key][1], None)
            peer.conn.send(("receive", self.new_key(), handle.tag, handle.data))
            self.lost.append(handle)
        elif what == 1 and peer.arrays:
            peer.conn.send(("send", self.rng.choice(list(peer.arrays))))
        elif what == 2:
            peer.conn.send(("create", *self.new_request()))
        elif what == 3:
            peer.conn.send(("fork", self.rng.randrange(1 << 30)))
        else:
            peer.conn.send(("churn", self.rng.randrange(1 << 30)))
        delay = self.rng.choice((0, 1e-4, 1e-3, 5e-3)) * self.rng.random()
        if delay:
            time.sleep(delay)
        self.done["killed while busy"] += 1
        self.kill(peer, stop=self.rng.random() < 0.3)

    def step(self) -> None:
        steps = (
            (20, self.create),
            (28, self.send),
            (6, self.deliver_pending),
            (6, self.attach),
            (22, self.drop),
            (5, self.check),
            (3, self.fork),
            (2, self.churn),
            (1, self.sweep),
            (1, self.kill_idle),
            (2, self.kill_busy),
        )
        weights, methods = zip(*steps, strict=True)
        method = self.rng.choices(methods, weights)[0]
        method()
        self.done[method.__name__] += 1

    # --- the end --------------------------------------------------------------------------------

    def end(self) -> None:
        for handle in self.pending:
            assert self.mine.receive(self.new_key(), handle.tag, handle.data)
        for number, peer in enumerate(self.peers):
            peer.ask("check_all")
            if number % 2:
                peer.conn.send(("exit",))
            else:
                peer.process.kill()
            peer.process.join()
            assert peer.process.exitcode == (0 if number % 2 else -signal.SIGKILL)
            peer.process.close()
            peer.conn.close()
        self.mine.check_all()
        # All that have the other end are gone, the workers' children, too.
        self.error_writer.close()
        try:
            raise AssertionError(self.error_reader.recv())
        except EOFError:
            pass
        self.error_reader.close()
        for handle in self.lost:  # so that it has arrived
            try:
                pickle.loads(handle.data)
            except FileNotFoundError:
                continue
        self.mine.arrays.clear()
        self.pending.clear()


def run(seed: int, steps: int, prefix: str) -> Counter[str]:
    coordinator = Coordinator(seed, prefix)
    for number in range(steps):
        try:
            coordinator.step()
            coordinator.check_errors()
            if number % 50 == 0:
                coordinator.drop_most()
        except BaseException:
            print(f"seed {seed}, step {number}", file=sys.stderr)
            raise
    coordinator.end()
    return coordinator.done


def picture() -> tuple[list[str], list[str], list[str]]:
    """What this process has; the pipes of all runs look alike."""
    gc.collect()
    shared.sweep()
    kinds = [what.partition(":[")[0] for what in descriptors()]
    return (
        sorted(kinds),
        mappings(),
        sorted(path.name for path in Path("/proc/self/task").iterdir()),
    )


def main() -> None:
    seed, steps, prefix = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    # Starts what multiprocessing itself needs, and opens what is open from the first pickle on.
    run(seed, 0, prefix)
    pickle.loads(pickle.dumps(shared.Buffer(1)))
    before, shmem_before = picture(), shmem()
    done = run(seed, steps, prefix)
    after = picture()
    # What was on its way when one of the two was killed is kept for whoever may have it.
    flying = shared.in_flight()
    assert flying.descriptors <= done["killed"], (flying, done)
    for _ in range(flying.descriptors):
        after[0].remove(next(kind for kind in after[0] if "nativeconc" in kind or "shm" in kind))
    assert len(after[1]) <= flying.handles, (after, flying)
    after[1].clear()
    assert after == before, (after, before)
    leftover = files_with(prefix)
    assert len(leftover) <= flying.descriptors, leftover
    wait_until(lambda: shmem() <= shmem_before + SHMEM_SLACK)
    print(f"{sum(done.values())} {dict(done)}")


if __name__ == "__main__":
    main()
