# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""pytest's option `--deadlocks`. What it does stands in `nativeconc.deadlock.pytest_plugin`.

pytest imports this wherever nativeconc is installed, so it is a package of its own: importing
anything below `nativeconc` would load NumPy and the core for every run without the option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_addoption", "pytest_configure", "pytest_load_initial_conftests"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("nativeconc", "deadlocks (nativeconc)")
    group.addoption(
        "--deadlocks",
        action="store_true",
        help="watch the locks of all threads: a test that deadlocks, or takes locks in an order "
        "that can deadlock, fails with a report",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, also to runs without the option."""
    config.addinivalue_line(
        "markers", "allow_deadlocks: under --deadlocks, reports do not make this test fail"
    )


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start watching before the first conftest, and what it imports, can make a lock."""
    if early_config.known_args_namespace.deadlocks:
        from nativeconc.deadlock.pytest_plugin import Watch

        early_config.pluginmanager.register(Watch(), "nativeconc-deadlocks")
