# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.count_primes against its twin and the known tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nativeconc import kernels, reference


@given(st.integers(0, 20_000) | st.integers(0, 1_200_000))
def test_equals_the_twin(n: int) -> None:
    assert kernels.count_primes(n) == reference.count_primes(n)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, 0), (1, 0), (2, 1), (3, 2), (10, 4), (10**6, 78_498), (10**8, 5_761_455)],
)
def test_knows_the_tabulated_values(n: int, expected: int) -> None:
    assert kernels.count_primes(n) == expected


def test_is_the_same_for_any_threads_and_gil() -> None:
    for threads in (1, 2, 3, 8, 64):
        assert kernels.count_primes(20_000_000, threads=threads, gil="release") == 1_270_607
    assert kernels.count_primes(20_000_000, gil="hold") == 1_270_607


def test_gives_an_int_and_takes_numpy_integers() -> None:
    assert type(kernels.count_primes(np.int32(100))) is int


@pytest.mark.parametrize("n", [-1, 10**12 + 1, 2**80])
def test_refuses_numbers_out_of_range(n: int) -> None:
    with pytest.raises(ValueError, match="n must be from 0 to 1000000000000"):
        kernels.count_primes(n)


@pytest.mark.parametrize("n", [1e6, "100", None, True, [5]])
def test_refuses_what_is_no_int(n: Any) -> None:
    with pytest.raises(TypeError, match="n must be an int"):
        kernels.count_primes(n)


def test_the_twin_refuses_negative_numbers() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        reference.count_primes(-1)
