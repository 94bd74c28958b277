# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The dining philosophers: how a deadlock comes about, and three ways to have none.

Five philosophers sit around a table, a fork between each two. To eat, a philosopher needs the fork
to the left and the one to the right. Run it with ``python examples/dining_philosophers.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import nativeconc as nc

NAMES = ("Plato", "Kant", "Hume", "Marx", "Sartre")
MEALS = 3
# A barrier lets its threads go on when all of them have come.
everybody_has_a_fork = nc.Barrier(len(NAMES))


class Seat:
    """One philosopher: a name, two forks, and how many meals there were."""

    def __init__(self, name: str, left: nc.RLock, right: nc.RLock) -> None:
        self.name = name
        self.left = left
        self.right = right
        self.meals = 0

    def eat(self) -> None:
        """Have a meal. Whoever comes here must hold both forks."""
        self.meals += 1
        time.sleep(0.001)


def left_first(seat: Seat) -> None:
    """Everybody takes the left fork first. If all do so at once, nobody gets a right one."""
    with seat.left:
        everybody_has_a_fork.wait()  # once in a thousand dinners it would happen without this
        with seat.right:
            seat.eat()


def in_order(seat: Seat) -> None:
    """Number the forks, and take the lower number first: the last philosopher begins at the right.

    A circle of waiting would need somebody who holds a higher number and wants a lower one.
    """
    first, second = sorted((seat.left, seat.right), key=lambda fork: str(fork.name))
    with first, second:
        seat.eat()


def both_or_none(seat: Seat) -> None:
    """Take both forks together: nobody ever sits there with one fork, waiting."""
    with nc.acquire_all(seat.left, seat.right):
        seat.eat()


def put_back(seat: Seat) -> None:
    """Take one, try the other, and if it is not free, put the first one back and begin again."""
    while True:
        with seat.left:
            if seat.right.acquire(blocking=False):
                try:
                    return seat.eat()
                finally:
                    seat.right.release()
        time.sleep(0.001)  # with no fork in hand: now it is the neighbour's turn


def dinner(take_forks: Callable[[Seat], None], meals: int) -> list[Seat]:
    """Let all of them eat at the same time."""
    forks = [nc.RLock(name=f"fork {i}") for i in range(len(NAMES))]
    seats = [Seat(name, forks[i], forks[(i + 1) % len(forks)]) for i, name in enumerate(NAMES)]
    start = nc.Barrier(len(seats))

    def philosopher(seat: Seat) -> None:
        start.wait()
        try:
            for _ in range(meals):
                take_forks(seat)
        except nc.DeadlockError as error:
            # On the way here this philosopher put the fork down, so the others can go on.
            print(error)
            print()

    threads = [nc.Thread(target=philosopher, args=(seat,), name=seat.name) for seat in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.result()
    return seats


def main() -> None:
    """Four dinners."""
    # With this, a report also shows where each fork was taken.
    nc.deadlock.enable(stacks=True)

    seats = dinner(left_first, meals=1)
    print("left first:", ", ".join(f"{seat.name} {seat.meals}" for seat in seats))

    for take_forks in (in_order, both_or_none, put_back):
        seats = dinner(take_forks, MEALS)
        told = take_forks.__name__.replace("_", " ")
        print(f"{told}:", ", ".join(f"{seat.name} {seat.meals}" for seat in seats))


if __name__ == "__main__":
    main()
