# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of shared arrays look at."""

from __future__ import annotations

import pickle
from typing import Any


def same(a: Any, b: Any) -> bool:
    """Whether the data of two arrays begins at the same address."""
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0]


def through_pickle(array: Any) -> Any:
    """What another receiver in this process gets."""
    return pickle.loads(pickle.dumps(array))
