# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every exception of the library. They are defined in the native core, which raises them.

All errors derive from :class:`NativeConcError`, and each also from the built-in exception that code
which does not know this library would catch. :class:`DeadlockWarning` is no error, and derives from
`RuntimeWarning` alone.
"""

from nativeconc._core import (
    CudaUnavailableError,
    DeadlockError,
    DeadlockWarning,
    LockTimeout,
    NativeConcError,
    OwnerDiedError,
    SegmentError,
    SharedMemoryFull,
)

__all__ = [
    "CudaUnavailableError",
    "DeadlockError",
    "DeadlockWarning",
    "LockTimeout",
    "NativeConcError",
    "OwnerDiedError",
    "SegmentError",
    "SharedMemoryFull",
]
