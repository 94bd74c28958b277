# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Primitives that meet by name, within this process."""

from __future__ import annotations

import threading
from typing import Any, Self
from weakref import WeakValueDictionary

__all__ = ["Meeting"]

_named: WeakValueDictionary[str, Meeting] = WeakValueDictionary()
_lock = threading.Lock()


class Meeting:
    """The first that asks for a name makes the object, and all others get the same one.

    Raises:
        TypeError: The name is neither a str nor None.
        ValueError: What has the name is of another kind, or was made with other parameters.
    """

    _recipe: tuple[Any, ...]
    _name: str | None = None
    _is_made = False

    def __new__(cls, *args: Any, name: str | None = None, **kwargs: Any) -> Self:
        """Make it, or find it."""
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a str or None, not {type(name).__name__}")
        recipe = (cls, args, kwargs)
        with _lock:
            found = None if name is None else _named.get(name)
            if found is None:
                found = super().__new__(cls)
                found._recipe = recipe
                found._name = name
                if name is not None:
                    _named[name] = found
        if found._recipe != recipe:
            raise ValueError(f"there is already something named {name!r}, and it is another")
        assert isinstance(found, cls)
        return found

    @property
    def name(self) -> str | None:
        """The name by which others meet here, or None."""
        return self._name

    def _is_first(self) -> bool:
        """Whether `__init__` runs for the first time."""
        is_first, self._is_made = not self._is_made, True
        return is_first
