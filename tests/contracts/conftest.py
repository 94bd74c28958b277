# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the contracts' tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.blocking import OtherThread


@pytest.fixture
def other() -> Iterator[OtherThread]:
    """Another thread, which does what it is told until the test is over."""
    with OtherThread() as thread:
        yield thread
