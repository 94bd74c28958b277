# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The command line, in this process and in ones of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from nativeconc.cli import app

QUICK = ["--threads", "1,2", "--repeat", "1", "--budget", "0.2"]
CALLABLES = """
import time
def work(): time.sleep(0.001)
def fail(): raise RuntimeError("no luck")
def leave(): raise SystemExit(5)
number = 3
class Holder:
    @staticmethod
    def method(): pass
"""


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Run the command line in a folder that holds the module `users_module`."""
    (tmp_path / "users_module.py").write_text(CALLABLES, encoding="utf-8")
    (tmp_path / "broken_module.py").write_text("import no_such_thing_at_all", encoding="utf-8")
    (tmp_path / "raising_module.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "exiting_module.py").write_text("import sys; sys.exit(0)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.setenv("COLUMNS", "100")
    yield lambda *words: CliRunner().invoke(app, list(words))
    for name in ("users_module", "broken_module", "raising_module", "exiting_module"):
        sys.modules.pop(name, None)


def run_python(*words, **keywords):
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=120, **keywords
    )


def test_compare_prints_the_table_and_saves_files(invoke, tmp_path) -> None:
    files = ["--json", "a.json", "--html", "a.html", "--plot", "a.png"]
    done = invoke("compare", "--kernel", "count_primes", "--size", "2000", *QUICK, *files)
    assert done.exit_code == 0, done.output
    assert "native, own pool" in done.stdout
    assert "bystander" in done.stdout
    assert json.loads((tmp_path / "a.json").read_text())["rows"]
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "saved a.png" in done.stderr


def test_kernels_can_be_chosen_more_than_once(invoke) -> None:
    done = invoke("compare", "-k", "count_primes", "-k", "sum", "--size", "1000", *QUICK)
    assert done.exit_code == 0, done.output
    assert "primes up to 1,000" in done.stdout
    assert "sum of 1,000 float64" in done.stdout
    assert "mandelbrot" not in done.stdout


@pytest.mark.parametrize("target", ["users_module:work", "users_module:Holder.method"])
def test_a_callable_of_the_user(invoke, target) -> None:
    done = invoke("compare", target, *QUICK)
    assert done.exit_code == 0, done.output
    assert target in done.stdout
    assert "your callable" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kernel", "nope"], "no kernel 'nope'; there are: sum, mandelbrot, count_primes"),
        (["--threads", "0"], "threads must be from 1 to 1024, not 0"),
        (["--threads", "one"], "--threads must be numbers such as 1,2,4, not 'one'"),
        (["--threads", ""], "--threads must be numbers"),
        (["--size", "0"], "size must be at least 1, not 0"),
        (["--repeat", "-1"], "repeat must be at least 1, not -1"),
        (["--budget", "nan"], "budget must be a positive number of seconds"),
        (["--json", "no/such/folder/x.json"], "--json cannot write no/such/folder/x.json: No such"),
        (["--html", "."], "--html cannot write .: Is a directory"),
        (["--plot", "x.nope"], "--plot cannot write x.nope: name it .png"),
        (["users_module"], "a callable is given as module:function, not 'users_module'"),
        (["users_module:"], "a callable is given as module:function"),
        (["users_module:nope"], "module 'users_module' has no 'nope'"),
        (["users_module:number"], "users_module:number is int, which cannot be called"),
        (["users_module:work", "--kernel", "sum"], "give either users_module:work or --kernel"),
        (["users_module:work", "--size", "3"], "size cannot be chosen"),
        (["users_module:fail"], "users_module:fail raised RuntimeError: no luck"),
        (["users_module:leave"], "users_module:leave raised SystemExit: 5"),
        (["no_such_module:work"], "there is no module 'no_such_module' here"),
        (["no_such.module:work"], "there is no module 'no_such.module' here"),
        (["broken_module:work"], "importing broken_module failed: No module named"),
        (["raising_module:work"], "importing raising_module raised ZeroDivisionError"),
        (["exiting_module:work"], "importing exiting_module raised SystemExit: 0"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(invoke, words, message) -> None:
    done = invoke("compare", *words)
    assert done.exit_code == 2
    assert f"nativeconc compare: {message}" in done.stderr
    assert "Traceback" not in done.output
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_a_file_that_was_not_written_is_not_left_behind(invoke, tmp_path) -> None:
    assert invoke("compare", "users_module:fail", "--json", "x.json").exit_code == 2
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("error", [ValueError, TypeError])
@pytest.mark.parametrize(
    "method", ["study.Study.run", "study.Study.result", "comparison.Comparison.to_json"]
)
def test_a_fault_of_the_program_is_not_called_bad_input(invoke, monkeypatch, error, method) -> None:
    def fail(*_args):
        raise error("a fault")

    monkeypatch.setattr(f"nativeconc.comparison.{method}", fail)
    done = invoke("compare", "users_module:work", "--json", "x.json", *QUICK)
    assert isinstance(done.exception, error)
    assert done.exit_code == 1
    assert "nativeconc compare: a fault" not in done.stderr


def test_too_many_threads_for_the_system_are_exit_code_1(run_script) -> None:
    run_script(
        """
        import os, resource, threading
        import nativeconc.comparison.command
        from nativeconc.cli import app
        from typer.testing import CliRunner

        # Room for some of the threads' stacks, but not for 64 of them.
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        threading.stack_size(256 << 20)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), hard))
        words = ["compare", "os:getpid", "--threads", "64", "--repeat", "1", "--budget", "0.2"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 1, (done.output, done.exception)
        assert done.stdout == ""
        assert "nativeconc compare: the system grants no more threads" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        for thread in threading.enumerate():  # told to end, but waited for so long only
            if thread is not threading.main_thread():
                thread.join()
        assert threading.active_count() == 1
        """
    ).check()


def test_an_unknown_option_is_exit_code_2(invoke) -> None:
    assert invoke("compare", "--no-such-option").exit_code == 2


def test_info_shows_the_configuration(invoke) -> None:
    done = invoke("info")
    assert done.exit_code == 0, done.output
    for words in (
        "nativeconc",
        "numpy",
        "budget",
        "switch interval",
        "cuda",
        "dev shm",
        "huge page",
    ):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NATIVECONC_NUM_THREADS", "NATIVECONC_NUM_THREADS is 'nonsense'; it must be a number"),
        ("NATIVECONC_SIMD", "NATIVECONC_SIMD must be 'baseline', "),
    ],
)
def test_info_says_what_is_wrong_with_the_environment(run_script, name, message) -> None:
    done = run_script(
        "from nativeconc.__main__ import main; import sys; sys.argv[1:] = ['info']; main()",
        env={name: "nonsense", "COLUMNS": "200"},
    ).check()
    assert message in done.stdout
    assert "dev shm" in done.stdout


def test_help_names_the_commands(invoke) -> None:
    done = invoke("--help")
    assert done.exit_code == 0
    assert "compare" in done.stdout
    assert "info" in done.stdout


def test_it_runs_as_a_module() -> None:
    done = run_python("-m", "nativeconc", "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nativeconc ")


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_tools_it_says_how_to_install_them(module) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None; from nativeconc.__main__ import main; main()"
    )
    done = run_python("-c", code)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"nativeconc: this needs {module}, which is not installed: pip install 'nativeconc[tools]'"
    )


def test_without_matplotlib_a_plot_is_refused_at_once(tmp_path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; "
        f"sys.argv = ['nativeconc', 'compare', '--plot', {str(tmp_path / 'x.png')!r}]; "
        "from nativeconc.__main__ import main; main()"
    )
    done = run_python("-c", code)
    assert done.returncode == 1
    assert "this needs matplotlib, which is not installed" in done.stderr
    assert not list(tmp_path.iterdir())


def test_importing_nativeconc_imports_no_tool() -> None:
    code = (
        "import sys, nativeconc; "
        "print([m for m in ('rich', 'typer', 'matplotlib', 'nativeconc.comparison', "
        "'nativeconc.cli', 'nativeconc.config') if m in sys.modules])"
    )
    done = run_python("-c", code)
    assert done.stdout.strip() == "[]", done.stderr


def test_measuring_imports_no_tool() -> None:
    code = (
        "import sys, nativeconc as nc; "
        "nc.compare(int, threads=1, repeat=1, budget=0.1); "
        "print([m for m in ('rich', 'typer', 'matplotlib') if m in sys.modules])"
    )
    done = run_python("-c", code)
    assert done.stdout.strip() == "[]", done.stderr


def test_ctrl_c_prints_what_there_is_and_exits_130(tmp_path) -> None:
    (tmp_path / "users_module.py").write_text(
        "import os, pathlib, time\n"
        "def work():\n"
        "    path = pathlib.Path('calls')\n"
        "    with path.open('a') as f: f.write('.')\n"
        "    time.sleep(0.002)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "nativeconc", "compare", "users_module:work"]
    child = subprocess.Popen(
        [*command, "--threads", "1", "--repeat", "100000", "--json", "out.json"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        calls = tmp_path / "calls"
        while child.poll() is None and not (calls.exists() and calls.stat().st_size > 1000):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=120)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, err
    assert "your callable" in out
    assert "Interrupted: only part of the comparison was measured." in out
    assert "Traceback" not in err
    assert json.loads((tmp_path / "out.json").read_text())["complete"] is False
