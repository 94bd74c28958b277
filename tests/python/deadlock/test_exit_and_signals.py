# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Live detection beside interpreter exit and signals."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path


def test_a_deadlock_between_daemons_does_not_disturb_the_exit(run_script):
    for grace in ("0", "0.05", "1000"):
        run_script(
            f"""
            import threading, time
            import nativeconc as nc

            nc.deadlock.enable(grace={grace})
            a, b, both = nc.Lock(), nc.Lock(), threading.Barrier(3)

            def cross(mine, yours):
                with mine:
                    both.wait()
                    try:
                        yours.acquire()
                    except nc.DeadlockError:
                        pass

            for args in ((a, b), (b, a)):
                threading.Thread(target=cross, args=args, daemon=True).start()
            both.wait()
            time.sleep(0.04)
            """
        ).check("")


def test_ctrl_c_ends_a_suspected_deadlock(run_script):
    run_script("""
        import _thread, threading, time
        import nativeconc as nc

        nc.deadlock.enable(grace=1000)
        a, b, ready = nc.Lock(name="a"), nc.Lock(name="b"), threading.Event()

        def cross():
            with b:
                ready.set()
                with a:
                    pass

        def interrupt():
            while b.stats().waiters == 0:
                time.sleep(0.001)
            time.sleep(0.02)  # from being counted to being asleep
            _thread.interrupt_main()

        with a:
            thread = threading.Thread(target=cross)
            thread.start()
            ready.wait()
            threading.Thread(target=interrupt).start()
            try:
                with b:
                    raise AssertionError("entered")
            except KeyboardInterrupt:
                print("interrupted")
        thread.join()
    """).check("interrupted\n")


def test_a_deadlock_inside_a_signal_handler_s_own_wait_is_found(run_script):
    # The main thread waits for `outer`; meanwhile its handler wants `inner`, whose owner waits for
    # a lock of the main thread.
    run_script("""
        import os, signal, threading, time
        import nativeconc as nc

        mine, inner, outer = (nc.RLock(name=name) for name in ("mine", "inner", "outer"))
        ready, leave, errors = threading.Event(), threading.Event(), []

        def hold_outer():
            with outer:
                ready.set()
                leave.wait()

        def cross():
            with inner:
                crossing.set()
                try:
                    with mine:
                        pass
                except nc.DeadlockError as error:
                    errors.append(error)

        def handler(*_):
            try:
                with inner:
                    pass
            except nc.DeadlockError as error:
                errors.append(error)
            leave.set()

        crossing = threading.Event()
        signal.signal(signal.SIGALRM, handler)
        threads = [threading.Thread(target=hold_outer), threading.Thread(target=cross)]
        with mine:
            for thread in threads:
                thread.start()
            ready.wait()
            crossing.wait()
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with outer:
                pass
        for thread in threads:
            thread.join()
        assert len(errors) == 1, errors
        assert {p.wants.name for p in errors[0].report.parties} == {"mine", "inner"}
        print("done")
    """).check("done\n")


def test_a_ring_with_the_main_thread_is_found_beside_a_busy_one(run_script):
    # The main thread leaves its wait for a moment every 50 ms, to look for signals. Another thread
    # that is about to report the deadlock, and waits for the GIL to do so, finds it gone just then.
    run_script("""
        import threading, time
        import nativeconc as nc

        over = False

        def busy():
            while not over:
                pass

        threading.Thread(target=busy).start()
        for i in range(30):
            a, b, both = nc.RLock(), nc.RLock(), threading.Barrier(2)
            errors = []

            def cross(mine, yours, late):
                try:
                    with mine:
                        both.wait()
                        time.sleep(late)
                        with yours:
                            pass
                except nc.DeadlockError as error:
                    errors.append(error)

            thread = threading.Thread(target=cross, args=(b, a, 0.03 + i * 0.0006))
            thread.start()
            cross(a, b, 0)
            thread.join()
            assert len(errors) == 1
        over = True
    """).check("")


def recipe():
    """The part of docs/deadlocks.md that says how to look when a signal comes."""
    text = (Path(__file__).parents[3] / "docs" / "deadlocks.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n([^`]*signal\.signal\([^`]*)```", text)
    return code


def test_the_documented_signal_handler_finds_a_deadlock_of_the_main_thread(run_script, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        "import nativeconc as nc\n\n"
        + recipe()
        + textwrap.dedent("""
            import os, time

            nc.deadlock.enable(policy="warn", grace=1000)
            a, b, both = nc.Lock(name="a"), nc.Lock(name="b"), threading.Barrier(2)
            shown, show = [], show_deadlocks

            def show_deadlocks():
                show()
                shown.extend(nc.deadlock.find())

            def cross():
                with b:
                    both.wait()
                    a.acquire()

            def ask_until_it_is_shown():
                while not shown:
                    os.kill(os.getpid(), signal.SIGUSR1)
                    time.sleep(0.3)
                b.release()

            threading.Thread(target=cross, daemon=True).start()
            with a:
                both.wait()
                threading.Thread(target=ask_until_it_is_shown).start()
                b.acquire()
        """),
        encoding="utf-8",
    )
    done = run_script(path).check()
    assert "deadlock: 2 threads wait for each other:" in done.stdout
    assert "thread 'MainThread'" in done.stdout
    assert "holds Lock 'a'" in done.stdout
