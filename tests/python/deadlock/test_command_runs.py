# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""`nativeconc deadlocks` runs a script as Python itself would."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
import zipfile

import pytest

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


FACTS = """
import json, sys
facts = {name: repr(value) for name, value in globals().items() if name.startswith("__")}
facts.pop("__loader__"), facts.pop("__annotations__", None), facts.pop("__builtins__", None)
facts["spec"] = __spec__ and __spec__.name
facts.pop("__spec__")
print(json.dumps([facts, sys.argv, sys.path, sys.modules["__main__"].__dict__ is globals(),
                  __name__, sys.flags.safe_path]))
"""


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([], ["script.py", "a", "--help", "-m", "--", "-x"]),
        ([], ["folder/../script.py"]),
        ([], ["link.py", "b"]),
        ([], ["-m", "script", "a", "--help", "--version"]),
        ([], ["-m", "package", "a"]),
        ([], ["-m", "package.inner"]),
        ([], ["folder"]),
        ([], ["archive.zip", "z"]),
        (["-P"], ["folder/other.py"]),
        (["-P"], ["folder", "a"]),
        (["-P"], ["archive.zip"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_the_script_finds_the_same_world_as_under_python(deadlocks, script, tmp_path, start, words):
    script(FACTS)
    for folder in ("package", "folder"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__main__.py").write_text(FACTS)
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "inner.py").write_text(FACTS)
    (tmp_path / "folder" / "other.py").write_text(FACTS)
    (tmp_path / "link.py").symlink_to(tmp_path / "folder" / "other.py")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", FACTS)
    expected = subprocess.run(
        [sys.executable, *start, *words], capture_output=True, text=True, cwd=tmp_path, timeout=100
    )
    assert expected.returncode == 0, expected.stderr
    done = deadlocks(*words, options=start)
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.stdout


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("import sys; sys.exit(0)", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(5)", 5, ""),
        ("import sys; sys.exit('no luck')", 1, "no luck\n"),
        ("raise SystemExit(7)", 7, ""),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("raise KeyboardInterrupt", 130, "KeyboardInterrupt\n"),
        ("def f(:", 1, "SyntaxError"),
        ("import no_such_module", 1, "ModuleNotFoundError"),
    ],
)
def test_the_exit_code_is_the_script_s_own(deadlocks, script, source, code, said):
    script(source)
    done = deadlocks("script.py")
    assert done.returncode == code
    assert said in done.stderr
    assert last_line(done.stderr) == "nativeconc deadlocks: found nothing"


def test_an_uncaught_exception_shows_the_script_s_frames_alone(deadlocks, script):
    path = script("def f():\n    1 / 0\n\nf()\n")
    done = deadlocks("script.py")
    shown = re.findall(r'File "(.*)", line (\d+)', done.stderr)
    assert shown == [(str(path), "4"), (str(path), "2")]


def test_the_script_s_own_excepthook_is_used(deadlocks, script):
    script("import sys\nsys.excepthook = lambda kind, *_: print('hook:', kind.__name__)\n1 / 0")
    done = deadlocks("script.py")
    assert (done.returncode, done.stdout) == (1, "hook: ZeroDivisionError\n")
    assert "Traceback" not in done.stderr


def test_something_found_weighs_more_than_the_script_s_own_code(deadlocks, script):
    script(ORDER + "\nimport sys\nsys.exit(5)")
    assert deadlocks("script.py").returncode == 3


def test_the_main_module_stays_for_threads_and_exit_handlers(deadlocks, script):
    script("""
        import atexit, pickle, threading, time

        class Thing:
            pass

        def use(when):
            assert type(pickle.loads(pickle.dumps(Thing()))) is Thing
            print(when)

        atexit.register(use, "at exit")
        threading.Thread(target=lambda: (time.sleep(0.1), use("in a thread"))).start()
    """)
    done = deadlocks("script.py")
    assert done.stdout == "in a thread\nat exit\n"
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_the_script_with_130(tmp_path, script):
    script("""
        import pathlib, threading
        pathlib.Path("started").touch()
        threading.Semaphore(0).acquire()
    """)
    child = subprocess.Popen(
        [sys.executable, "-m", "nativeconc", "deadlocks", "script.py"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while child.poll() is None and not (tmp_path / "started").exists():
            time.sleep(0.01)
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=100)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, err
    assert "KeyboardInterrupt" in err
    assert last_line(err) == "nativeconc deadlocks: found nothing"


def test_ctrl_c_also_ends_the_wait_for_the_script_s_threads(tmp_path, script):
    script("""
        import pathlib, threading
        event = threading.Event()
        threading.Thread(target=event.wait, daemon=False).start()
        pathlib.Path("started").touch()
    """)
    child = subprocess.Popen(
        [sys.executable, "-m", "nativeconc", "deadlocks", "script.py"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while child.poll() is None and not (tmp_path / "started").exists():
            time.sleep(0.01)
        time.sleep(0.3)
        while child.poll() is None:  # one that comes before the wait does not end it
            child.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
        _, err = child.communicate()
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, err
    assert last_line(err) == "nativeconc deadlocks: found nothing"
