# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Deadlocks in a forked child: locks of lost threads, and those that the child keeps."""

from __future__ import annotations

import pytest

FORKING = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")


@pytest.mark.parametrize(
    ("make", "hold"),
    [
        ("nc.RLock(name='savings')", "lock.acquire"),
        ("nc.Lock(name='savings')", "lock.acquire"),
        ("nc.RWLock(name='savings')", "lock.acquire_write"),
        ("nc.RWLock(name='savings')", "lock.acquire_read"),
    ],
    ids=["RLock", "Lock", "RWLock-write", "RWLock-read"],
)
def test_after_a_fork_a_lock_of_a_lost_thread_is_an_error_and_no_hang(run_script, make, hold):
    run_script(
        f"""
        import os, threading, time, traceback
        import nativeconc as nc

        lock, ready, leave = {make}, threading.Event(), threading.Event()
        acquire = lock.acquire_write if isinstance(lock, nc.RWLock) else lock.acquire

        def hold():
            {hold}()
            ready.set()
            leave.wait()
            {hold.replace("acquire", "release")}()

        holder = threading.Thread(target=hold, name="holder", daemon=True)
        holder.start()
        ready.wait()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert acquire(False) is False
                assert acquire(timeout=0.05) is False
                for _ in range(2):
                    try:
                        acquire()
                    except nc.DeadlockError as error:
                        report = error.report
                        assert report.kind == "lost", report
                        assert report.parties[1].name == "holder", report
                        assert report.parties[1].fate == "lost"
                        assert "'holder' was lost in a fork" in str(error), str(error)
                    else:
                        raise AssertionError("taken")
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        leave.set()
        holder.join()
        acquire()
        print("done")
        """,
        options=FORKING,
    ).check("done\n")


def test_after_a_fork_the_forking_thread_keeps_its_locks_and_deadlocks_are_found(run_script):
    run_script(
        """
        import os, threading, traceback
        import nativeconc as nc

        mine = nc.RLock(name="mine")

        def in_child():
            assert mine._is_owned()
            mine.acquire()
            mine.release()
            other, ready, errors = nc.RLock(name="other"), threading.Event(), []

            def cross():
                try:
                    with other:
                        ready.set()
                        with mine:
                            pass
                except nc.DeadlockError as error:
                    errors.append(error)

            thread = threading.Thread(target=cross)
            thread.start()
            ready.wait()
            try:
                with other:
                    pass
            except nc.DeadlockError as error:
                errors.append(error)
            mine.release()
            thread.join()
            assert len(errors) == 1, errors

        mine.acquire()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                in_child()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        mine.release()
        print("done")
        """,
        options=FORKING,
    ).check("done\n")
