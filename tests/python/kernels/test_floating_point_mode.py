# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The floating-point mode of the caller (rounding, flushing) does not show in results."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
from collections.abc import Iterator

import numpy as np
import pytest

from nativeconc import kernels

_libm = ctypes.CDLL(ctypes.util.find_library("m"))
_TO_NEAREST = 0
_UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}[platform.machine()]  # FE_UPWARD


@pytest.fixture
def rounding_upward() -> Iterator[None]:
    assert _libm.fesetround(_UPWARD) == 0
    yield
    assert _libm.fesetround(_TO_NEAREST) == 0


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("gil", ["release", "hold"])
def test_rounding_of_the_caller_does_not_change_a_sum(
    threads: int, gil: str, request: pytest.FixtureRequest
) -> None:
    if gil == "hold" and threads > 1:
        threads = 1
    a = np.random.default_rng(1).normal(size=1_000_003)
    expected = kernels.sum(a, threads=threads)
    request.getfixturevalue("rounding_upward")
    assert all(kernels.sum(a, threads=threads, gil=gil) == expected for _ in range(5))
    assert _libm.fegetround() == _UPWARD  # and the caller keeps its mode
