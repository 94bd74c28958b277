# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""kernels.mandelbrot against its twin: every pixel is equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nativeconc import kernels, reference

coordinates = st.floats(-3, 3) | st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings(max_examples=60)
@given(
    re=st.tuples(coordinates, coordinates),
    im=st.tuples(coordinates, coordinates),
    width=st.integers(0, 40),
    height=st.integers(0, 12),
    max_iter=st.integers(0, 120),
    threads=st.integers(1, 4),
)
def test_equals_the_twin(
    re: tuple[float, float],
    im: tuple[float, float],
    width: int,
    height: int,
    max_iter: int,
    threads: int,
) -> None:
    image = kernels.mandelbrot(re, im, (width, height), max_iter, threads=threads)
    assert image.dtype == np.int32
    assert image.shape == (height, width)
    assert image.tolist() == reference.mandelbrot(re, im, (width, height), max_iter)


def test_has_the_same_pixels_for_any_threads_and_gil() -> None:
    expected = np.array(reference.mandelbrot(size=(120, 90), max_iter=150), np.int32)
    for threads in (1, 2, 3, 8, 64):
        image = kernels.mandelbrot(size=(120, 90), max_iter=150, threads=threads, gil="release")
        assert np.array_equal(image, expected)
    assert np.array_equal(kernels.mandelbrot(size=(120, 90), max_iter=150, gil="hold"), expected)


def test_defaults_draw_the_whole_set() -> None:
    image = kernels.mandelbrot()
    assert image.shape == (1000, 1000)
    assert image.flags.writeable
    assert image.max() == 200
    assert image.min() == 1


def test_takes_numpy_numbers() -> None:
    image = kernels.mandelbrot(
        np.array([-2, 1]), (np.float32(-1), 1), (np.int32(3), np.int64(2)), np.uint8(9)
    )
    assert image.tolist() == reference.mandelbrot((-2, 1), (-1, 1), (3, 2), 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"re": (float("nan"), 1.0)}, "re must be two finite numbers"),
        ({"re": (0.0, float("inf"))}, "re must be two finite numbers"),
        ({"im": (-1e308, 1e308)}, "im must be two finite numbers"),
        ({"re": (0, 10**400)}, "re must be two finite numbers"),
        ({"im": (-(10**5000), 0)}, "im must be two finite numbers"),
        ({"size": (-1, 5)}, "width.* must be from 0"),
        ({"size": (5, -1)}, "height.* must be from 0"),
        ({"size": (2**31, 1)}, "width.* must be from 0"),
        ({"max_iter": -1}, "max_iter must be from 0"),
        ({"max_iter": 2**31}, "max_iter must be from 0"),
    ],
)
def test_refuses_values_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernels.mandelbrot(**{"size": (4, 4), **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"re": 1.0}, "re must be a pair"),
        ({"re": (1.0, 2.0, 3.0)}, "re must be a pair"),
        ({"im": ("a", "b")}, "im must be a pair"),
        ({"size": 5}, "size must be a pair"),
        ({"size": (2.5, 2)}, "width.* must be an int"),
        ({"size": (True, 2)}, "width.* must be an int, not bool"),
        ({"max_iter": 10.0}, "max_iter must be an int"),
    ],
)
def test_refuses_values_of_the_wrong_kind(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        kernels.mandelbrot(**arguments)


@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (2**31 - 1, 2**29)])
def test_an_image_beyond_memory_is_a_memory_error(size: tuple[int, int]) -> None:
    with pytest.raises(MemoryError):
        kernels.mandelbrot(size=size, max_iter=1)


@pytest.mark.parametrize("size", [(0, 2**31 - 1), (2**31 - 1, 0)])
def test_an_image_without_pixels_may_be_as_long_as_any(size: tuple[int, int]) -> None:
    assert kernels.mandelbrot(size=size).shape == size[::-1]
