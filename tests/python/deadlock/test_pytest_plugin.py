# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""pytest's option `--deadlocks`: suites of a few tests, run by a pytest of their own."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_a_deadlock_of_the_test_s_own_thread_fails_it(suite):
    done = suite("""
        def test_it():
            a, b, both = make(threading.RLock)
            other = threading.Thread(target=cross, args=(a, b, both, True))
            other.start()
            time.sleep(0.01)
            try:
                cross(b, a, both)
            finally:
                other.join()

        def test_next():
            assert isinstance(threading.RLock(), threading.RLock)
    """)
    assert done.returncode == 1, done.stdout
    assert done.outcomes == {"failed": 1, "passed": 1}
    assert "deadlock: 2 threads wait for each other:" in done.stdout
    assert "thread 'MainThread'" in done.stdout
    assert "with yours:" in done.stdout
    assert "taken at" in done.stdout


@pytest.mark.parametrize("kind", ["RLock", "Lock"])
@pytest.mark.parametrize("swallow", [True, False])
def test_a_deadlock_of_background_threads_fails_the_test_and_does_not_hang(suite, kind, swallow):
    done = suite(f"""
        def test_it():
            a, b, both = make(threading.{kind})
            threads = [threading.Thread(target=cross, args=(*pair, both, {swallow}))
                       for pair in ((a, b), (b, a))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        def test_next():
            pass
    """)
    assert done.returncode == 1, done.stdout
    assert done.outcomes.get("failed") == 1
    assert done.outcomes.get("passed") == 1
    assert "deadlock: 2 threads wait for each other:" in done.stdout
    assert "test_it.py" in done.stdout


def test_a_lock_order_fails_the_test(suite):
    done = suite("""
        def test_it():
            inverted()
    """)
    assert done.outcomes == {"failed": 1}
    assert "lock order that can deadlock: Lock #1" in done.stdout
    assert "DeadlockWarning" not in done.stdout


def test_a_good_suite_passes(suite):
    done = suite(
        """
        from concurrent.futures import ThreadPoolExecutor

        @pytest.mark.parametrize("n", range(5))
        def test_it(n, tmp_path, capsys):
            with ThreadPoolExecutor(4) as pool:
                assert list(pool.map(abs, range(100))) == list(range(100))
        """,
        "-W",
        "error",
    )
    assert done.returncode == 0, done.stdout
    assert done.outcomes == {"passed": 5}
    assert "deadlock" not in done.stdout


def test_orders_of_different_tests_are_compared(suite):
    done = suite("""
        @pytest.fixture(scope="module")
        def locks():
            return threading.Lock(), threading.RLock()

        def test_one_way(locks):
            a, b = locks
            with a, b:
                pass

        def test_other_way(locks):
            a, b = locks
            with b, a:
                pass

        def test_next(locks):
            pass
    """)
    assert done.outcomes == {"failed": 1, "passed": 2}
    assert "test_other_way" in done.stdout
    assert "in test_one_way" in done.stdout


def test_a_marker_allows_reports(suite):
    done = suite(
        """
        @pytest.mark.allow_deadlocks
        def test_it():
            a, b, both = make(threading.RLock)
            other = threading.Thread(target=cross, args=(a, b, both, True))
            other.start()
            cross(b, a, both, True)
            other.join()

        def test_next():
            pass
        """,
        "--strict-markers",
    )
    assert done.returncode == 0, done.stdout
    assert done.outcomes == {"passed": 2}


def test_the_marker_is_known_without_the_option(suite):
    done = suite(
        "@pytest.mark.allow_deadlocks\ndef test_it(): pass", "--strict-markers", watch=False
    )
    assert done.returncode == 0, done.stdout


def test_settings_that_a_test_changed_do_not_outlast_it(suite):
    done = suite("""
        import nativeconc as nc

        def test_first():
            nc.deadlock.disable()
            nc.deadlock.unpatch_threading()

        def test_second():
            assert threading.Lock is nc.Lock
            inverted()
    """)
    assert done.outcomes == {"passed": 1, "failed": 1}


def test_conftest_files_and_what_they_import_are_watched(suite):
    done = suite(
        """
        import nativeconc as nc

        def test_it(request):
            from conftest import LOCK
            assert type(LOCK) is nc.Lock
        """,
        "--import-mode=prepend",
        conftest="from threading import Lock\nLOCK = Lock()",
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("words", [["-x"], ["--maxfail=1"], ["-s"], ["--capture=no", "--tb=short"]])
def test_it_works_beside_other_options(suite, words):
    done = suite(
        """
        def test_it():
            inverted()
        """,
        *words,
    )
    assert done.returncode == 1, done.stdout
    assert "lock order that can deadlock" in done.stdout


def test_without_the_option_pytest_s_own_filter_makes_warnings_errors(suite):
    done = suite(
        """
        import nativeconc as nc

        def test_it():
            nc.deadlock.enable(order=True)
            a, b = nc.Lock(), nc.Lock()
            with a, b:
                pass
            with pytest.raises(nc.DeadlockWarning), b, a:
                pass
        """,
        *("-o", "filterwarnings=error::nativeconc.DeadlockWarning"),
        watch=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.outcomes == {"passed": 1}


def test_without_the_option_nothing_is_loaded_or_changed(suite):
    done = suite(
        """
        import sys

        def test_it():
            loaded = [m for m in ("nativeconc", "numpy") if m in sys.modules]
            assert loaded == []
            assert threading.Lock.__module__ == "_thread"
        """,
        watch=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.outcomes == {"passed": 1}


def test_the_option_is_in_the_help(suite):
    done = suite("", "--help", watch=False)
    assert "--deadlocks" in done.stdout
    assert "allow_deadlocks" in suite("", "--markers", watch=False).stdout


def test_the_entry_point_names_a_module_that_needs_nothing():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (module,) = project["project"]["entry-points"]["pytest11"].values()
    assert module == "nativeconc_pytest"
    assert f"python/{module}" in project["tool"]["scikit-build"]["wheel"]["packages"]
    assert importlib.import_module(module).pytest_addoption
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"nativeconc", "numpy", "pytest"} & set(done.stdout.split())
