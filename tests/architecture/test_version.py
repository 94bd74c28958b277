# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The version stands in a few places, and is the same in all of them."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import nativeconc
from architecture.house import ROOT


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    built = re.search(r"project\(nativeconc VERSION ([\d.]+)", cmake)
    assert built is not None
    assert built[1] == project["version"]
    assert nativeconc.__version__ == project["version"]
    assert metadata.version("nativeconc") == project["version"]


def test_changelog_tells_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{nativeconc.__version__}]" in changelog
