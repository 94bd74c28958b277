# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""No order of create, view, close, drop, pickle, attach, fork and exit loses or breaks anything."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from python.shared.any_order import SIZES, World
from python.shared.processes import (
    TESTS,
    come_to_rest,
    descriptors,
    files_with,
    mappings,
    new_name,
)

SOME = st.integers(0, 999)
BYTE = st.integers(0, 255)


class AnyOrder(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        come_to_rest()
        self.before = descriptors(), mappings()
        self.world = World()

    @rule(size=st.sampled_from(SIZES), kind=st.integers(0, 11), fill=BYTE)
    def create(self, size, kind, fill):
        self.world.create(size, kind, fill)

    @rule(which=SOME, kind=st.integers(0, 5))
    def view(self, which, kind):
        self.world.view(which, kind)

    @rule(which=SOME, start=SOME, stop=st.integers(0, 1 << 20), step=st.sampled_from((1, 2, 3, -1)))
    def slice(self, which, start, stop, step):
        self.world.slice(which, start, stop, step)

    @rule(which=SOME, at=st.integers(0, 1 << 20), value=BYTE)
    def write(self, which, at, value):
        self.world.write(which, at, value)

    @rule(which=SOME)
    def close(self, which):
        self.world.close(which)

    @rule(which=SOME)
    def drop(self, which):
        self.world.drop(which)

    @rule(which=SOME)
    def drop_in_a_cycle(self, which):
        self.world.drop_in_a_cycle(which)

    @rule()
    def collect(self):
        self.world.collect()

    @rule(which=SOME, kind=st.integers(0, 4))
    def copy(self, which, kind):
        self.world.copy(which, kind)

    @rule(which=SOME)
    def pickle(self, which):
        self.world.pickle(which)

    @rule(which=SOME)
    def load(self, which):
        self.world.load(which)

    @rule(which=SOME, mode=st.integers(0, 1))
    def attach(self, which, mode):
        self.world.attach(which, mode)

    @rule(which=SOME)
    def take_name_again(self, which):
        self.world.take_name_again(which)

    @rule(value=BYTE)
    def fork(self, value):
        self.world.fork(value)

    @rule()
    def sweep(self):
        self.world.sweep()

    @rule()
    def segments(self):
        self.world.segments()

    @invariant()
    def everything_shows_what_it_should(self):
        self.world.check()

    def teardown(self):
        self.world.end()
        come_to_rest()
        assert (descriptors(), mappings()) == self.before


AnyOrder.TestCase.settings = settings(
    max_examples=15 * int(os.environ.get("NATIVECONC_STRESS", "1")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestAnyOrder = pytest.mark.watchdog(900)(AnyOrder.TestCase)


@pytest.mark.watchdog(900)
@pytest.mark.parametrize("seed", range(4))
def test_an_interpreter_that_ends_with_many_objects_alive_ends_well(run_script, seed):
    prefix = new_name("end")
    run_script(
        """
        import random, sys, threading, time
        import nativeconc, numpy as np
        from nativeconc import shared
        from python.shared.any_order import World

        seed, prefix = int(sys.argv[1]), sys.argv[2]
        rng = random.Random(seed)
        world = World(prefix)
        for _ in range(400):
            world.random_step(rng)
            world.check()
        while world.pickles:  # what is on its way to the parent would outlive us
            world.load(0)
        kept = [world.owners, world.views]
        kept.append(kept)  # and in a cycle

        def read_on():  # daemon threads read while the interpreter ends
            while True:
                for seen in world.owners:
                    bytes(seen.shown)

        for _ in range(seed % 3):
            threading.Thread(target=read_on, daemon=True).start()
        if seed % 2:
            shared.kept = kept
            np.kept = [seen.shown for seen in world.owners]
        print(len(world.owners) > 0)
        """,
        str(seed),
        prefix,
        timeout=800,
        env={"PYTHONPATH": str(TESTS)},
        options=("-W", "error", "-W", "ignore:This process:DeprecationWarning"),
    ).check("True\n")
    assert files_with(prefix) == []
