# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""`nc.Thread` and `threading.excepthook`: it runs unless somebody waits for the result."""

from __future__ import annotations

import concurrent.futures
import threading
import time
import traceback

import pytest

import nativeconc as nc


class MishapError(Exception):
    pass


def fail(message="mine"):
    raise MishapError(message)


def start(target=None, **options):
    thread = nc.Thread(target=target, **options)
    thread.start()
    return thread


def wait_until_awaited(thread, n=1):
    while thread._outcome._waiters < n:
        time.sleep(0.001)


def test_the_hook_runs_when_nobody_waits(hooked):
    thread = start(fail, name="lonely")
    thread.join()
    assert hooked == [(MishapError, "mine", "lonely")]


def test_result_raises_even_after_the_hook_ran(hooked):
    thread = start(fail)
    thread.join()
    for _ in range(2):
        with pytest.raises(MishapError, match="mine"):
            thread.result()
    assert len(hooked) == 1


def test_the_hook_does_not_run_when_somebody_waits(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        result = pool.submit(thread.result)
        wait_until_awaited(thread)
        go.set()
        with pytest.raises(MishapError):
            result.result()
    assert hooked == []


def test_whoever_joins_does_not_wait_for_the_result(hooked):
    go = threading.Event()
    thread = start(lambda: go.wait() and fail())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        joined = pool.submit(thread.join)
        time.sleep(0.02)
        go.set()
        joined.result()
    assert len(hooked) == 1


def test_the_hook_sees_exception_traceback_and_thread(monkeypatch):
    seen = []

    def hook(args):
        names = [frame.name for frame in traceback.extract_tb(args.exc_traceback)]
        seen.append((args.exc_type, str(args.exc_value), names[-1], args.thread))

    monkeypatch.setattr(threading, "excepthook", hook)
    thread = start(fail)
    thread.join()
    assert seen == [(MishapError, "mine", "fail", thread)]


@pytest.fixture
def usual_hook(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)  # pytest has its own


@pytest.mark.usefixtures("usual_hook")
def test_the_usual_hook_prints(capfd):
    thread = start(fail, name="printing")
    thread.join()
    err = capfd.readouterr().err
    assert "Exception in thread printing" in err
    assert "MishapError: mine" in err
    assert ", in fail" in err


@pytest.mark.usefixtures("usual_hook")
def test_the_usual_hook_says_nothing_of_system_exit(capfd):
    def leave():
        raise SystemExit(3)

    thread = start(leave)
    thread.join()
    assert capfd.readouterr().err == ""
    with pytest.raises(SystemExit) as caught:
        thread.result()
    assert caught.value.code == 3


def test_a_hook_that_fails_does_not_change_the_result(monkeypatch, capfd):
    monkeypatch.setattr(threading, "excepthook", lambda _: 1 / 0)
    thread = start(fail)
    thread.join()
    assert "Exception in threading.excepthook" in capfd.readouterr().err
    with pytest.raises(MishapError):
        thread.result()
