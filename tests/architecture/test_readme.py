# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""README.md shows what was measured, between markers that a script can find."""

from __future__ import annotations

import re

import pytest

from architecture.house import ROOT


@pytest.mark.parametrize("block", ["compare", "measured"])
def test_readme_shows_what_was_measured(block: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- {block}: begin -->(.*?)<!-- {block}: end -->", text, re.DOTALL)
    assert len(found) == 1, f"README.md has {len(found)} blocks {block!r}, not one"
    assert any(character.isdigit() for character in found[0]), f"block {block!r} shows no number"
