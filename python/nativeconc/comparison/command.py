# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nativeconc compare`: check the request, measure with a progress bar, print, save."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from nativeconc.comparison.comparison import Comparison
from nativeconc.comparison.entry import make_study
from nativeconc.comparison.extras import needs_tools
from nativeconc.comparison.measure import Report
from nativeconc.comparison.runner import WorkError
from nativeconc.comparison.starting import ThreadsRefusedError
from nativeconc.comparison.study import Study

__all__ = ["Request", "execute"]

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
_WIDTH_WITHOUT_TERMINAL = 100


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line was given, unchecked."""

    target: str | None = None
    kernels: tuple[str, ...] = ()
    threads: str | None = None
    size: int | None = None
    repeat: int | None = None
    budget: float = 40.0
    json: Path | None = None
    plot: Path | None = None
    html: Path | None = None


class BadRequest(Exception):  # noqa: N818 - it is no fault of the program
    """The input cannot be used; the message is for the user."""


def execute(request: Request) -> int:
    """Run the command; return its exit code. Prints the table on stdout, all else on stderr."""
    errors = Console(stderr=True)
    try:
        study = _checked_study(request)
        code = _measure(study, request, errors)
        result = study.result()
        if code == INTERRUPTED and not result.rows():
            errors.print("Interrupted before anything was measured.")
            return code
        _show(result)
        _save(result, request, errors)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BadRequest as error:
        errors.print(Text(f"nativeconc compare: {error}"), soft_wrap=True)
        return BAD_INPUT
    except (ModuleNotFoundError, ThreadsRefusedError) as error:
        errors.print(Text(f"nativeconc compare: {error}"), soft_wrap=True)
        return FAILED
    return code


def _measure(study: Study, request: Request, errors: Console) -> int:
    """Run the study: 0, or 130 after Ctrl-C."""
    try:
        with _progress(errors) as report:
            study.run(report)
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError as error:
        raise BadRequest(f"there is not enough memory: {error}") from error
    except WorkError as error:
        name = request.target or "a kernel"
        raise BadRequest(f"{name} raised {error}") from error.cause
    return OK


@contextmanager
def _progress(console: Console) -> Iterator[Report]:
    """A progress bar that is redrawn between runs only: a thread of its own would disturb them."""
    columns = (
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    bar = Progress(*columns, console=console, auto_refresh=False, transient=True)
    task = bar.add_task("", total=1.0)

    def report(what: str, share: float) -> None:
        bar.update(task, completed=share, description=what)
        bar.refresh()

    if not console.is_terminal:
        yield lambda _what, _share: None
        return
    with bar:
        yield report


def _show(result: Comparison) -> None:
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_WIDTH_WITHOUT_TERMINAL)
    console.print(result)


def _checked_study(request: Request) -> Study:
    """The study that is asked for. From here on, a ValueError is no fault of the input."""
    try:
        study = _study(request)
        _check_outputs(request)
    except (ValueError, TypeError) as error:
        raise BadRequest(str(error)) from error
    return study


def _study(request: Request) -> Study:
    threads = None if request.threads is None else _parsed_threads(request.threads)
    keywords: dict[str, Any] = {
        "threads": threads,
        "size": request.size,
        "repeat": request.repeat,
        "budget": request.budget,
    }
    if request.target is None:
        return make_study(request.kernels or None, **keywords)
    if request.kernels:
        raise BadRequest(f"give either {request.target} or --kernel, not both")
    return make_study(_imported(request.target), name=request.target, **keywords)


def _parsed_threads(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise BadRequest(f"--threads must be numbers such as 1,2,4, not {text!r}") from None


def _imported(target: str) -> Callable[..., object]:
    """The callable that `module:function` names; the current directory is searched first."""
    module_name, colon, path = target.partition(":")
    if not (module_name and colon and path):
        raise BadRequest(
            f"a callable is given as module:function, not {target!r} (for a kernel: --kernel)"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise BadRequest(f"there is no module {module_name!r} here") from None
        raise BadRequest(f"importing {module_name} failed: {error}") from error
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise BadRequest(f"importing {module_name} raised {kind}: {error}") from error
    for name in path.split("."):
        if not hasattr(found, name):
            raise BadRequest(f"module {module_name!r} has no {path!r}")
        found = getattr(found, name)
    if not callable(found):
        raise BadRequest(f"{target} is {type(found).__name__}, which cannot be called")
    function: Callable[..., object] = found
    return function


def _check_outputs(request: Request) -> None:
    """Before anything is measured: a minute's work must not end at a missing folder."""
    for option, path in (
        ("--json", request.json),
        ("--plot", request.plot),
        ("--html", request.html),
    ):
        if path is None:
            continue
        existed = path.exists()
        try:
            with path.open("a"):
                pass
            if not existed:
                path.unlink()
        except OSError as error:
            raise BadRequest(f"{option} cannot write {path}: {error.strerror}") from None
    if request.plot is not None:
        with needs_tools("matplotlib"):
            from matplotlib.backend_bases import FigureCanvasBase
        kinds = FigureCanvasBase.get_supported_filetypes()
        if request.plot.suffix.lstrip(".").lower() not in kinds:
            raise BadRequest(f"--plot cannot write {request.plot.name}: name it .png, .svg or .pdf")


def _save(result: Comparison, request: Request, errors: Console) -> None:
    savers: tuple[tuple[Path | None, Callable[[Path], object]], ...] = (
        (request.json, result.to_json),
        (request.plot, result.plot),
        (request.html, result.to_html),
    )
    for path, save in savers:
        if path is None:
            continue
        try:
            save(path)
        except OSError as error:
            raise BadRequest(f"cannot write {path}: {error.strerror}") from None
        errors.print(Text(f"saved {path}"), soft_wrap=True)
