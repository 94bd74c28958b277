# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.monte_carlo_pi against its twin: the same points, so the same number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nativeconc import kernels, reference
from nativeconc.reference.monte_carlo_pi import philox4x32_10


@settings(max_examples=40)
@given(
    n=st.integers(1, 3000),
    seed=st.integers(0, 2**64 - 1),
    threads=st.integers(1, 4),
)
def test_equals_the_twin(n: int, seed: int, threads: int) -> None:
    assert kernels.monte_carlo_pi(n, seed, threads=threads) == reference.monte_carlo_pi(n, seed)


def test_is_the_same_for_any_threads_and_gil() -> None:
    expected = kernels.monte_carlo_pi(1_000_003, 7, gil="hold")
    for threads in (1, 2, 3, 8, 64):
        pi = kernels.monte_carlo_pi(1_000_003, 7, threads=threads, gil="release")
        assert pi == expected
    assert abs(expected - np.pi) < 0.02


def test_the_seed_defaults_to_zero_and_matters() -> None:
    assert kernels.monte_carlo_pi(1000) == kernels.monte_carlo_pi(1000, 0)
    assert len({kernels.monte_carlo_pi(10_000, seed) for seed in range(20)}) > 5


def test_gives_a_float() -> None:
    assert type(kernels.monte_carlo_pi(np.int64(10), np.uint64(2**64 - 1))) is float


def test_the_twin_gives_the_published_words() -> None:
    assert philox4x32_10((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    counter = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    words = philox4x32_10(counter, (0xA4093822, 0x299F31D0))
    assert words == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "n must be from 1"),
        ((-5,), "n must be from 1"),
        ((2**53 + 1,), "n must be from 1 to 9007199254740992"),
        ((10, -1), "seed must be from 0"),
        ((10, 2**64), "seed must be from 0 to 18446744073709551615"),
    ],
)
def test_refuses_numbers_out_of_range(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernels.monte_carlo_pi(*arguments)


@pytest.mark.parametrize("arguments", [(1e6,), ("7",), (10, 0.5), (10, None), (True,)])
def test_refuses_what_is_no_int(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="must be an int"):
        kernels.monte_carlo_pi(*arguments)


def test_the_twin_refuses_no_points() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        reference.monte_carlo_pi(0)
