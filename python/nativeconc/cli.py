# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The command line. Every command checks its input before it does anything that takes time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nativeconc._core import __version__

__all__ = ["app"]

_WIDTH_WITHOUT_TERMINAL = 120

app = typer.Typer(
    name="nativeconc",
    help="Concurrency for Python, done natively: measure what the GIL costs on this machine, find "
    "the deadlocks of a script, and see who holds shared memory.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"nativeconc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


# One line a paragraph: the terminal's width breaks them.
_COMPARE_HELP = "\n\n".join(
    (
        "Measure what threads gain with the GIL released, beside what they gain with it held.",
        "For each kernel and number of threads: pure Python, NumPy, native with the GIL held, "
        "native with it released, and the native pool: wall time, speedup, and how long a "
        "bystander thread is kept waiting. Takes under a minute; close other programs meanwhile.",
        "Exit codes: 0 done; 1 an extra is missing, or the system grants no more threads; 2 bad "
        "input; 130 interrupted (what there is by then is printed).",
    )
)


@app.command(help=_COMPARE_HELP)
def compare(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODULE:FUNCTION]",
            help="A callable of your own, called without arguments, in place of the kernels.",
        ),
    ] = None,
    kernel: Annotated[
        list[str] | None,
        typer.Option("--kernel", "-k", help="A kernel to compare; repeat for more. All if none."),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option("--threads", "-t", help="Numbers of threads, such as 1,2,4. 1 is always in."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Units of work in one native call.")
    ] = None,
    repeat: Annotated[
        int | None, typer.Option("--repeat", help="How often each row is timed (5 if time allows).")
    ] = None,
    budget: Annotated[
        float, typer.Option("--budget", help="Seconds that the whole should take.")
    ] = 40.0,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Save the result as JSON.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Save a figure (png, svg, pdf)."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE.html", help="Save a page of its own.")
    ] = None,
) -> None:
    """Run the comparison (its help is `_COMPARE_HELP`)."""
    from nativeconc.comparison.command import Request, execute

    raise typer.Exit(
        execute(
            Request(
                target=target,
                kernels=tuple(kernel or ()),
                threads=threads,
                size=size,
                repeat=repeat,
                budget=budget,
                json=json,
                plot=plot,
                html=html,
            )
        )
    )


_DEADLOCKS_HELP = "\n\n".join(
    (
        "Run a script with its locks watched: deadlocks, and lock orders that can become one.",
        "The script runs as `python SCRIPT ARGS` would run it, but threading's locks, and so those "
        "of other people's code too, are nativeconc's. Each report goes to stderr as it comes. "
        "In a deadlock one thread gets DeadlockError, and the others go on.",
        "Exit codes: 3 something was found; 2 there is no such script; else the script's own (130 "
        "after Ctrl-C). What exit handlers and daemon threads find after the end of the script is "
        "shown, but does not count; after os._exit() the exit code is the script's own.",
    )
)


@app.command(help=_DEADLOCKS_HELP, context_settings={"allow_interspersed_args": False})
def deadlocks(
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT", help="The script; with -m, the name of a module.")
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARGS]...", help="All that follows belongs to the script."),
    ] = None,
    module: Annotated[bool, typer.Option("-m", help="Run a module, as python -m does.")] = False,
) -> None:
    """Run a script under watch (its help is `_DEADLOCKS_HELP`)."""
    from nativeconc.deadlock.command import execute

    raise typer.Exit(execute(script, tuple(arguments or ()), is_module=module))


@app.command()
def info() -> None:
    """Show versions, CPU budget, GIL, SIMD, CUDA, shared memory and huge pages (nc.show_config)."""
    from nativeconc.config import config, spoken

    console = Console()
    for section, values in config().items():
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", min_width=30, no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in values.items():
            label, text = spoken(name, value)
            table.add_row(Text(f"  {label}"), Text(text))
        console.print(Text(section, style="bold"))
        console.print(table)


shm = typer.Typer(
    help="See the shared memory of this user, and remove what only dead processes held.",
    no_args_is_help=True,
)
app.add_typer(shm, name="shm")

_SHM_LIST_HELP = "\n\n".join(
    (
        "List all shared memory of this user: its name, size and age, and the processes that "
        "hold it.",
        "An arena is one piece that holds many small buffers and arrays. Processes of other users "
        "and of other pid namespaces (containers) are not seen.",
        "Exit codes: 0 done; 1 an extra is missing; 2 bad input.",
    )
)


@shm.command("list", help=_SHM_LIST_HELP)
def shm_list(
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON: a list of objects, sizes in bytes, ages in s."),
    ] = False,
) -> None:
    """List shared memory (its help is `_SHM_LIST_HELP`)."""
    from nativeconc.shared.command import found, rows, to_json

    described = found()
    if json:
        print(to_json(described))
        return
    if not described:
        print("There is no shared memory.")
        return
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_WIDTH_WITHOUT_TERMINAL)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("name", "kind", "size", "age", "held by"):
        is_number = heading in ("size", "age")
        table.add_column(
            heading, overflow="fold", no_wrap=is_number, justify="right" if is_number else "left"
        )
    for row in rows(described):
        table.add_row(*map(Text, row))
    console.print(table)


_SHM_SWEEP_HELP = "\n\n".join(
    (
        "Remove the names that no living process holds, and print them.",
        "Processes that create or attach named memory do the same now and then; this does it now. "
        "What a living process holds is left alone.",
        "Exit codes: 0 done, whether there was anything to remove or not; 1 an extra is missing; "
        "2 bad input.",
    )
)


@shm.command("sweep", help=_SHM_SWEEP_HELP)
def shm_sweep() -> None:
    """Remove what only the dead held (its help is `_SHM_SWEEP_HELP`)."""
    from nativeconc.shared.command import sweep_lines

    for line in sweep_lines():
        print(line)
