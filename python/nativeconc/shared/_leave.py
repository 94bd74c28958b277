# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The end of a process: names that nobody else holds go with it.

Objects that live until the interpreter ends are not always freed then. Their memory is the kernel's
business; a name would stay until the next process looks. The children of multiprocessing do not run
`atexit`'s functions, but multiprocessing's own finalizers, which the main process runs, too.
"""

from __future__ import annotations

import multiprocessing.util
import os

from nativeconc import _core
from nativeconc.shared import _mailbox

__all__: list[str] = []


class _Anchor:
    """Something that multiprocessing can hold weakly."""


_anchor = _Anchor()
_LAST = -100
"""The priority of what runs when the process has waited for its children."""


def _leave() -> None:
    _mailbox.leave()  # what lies there holds names, too
    _core.leave_segment_names()


def _leave_at_the_end(_: object = None) -> None:
    multiprocessing.util.Finalize(None, _leave, exitpriority=_LAST)


_leave_at_the_end()
# A forked child begins without its parent's finalizers, whoever forks.
os.register_at_fork(after_in_child=_leave_at_the_end)
multiprocessing.util.register_after_fork(_anchor, _leave_at_the_end)
