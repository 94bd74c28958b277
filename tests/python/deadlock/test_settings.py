# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""enable() and disable(): what is allowed, and what reaches the core."""

from __future__ import annotations

import decimal
import inspect
import re
import threading
import time
from fractions import Fraction

import numpy as np
import pytest

import nativeconc as nc
from nativeconc.deadlock import disable, enable, settings


@pytest.fixture
def configured(monkeypatch):
    calls = []
    monkeypatch.setattr(settings._core, "deadlock_configure", lambda *args: calls.append(args))
    return calls


def test_enable_raises_by_default(configured):
    enable()
    assert configured == [("raise", False, 1.0, False)]


def test_every_setting_reaches_the_core(configured):
    enable("warn", True, 2.5, True)
    enable(policy="raise", order=True, grace=0, stacks=True)
    assert configured == [("warn", True, 2.5, True), ("raise", True, 0.0, True)]
    assert type(configured[1][2]) is float


def test_disable_returns_to_the_defaults(configured):
    enable(order=True, grace=7, stacks=True)
    disable()
    assert configured[-1] == ("warn", False, 1.0, False)


def test_what_failed_is_not_active(monkeypatch):
    before = settings.active()

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(settings._core, "deadlock_configure", fail)
    with pytest.raises(MemoryError):
        enable(grace=before.grace + 1)
    assert settings.active() == before


def test_what_is_active_is_what_reached_the_core_last(monkeypatch):
    reached = []

    def configure(*args):
        time.sleep((10 - args[2]) / 100)  # who comes first would be last
        reached.append(args)

    monkeypatch.setattr(settings._core, "deadlock_configure", configure)
    threads = [threading.Thread(target=enable, kwargs={"grace": n}) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reached) == 10
    assert settings.active() == reached[-1]


def test_a_child_that_was_forked_meanwhile_can_change_settings(run_script):
    run_script("""
        import os, threading
        from nativeconc.deadlock import enable, settings

        inside, go_on = threading.Event(), threading.Event()
        configure = settings._core.deadlock_configure

        def slow(*args):
            inside.set()
            go_on.wait()

        settings._core.deadlock_configure = slow
        thread = threading.Thread(target=enable)
        thread.start()
        inside.wait()
        settings._core.deadlock_configure = configure
        if (child := os.fork()) == 0:
            enable("warn", grace=3)
            os._exit(int(settings.active().grace))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        go_on.set()
        thread.join()
    """).check("3\n")


@pytest.mark.parametrize("policy", ["", "Raise", "ignore", "raise "])
def test_an_unknown_policy_is_a_value_error(configured, policy):
    with pytest.raises(ValueError, match=f"policy must be 'raise' or 'warn', not {policy!r}"):
        enable(policy)
    assert not configured


@pytest.mark.parametrize("policy", [None, 1, True, b"raise", ["raise"]])
def test_a_policy_that_is_no_string_is_a_type_error(configured, policy):
    with pytest.raises(TypeError, match=r"policy must be 'raise' or 'warn', not \w+"):
        enable(policy)
    assert not configured


@pytest.mark.parametrize("grace", [-1, -1e-9, float("nan"), float("inf"), -float("inf"), 10**400])
def test_grace_must_be_finite_and_not_negative(configured, grace):
    with pytest.raises(ValueError, match="grace must be a finite number of seconds"):
        enable(grace=grace)
    assert not configured


@pytest.mark.parametrize("grace", [None, "1", b"1", [1], True, 1j, object()])
def test_grace_must_be_a_number(configured, grace):
    with pytest.raises(TypeError, match=r"grace must be a number of seconds, not \w+"):
        enable(grace=grace)
    assert not configured


@pytest.mark.parametrize(
    "grace", [1, 1.0, np.float32(1), np.int64(1), Fraction(1), decimal.Decimal(1)], ids=repr
)
def test_any_kind_of_number_will_do(configured, grace):
    enable(grace=grace)
    assert configured == [("raise", False, 1.0, False)]


def test_an_endless_grace_is_as_long_as_a_wait_can_be(configured):
    enable(grace=1e300)
    assert configured == [("raise", False, threading.TIMEOUT_MAX, False)]


@pytest.mark.parametrize("flag", ["order", "stacks"])
@pytest.mark.parametrize("value", [0, 1, None, "yes", np.True_])
def test_flags_must_be_booleans(configured, flag, value):
    words = f"{flag} must be True or False, not {value!r} of type {type(value).__name__}"
    with pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
        enable(**{flag: value})
    assert not configured


def test_signatures_are_the_documented_ones():
    assert [
        (name, parameter.default)
        for name, parameter in inspect.signature(enable).parameters.items()
    ] == [("policy", "raise"), ("order", False), ("grace", 1.0), ("stacks", False)]
    assert not inspect.signature(disable).parameters


def test_settings_can_be_changed_at_any_time():
    for _ in range(100):
        for policy in ("raise", "warn"):
            for flag in (True, False):
                enable(policy, order=flag, grace=0.5, stacks=flag)
                with nc.RLock(), nc.Lock(), nc.RLock():
                    pass
    disable()
    disable()


def test_everything_public_is_named():
    names = ["disable", "enable", "find", "held", "patch_threading", "unpatch_threading"]
    assert set(names) < set(nc.deadlock.__all__)
    assert list(nc.deadlock.__all__) == sorted(nc.deadlock.__all__)


def test_the_package_is_loaded_when_first_asked_for(run_script):
    run_script("""
        import sys
        import nativeconc as nc
        assert not any(name.startswith("nativeconc.deadlock") for name in sys.modules)
        assert nc.deadlock is sys.modules["nativeconc.deadlock"]
        assert not {"rich", "typer", "pytest"} & set(sys.modules)
    """).check("")
