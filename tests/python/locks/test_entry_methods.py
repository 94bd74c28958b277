# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""__enter__ and __exit__ are bound in a way of our own, which nobody should notice."""

from __future__ import annotations

import contextlib
import gc
import inspect
import threading
import weakref

import pytest

import nativeconc as nc

MANAGERS = {
    "Lock": nc.Lock,
    "RLock": nc.RLock,
    "Semaphore": nc.Semaphore,
    "BoundedSemaphore": nc.BoundedSemaphore,
    "Condition": nc.Condition,
    "timeout": lambda: nc.Lock().timeout(100),
    "read": lambda: nc.RWLock().read(),
    "write": lambda: nc.RWLock().write(),
    "acquire_all": lambda: nc.acquire_all(nc.Lock(), nc.RLock()),
}
ENTRIES = ("__enter__", "__exit__")


@pytest.fixture(params=MANAGERS)
def manager(request: pytest.FixtureRequest):
    return MANAGERS[request.param]()


@pytest.mark.parametrize("name", ENTRIES)
def test_on_the_type_they_are_plain_method_descriptors(manager, name) -> None:
    method = getattr(type(manager), name)
    assert type(method) is type(str.join)
    assert method.__name__ == name
    assert inspect.isroutine(method)


@pytest.mark.parametrize("name", ENTRIES)
def test_bound_they_describe_themselves_as_other_methods_do(manager, name) -> None:
    bound = getattr(manager, name)
    assert bound.__self__ is manager
    assert bound.__name__ == name
    assert bound.__qualname__.endswith(f".{name}")
    assert bound.__doc__ == getattr(type(manager), name).__doc__
    assert repr(bound).startswith(f"<built-in method {name} of ")
    assert hex(id(manager)) in repr(bound)
    assert callable(bound)


def test_bound_they_are_equal_if_object_and_method_are(manager) -> None:
    assert manager.__enter__ == manager.__enter__
    assert hash(manager.__enter__) == hash(manager.__enter__)
    assert manager.__enter__ != manager.__exit__
    assert manager.__enter__ != nc.Lock().__enter__
    assert manager.__enter__ != 1


def test_called_by_hand_they_work(manager) -> None:
    for _ in range(2):
        manager.__enter__()
        manager.__exit__(None, None, None)
        type(manager).__enter__(manager)
        type(manager).__exit__(manager, None, None, None)


def test_wrong_arguments_are_type_errors(manager) -> None:
    with pytest.raises(TypeError, match="takes no arguments"):
        manager.__enter__(1)
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        manager.__enter__(x=1)
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        manager.__exit__(None, None, tb=None)


@pytest.mark.parametrize("name", ENTRIES)
def test_they_bind_to_objects_of_their_type_alone(manager, name) -> None:
    defining = next(t for t in type(manager).__mro__ if name in vars(t))
    with pytest.raises(TypeError, match="doesn't apply to"):
        vars(defining)[name].__get__(object())
    with pytest.raises(TypeError):
        getattr(type(manager), name)(object())


def test_an_exit_stack_enters_and_leaves(manager) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(manager)


def test_a_method_kept_for_later_keeps_its_object() -> None:
    lock = nc.Lock()
    gone = weakref.ref(lock)
    enter, leave = lock.__enter__, lock.__exit__
    del lock
    for _ in range(100):  # others come and go meanwhile
        with nc.Lock():
            pass
    assert enter() is True
    assert gone().locked()
    leave(None, None, None)
    del enter, leave
    gc.collect()
    assert gone() is None


def test_many_statements_inside_one_another() -> None:
    locks = [nc.Lock() for _ in range(100)]

    def enter(i: int) -> None:
        if i == len(locks):
            assert all(lock.locked() for lock in locks)
            return
        with locks[i]:
            enter(i + 1)

    enter(0)
    assert not any(lock.locked() for lock in locks)


def test_a_cycle_through_a_bound_method_is_collected() -> None:
    class Holder(nc.Lock):
        pass

    holder = Holder()
    holder.enter = holder.__enter__
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_subclasses_may_extend_them() -> None:
    calls = []

    class Loud(nc.RLock):
        def __enter__(self):
            calls.append("enter")
            return super().__enter__()

        def __exit__(self, *exc_info):
            calls.append("exit")
            return super().__exit__(*exc_info)

    loud = Loud()
    with loud:
        assert loud._is_owned()
    assert not loud._is_owned()
    assert calls == ["enter", "exit"]


def test_threads_bind_at_the_same_time() -> None:
    counter, lock = 0, nc.Lock()

    def count() -> None:
        nonlocal counter
        for _ in range(2000):
            with lock:
                counter += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter == 8000
