# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What tests of threads may ask for."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture
def hooked(monkeypatch):
    """What went to threading.excepthook."""
    caught = []

    def hook(args):
        caught.append((args.exc_type, str(args.exc_value), args.thread.name))

    monkeypatch.setattr(threading, "excepthook", hook)
    return caught
