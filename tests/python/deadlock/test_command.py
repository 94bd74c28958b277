# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""`nativeconc deadlocks SCRIPT [ARGS]`, always in a process of its own."""

from __future__ import annotations

import os
import re
import textwrap

import pytest

PHILOSOPHERS = """
import threading

left, right, both = threading.RLock(), threading.RLock(), threading.Barrier(2)

def eat(first, second):
    with first:
        both.wait()
        with second:
            print("eats")

threads = [threading.Thread(target=eat, args=pair, name=name)
           for name, pair in (("Plato", (left, right)), ("Kant", (right, left)))]
for thread in threads:
    thread.start()
"""
ORDER = """
import threading

a, b = threading.Lock(), threading.Lock()
with a:
    with b:
        pass
with b:
    with a:
        pass
"""


def last_line(text):
    return text.rstrip("\n").rpartition("\n")[2]


# --- what it finds ----------------------------------------------------------------------------


def test_a_deadlock_is_reported_and_the_exit_code_is_3(deadlocks, script):
    path = script(PHILOSOPHERS)
    done = deadlocks("script.py")
    assert done.returncode == 3, done.stderr
    assert done.stdout == "eats\n"
    for words in (
        "deadlock: 2 threads wait for each other:",
        "thread 'Plato' (id ",
        "thread 'Kant' (id ",
        "waits for RLock #",
        f"at {path}:9, in eat\n            with second:",
        f"taken at {path}:7, in eat\n            with first:",
        f"was made at {path}:4, in <module>",
    ):
        assert words in done.stderr
    assert "stacks=True" not in done.stderr
    assert last_line(done.stderr) == (
        "nativeconc deadlocks: found 1 deadlock and 1 lock order that can deadlock"
    )


def test_the_report_is_not_repeated_in_the_traceback(deadlocks, script):
    script(PHILOSOPHERS)
    done = deadlocks("script.py")
    assert done.stderr.count("waits for RLock #1, held by") == 1
    assert re.search(r"\nnativeconc\.DeadlockError: deadlock: 2 threads .*\n", done.stderr)


def test_a_lock_order_is_reported_before_it_hangs(deadlocks, script):
    path = script(ORDER)
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert done.stderr.count("lock order that can deadlock: Lock #1") == 1
    assert f"at {path}:9, in <module>" in done.stderr
    assert f"at {path}:6, in <module>" in done.stderr
    assert "DeadlockWarning" not in done.stderr
    assert last_line(done.stderr) == ("nativeconc deadlocks: found 1 lock order that can deadlock")


def test_a_script_without_faults_is_left_alone(deadlocks, script):
    script("""
        import threading
        with threading.Lock():
            print("fine")
    """)
    done = deadlocks("script.py")
    assert done.returncode == 0
    assert done.stdout == "fine\n"
    assert done.stderr == "nativeconc deadlocks: found nothing\n"


def test_plain_locks_are_reported_after_the_grace_and_the_script_ends(deadlocks, script):
    script(PHILOSOPHERS.replace("RLock", "Lock"))
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert "deadlock: 2 threads wait for each other:" in done.stderr
    assert done.stdout == "eats\n"


def test_warnings_as_errors_do_not_change_what_happens(deadlocks, script):
    script(ORDER + "\nprint('went on')")
    done = deadlocks("script.py", options=("-W", "error"))
    assert done.returncode == 3
    assert done.stdout == "went on\n"
    assert "Traceback" not in done.stderr


def test_a_script_that_swallows_the_error_is_found_out(deadlocks, script):
    script("""
        import threading
        a, b, both = threading.RLock(), threading.RLock(), threading.Barrier(2)

        def cross(x, y):
            try:
                with x:
                    both.wait()
                    with y:
                        pass
            except Exception:
                pass

        threading.Thread(target=cross, args=(a, b)).start()
        cross(b, a)
    """)
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert "found 1 deadlock" in last_line(done.stderr)
    assert "Traceback" not in done.stderr


def test_reports_reach_the_terminal_even_if_the_script_closes_stderr(deadlocks, script):
    script("import sys\nsys.stderr.close()\n" + ORDER)
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert "lock order that can deadlock: Lock #1" in done.stderr
    assert "found 1 lock order" in last_line(done.stderr)


def test_other_people_s_modules_are_watched_too(deadlocks, script):
    script(
        "import library; library.run()",
        library="from threading import Lock\ndef run():\n"
        "    a, b = Lock(), Lock()\n    with a, b: pass\n    with b, a: pass\n",
    )
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert "library.py:5, in run" in done.stderr


def test_a_deadlock_of_threads_that_outlive_the_script_s_end_is_found(deadlocks, script):
    meet = "both.wait(); time.sleep(SLEEP)"
    script("import time\nSLEEP = 0.2\n" + PHILOSOPHERS.replace("both.wait()", meet))
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert "deadlock: 2 threads" in done.stderr


def test_executors_are_told_to_end(deadlocks, script):
    script("""
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        print(pool.submit(pow, 2, 3).result())
    """)
    done = deadlocks("script.py")
    assert (done.returncode, done.stdout) == (0, "8\n")


def test_what_a_forked_child_finds_counts(deadlocks, script):
    script(
        """
        import os, threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
        if pid == 0:
        """
        + textwrap.indent(ORDER, " " * 12)
        + """
            os._exit(0)
        os.waitpid(pid, 0)
        """
    )
    done = deadlocks("script.py")
    assert done.returncode == 3
    assert "report 1 in a forked child, process " in done.stderr
    assert last_line(done.stderr) == "nativeconc deadlocks: found something in a forked child"


def test_a_forked_child_that_runs_to_the_end_keeps_its_own_exit_code(deadlocks, script):
    script("""
        import os, sys
        pid = os.fork()
        if pid == 0:
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """)
    done = deadlocks("script.py")
    assert (done.returncode, done.stdout) == (0, "7\n")
    assert done.stderr == "nativeconc deadlocks: found nothing\n"


def test_a_child_that_is_forked_during_a_report_can_report_itself(run_script):
    run_script(
        """
        import os, threading
        from nativeconc.deadlock import OrderReport
        from nativeconc.deadlock.command import _Findings

        class Stream:
            def write(self, text):
                if threading.current_thread() is not threading.main_thread():
                    inside.set()
                    leave.wait()

            def flush(self):
                pass

        inside, leave = threading.Event(), threading.Event()
        findings = _Findings(Stream())
        thread = threading.Thread(target=findings.show, args=(OrderReport(()),))
        thread.start()
        inside.wait()
        pid = os.fork()
        if pid == 0:
            findings.show(OrderReport(()))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        leave.set()
        thread.join()
        """,
        options=("-W", "error", "-W", "ignore:This process:DeprecationWarning"),
    ).check("0\n")


def test_what_is_found_after_the_end_is_shown_but_does_not_count(deadlocks, script):
    late = textwrap.indent(ORDER, "    ")
    script(f"import atexit\ndef late():{late}\natexit.register(late)")
    done = deadlocks("script.py")
    assert done.returncode == 0
    assert done.stderr.index("found nothing") < done.stderr.index("lock order that can deadlock")


def test_a_script_that_ends_the_process_itself_does_so_with_its_own_code(deadlocks, script):
    script(ORDER + "\nimport os\nos._exit(5)")
    done = deadlocks("script.py")
    assert done.returncode == 5
    assert "lock order that can deadlock: Lock #1" in done.stderr


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.py"], "nativeconc deadlocks: there is no file nowhere.py"),
        (["-m", "nowhere"], "nativeconc deadlocks: there is no module nowhere"),
        (["-m", "no.where"], "nativeconc deadlocks: there is no module no.where"),
        (["-m", "empty"], "nativeconc deadlocks: empty is a package without a __main__ module"),
        (["empty"], "nativeconc deadlocks: there is no __main__ module in empty"),
        (["-m", "sys"], "nativeconc deadlocks: sys is not written in Python"),
    ],
)
def test_a_script_that_is_missing_is_one_sentence_and_exit_code_2(deadlocks, tmp_path, words, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "__init__.py").touch()
    done = deadlocks(*words)
    assert done.returncode == 2
    assert done.stderr == f"{said}\n"
    assert done.stdout == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_script_that_cannot_be_read_is_exit_code_2(deadlocks, script):
    script("").chmod(0)
    done = deadlocks("script.py")
    assert done.returncode == 2
    assert done.stderr == "nativeconc deadlocks: cannot read script.py: Permission denied\n"


def test_without_a_script_the_usage_is_shown(deadlocks):
    done = deadlocks()
    assert done.returncode == 2
    assert "SCRIPT" in done.stderr


def test_help_tells_of_exit_codes(deadlocks):
    done = deadlocks("--help", env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"})
    assert done.returncode == 0
    assert "SCRIPT" in done.stdout
    assert "Exit codes: 3 something was found" in done.stdout
