# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

from __future__ import annotations

import pytest

import nativeconc as nc
from nativeconc.config import spoken


def test_the_configuration_has_its_sections() -> None:
    facts = nc.show_config(mode="dicts")
    assert list(facts) == ["versions", "cpu", "gil", "cuda", "memory"]
    assert facts["versions"]["nativeconc"] == nc.__version__
    assert facts["cpu"]["budget"] >= 1
    assert facts["gil"]["switch_interval_s"] > 0
    assert isinstance(facts["cuda"]["status"], str)
    assert facts["cuda"]["available"] is nc.cuda.is_available()


def test_it_is_printed_by_default(capsys) -> None:
    assert nc.show_config() is None
    out = capsys.readouterr().out
    assert "versions\n  nativeconc: " in out
    assert "NATIVECONC_NUM_THREADS: " in out


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'stdout' or 'dicts', not 'yaml'"):
        nc.show_config(mode="yaml")


@pytest.mark.parametrize(
    ("name", "value", "label", "text"),
    [
        ("enabled", True, "enabled", "yes"),
        ("enabled", False, "enabled", "no"),
        ("devices", [], "devices", "none"),
        ("devices", ["a", "b"], "devices", "a, b"),
        ("cgroup_quota", None, "cgroup quota", "none"),
        ("huge_page_bytes", 2 << 20, "huge page", "2 MiB"),
        ("dev_shm_bytes", 3 << 29, "dev shm", "1.5 GiB"),
        ("switch_interval_s", 0.005, "switch interval", "5 ms"),
        ("NATIVECONC_NUM_THREADS", "4", "NATIVECONC_NUM_THREADS", "4"),
    ],
)
def test_facts_are_spoken_plainly(name, value, label, text) -> None:
    assert spoken(name, value) == (label, text)
