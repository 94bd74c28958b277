# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `name=` does, for every lock that has it."""

from __future__ import annotations

from typing import Any

import pytest


class NameContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def test_may_have_a_name(self) -> None:
        assert self.make().name is None
        lock = type(self.make())(name="ledger")
        assert lock.name == "ledger"
        assert "'ledger'" in repr(lock)
        with pytest.raises(AttributeError):
            lock.name = "other"

    @pytest.mark.parametrize("name", [1, b"ledger", 1.5, ["ledger"]])
    def test_a_name_that_is_no_str_is_refused(self, name: object) -> None:
        with pytest.raises(TypeError, match=f"str or None, not {type(name).__name__}"):
            type(self.make())(name=name)

    def test_takes_no_other_arguments(self) -> None:
        kind = type(self.make())
        with pytest.raises(TypeError):
            kind("ledger")
        with pytest.raises(TypeError):
            kind(names="ledger")
