# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""One sentence for those who did not install the `tools` extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["needs_tools"]


@contextmanager
def needs_tools(module: str) -> Iterator[None]:
    """Turn a failed import of `module` in the block into a sentence that says what to install.

    Raises:
        ModuleNotFoundError: The module is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module:
            raise
        raise ModuleNotFoundError(
            f"this needs {module}, which is not installed: pip install 'nativeconc[tools]'",
            name=module,
        ) from None
