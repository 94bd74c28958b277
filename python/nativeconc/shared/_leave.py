# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The end of a process: names that nobody else holds go with it.

Objects that live until the interpreter ends are not always freed then. Their memory is the kernel's
business; a name would stay until the next process looks. Children of multiprocessing do not run
`atexit`'s functions before Python 3.13, but multiprocessing's own.
"""

from __future__ import annotations

import atexit
import multiprocessing.util

from nativeconc import _core

__all__: list[str] = []


class _Anchor:
    """Something that multiprocessing can hold weakly."""


_anchor = _Anchor()


def _leave_with_multiprocessing(_: object = None) -> None:
    multiprocessing.util.Finalize(None, _core.leave_segment_names, exitpriority=-100)


atexit.register(_core.leave_segment_names)
multiprocessing.util.register_after_fork(_anchor, _leave_with_multiprocessing)
