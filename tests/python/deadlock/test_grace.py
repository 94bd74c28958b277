# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Live detection of what is suspected: circles with a plain lock, which anybody may release."""

from __future__ import annotations

import time
import warnings

import pytest

import nativeconc as nc
from nativeconc.deadlock import enable, find

# Long enough for a thread to begin to wait, and for a grace of zero to pass many times.
A_WHILE = 0.15


def test_plain_locks_raise_after_the_grace(ring, reports, check_chain, only_error):
    enable(grace=0.05)
    locks = [nc.Lock(name=f"lock {i}") for i in range(3)]
    crew = ring(locks)
    crew.join()
    _, error = only_error(crew)
    assert type(error) is nc.DeadlockError
    assert not error.report.certain
    check_chain(error.report, locks)
    assert reports == [error.report]


def test_a_grace_of_zero_is_allowed(ring, only_error):
    enable(grace=0)
    crew = ring([nc.Lock() for _ in range(2)])
    crew.join()
    _, error = only_error(crew)
    assert isinstance(error, nc.DeadlockError)


@pytest.mark.parametrize("kinds", [(nc.Lock, nc.RLock), (nc.RLock, nc.Lock, nc.RLock)])
def test_one_plain_lock_makes_the_whole_cycle_uncertain(ring, kinds, only_error):
    enable(grace=0.02)
    crew = ring([kind() for kind in kinds])
    crew.join()
    _, error = only_error(crew)
    assert not error.report.certain


def test_by_default_plain_locks_give_one_warning_and_the_threads_wait_on(run_script):
    done = run_script(
        """
        import threading, time, warnings
        import nativeconc as nc

        shown, show = [], warnings.showwarning

        def note(*details):
            show(*details)
            shown.append(details)

        warnings.showwarning = note
        a, b, both = nc.Lock(name="a"), nc.Lock(name="b"), threading.Barrier(2)
        nc.deadlock.enable(policy="warn", grace=0.05)

        def cross(mine, yours):
            mine.acquire()
            both.wait()
            yours.acquire()

        threads = [threading.Thread(target=cross, args=args, name=name)
                   for name, args in (("alice", (a, b)), ("bob", (b, a)))]
        for thread in threads:
            thread.start()
        while not shown:
            time.sleep(0.01)
        time.sleep(0.2)  # for a second warning, which must not come
        assert all(thread.is_alive() for thread in threads)
        assert [report.certain for report in nc.deadlock.find()] == [False]
        a.release()  # any thread may
        threads[1].join()
        b.release()
        threads[0].join()
        print("done")
        """,
        options=("-W", "default"),
    )
    assert done.rc == 0, done.stderr
    assert done.stdout == "done\n"
    assert done.stderr.count("DeadlockWarning: deadlock: 2 threads wait for each other") == 1
    for words in ("thread 'alice'", "thread 'bob'", "waits for Lock 'a'", 'enable(policy="raise")'):
        assert words in done.stderr


def test_a_warning_carries_the_report(ring, until, check_chain):
    enable("warn", grace=0.02)
    locks = [nc.Lock(name=f"lock {i}") for i in range(2)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crew = ring(locks, leave=lambda _: None)
        until(lambda: caught)
        locks[0].release()
        crew.join()
    (warning,) = caught
    assert warning.category is nc.DeadlockWarning
    check_chain(warning.message.report, locks)
    assert warning.message.report.raised_in is None


def test_where_warnings_are_errors_a_suspected_deadlock_raises_the_warning(ring, only_error):
    enable("warn", grace=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crew = ring([nc.Lock() for _ in range(2)])
        crew.join()
    _, error = only_error(crew)
    assert type(error) is nc.DeadlockWarning
    assert error.report.kind == "cycle"


def test_a_cycle_that_ends_within_the_grace_is_not_reported(ring, reports, until, check_chain):
    enable(grace=1000)
    locks = [nc.Lock(name=f"lock {i}") for i in range(3)]
    # The first lock is given back by this thread, not by the one that gets it then.
    crew = ring(locks, leave=lambda lock: lock is locks[0] or lock.release())
    until(find)
    time.sleep(A_WHILE)
    (report,) = find()
    check_chain(report, locks)
    locks[0].release()  # any thread may
    crew.join()
    assert not crew.errors
    assert not reports
    assert not find()
