# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nativeconc` and `python -m nativeconc`."""

from __future__ import annotations

import sys

from nativeconc.comparison.extras import needs_tools

__all__ = ["main"]


def main() -> None:
    """Run the command line. Without the `tools` extra: say how to install it, exit code 1."""
    try:
        with needs_tools("typer"):
            import typer  # noqa: F401
        with needs_tools("rich"):
            import rich  # noqa: F401
    except ModuleNotFoundError as error:
        print(f"nativeconc: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    from nativeconc.cli import app

    app(prog_name="nativeconc")


if __name__ == "__main__":
    main()
