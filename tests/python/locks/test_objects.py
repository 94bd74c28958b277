# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Locks and semaphores as Python objects: subclasses, weak references, copies, memory."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import sys
import threading
import weakref

import pytest

import nativeconc as nc
from nativeconc import reference

KINDS = [nc.Lock, nc.Semaphore, nc.BoundedSemaphore]
TWINS = [reference.Lock, reference.Semaphore, reference.BoundedSemaphore]


def use(primitive):
    with primitive, pytest.raises(nc.LockTimeout), primitive.timeout(0):
        pass
    assert primitive.acquire(False)
    primitive.release()


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_has_a_dict_and_an_init_of_its_own(kind):
    class Guarded(kind):
        def __init__(self, what, *, shouting=False):
            super().__init__()
            self.what = what.upper() if shouting else what

        def describe(self):
            return f"guards {self.what}"

    guarded = Guarded("the ledger", shouting=False)
    use(guarded)
    assert guarded.describe() == "guards the ledger"
    assert guarded.__dict__ == {"what": "the ledger"}
    assert isinstance(guarded, kind)
    assert "Guarded" in repr(guarded)


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_that_never_calls_our_init_works(kind):
    class Careless(kind):
        def __init__(self, *args, **kwargs):
            pass

    careless = Careless(1, 2, colour="red")
    use(careless)
    if kind is not nc.Semaphore:
        careless.acquire()
        careless.release()
        with pytest.raises((RuntimeError, ValueError)):
            careless.release()


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_with_slots(kind):
    class Slotted(kind):
        __slots__ = ("extra",)

    slotted = Slotted()
    slotted.extra = "here"
    use(slotted)
    with pytest.raises(AttributeError):
        slotted.other = 1
    with pytest.raises(AttributeError):
        kind().other = 1


def test_a_subclass_passes_arguments_on():
    class Named(nc.Lock):
        pass

    class Counted(nc.BoundedSemaphore):
        pass

    assert Named(name="ledger").name == "ledger"
    assert "value=4/4" in repr(Counted(4))
    assert "value=4/4" in repr(Counted(value=4))


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_may_override_and_call_up(kind):
    calls = []

    class Traced(kind):
        def acquire(self, *args, **kwargs):
            calls.append("acquire")
            return super().acquire(*args, **kwargs)

        def __enter__(self):
            calls.append("enter")
            return super().__enter__()

        def __exit__(self, *details):
            calls.append("exit")
            return super().__exit__(*details)

    traced = Traced()
    with traced:
        assert traced.acquire(False) is False
    assert calls == ["enter", "acquire", "exit"]


@pytest.mark.parametrize("kind", KINDS)
def test_multiple_inheritance(kind):
    class Mixin:
        colour = "red"

    class Both(Mixin, kind):
        pass

    both = Both()
    use(both)
    assert both.colour == "red"


def test_classes_are_immutable():
    for kind in KINDS:
        with pytest.raises(TypeError):
            kind.acquire = None


def test_bounded_semaphores_are_semaphores():
    assert issubclass(nc.BoundedSemaphore, nc.Semaphore)


@pytest.mark.parametrize("kind", KINDS + TWINS)
def test_weak_references(kind):
    class Derived(kind):
        pass

    for make in (kind, Derived):
        primitive, gone = make(), []
        reference = weakref.ref(primitive, gone.append)
        assert reference() is primitive
        assert weakref.proxy(primitive).acquire() is True
        del primitive
        gc.collect()
        assert reference() is None
        assert gone == [reference]


@pytest.mark.parametrize("kind", KINDS)
def test_weak_keys(kind):
    table = weakref.WeakKeyDictionary()
    primitive = kind()
    table[primitive] = 1
    assert table[primitive] == 1
    del primitive
    gc.collect()
    assert len(table) == 0


@pytest.mark.parametrize("kind", KINDS + TWINS)
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy]
    + [
        lambda thing, protocol=protocol: pickle.dumps(thing, protocol)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ],
)
def test_copies_and_pickles_are_refused(kind, duplicate):
    class Derived(kind):
        pass

    names = f"({kind.__name__}|Derived)"
    for primitive in (kind(), Derived()):
        with pytest.raises(TypeError, match=rf"cannot pickle or copy '.*{names}' object"):
            duplicate(primitive)
        with pytest.raises(TypeError):
            duplicate({"nested": [primitive]}) if duplicate is not copy.copy else duplicate(
                primitive
            )


@pytest.mark.parametrize("kind", KINDS)
def test_cycles_through_a_timed_entry_are_collected(kind):
    class WithDict(kind):
        pass

    class Seconds(float):
        pass

    primitive = WithDict()
    primitive.entry = primitive.timeout(1)
    other = kind()
    seconds = Seconds(1)
    seconds.entry = other.timeout(seconds)
    watched = [weakref.ref(primitive), weakref.ref(other)]
    del primitive, other, seconds
    gc.collect()
    assert [ref() for ref in watched] == [None, None]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_may_be_dropped_inside_its_own_with(kind):
    primitive = kind()
    watched = weakref.ref(primitive)
    with primitive:
        del primitive
        gc.collect()
    gc.collect()
    assert watched() is None


def test_docstrings_and_signatures_say_how_to_call():
    signature = inspect.signature
    assert str(signature(nc.Lock.acquire)) == "(self, /, blocking=True, timeout=-1)"
    assert str(signature(nc.Semaphore.acquire)) == "(self, /, blocking=True, timeout=None)"
    assert str(signature(nc.Semaphore.release)) == "(self, /, n=1)"
    assert str(signature(nc.Lock)) == "(*, name=None)"
    assert str(signature(nc.Semaphore)) == str(signature(nc.BoundedSemaphore)) == "(value=1)"
    for kind in KINDS:
        assert kind.__module__ == "nativeconc"
        for name in ("acquire", "release", "timeout", "__enter__", "__exit__"):
            assert getattr(kind, name).__doc__


def operations():
    lock, semaphore, bounded = nc.Lock(), nc.Semaphore(), nc.BoundedSemaphore()

    class Derived(nc.Lock):
        pass

    def enter(primitive):
        with primitive:
            pass

    def fail(call, *args, **kwargs):
        with pytest.raises((TypeError, ValueError, RuntimeError, OverflowError)):
            call(*args, **kwargs)

    def time_out(primitive):
        with primitive:
            try:
                with primitive.timeout(0):
                    pass
            except nc.LockTimeout:
                pass

    def wait(primitive):
        with primitive:
            primitive.acquire(timeout=1e-9)

    yield "create", lambda: [kind() for kind in KINDS]
    yield "create with a name", lambda: nc.Lock(name="".join(["led", "ger"]))
    yield "name again", lambda: lock.__init__(name="".join(["led", "ger"]))
    yield "create a subclass", lambda: Derived()
    for primitive in (lock, semaphore, bounded):
        name = type(primitive).__name__
        yield f"with {name}", lambda p=primitive: enter(p)
        yield f"timeout of {name}", lambda p=primitive: enter(p.timeout(10.5))
        yield f"timeout of {name} that passes", lambda p=primitive: time_out(p)
        yield f"wait for {name}", lambda p=primitive: wait(p)
        yield f"repr of {name}", lambda p=primitive: repr(p)
        yield f"weakref to {name}", lambda p=primitive: weakref.ref(p, print)
        yield f"{name}: bad timeout", lambda p=primitive: fail(p.acquire, timeout="1")
        yield f"{name}: NaN", lambda p=primitive: fail(p.acquire, timeout=float("nan"))
        yield f"{name}: bad keyword", lambda p=primitive: fail(p.acquire, nonsense=1)
        yield f"{name}: bad timeout()", lambda p=primitive: fail(p.timeout, -1.5)
        yield f"{name}: pickle", lambda p=primitive: fail(pickle.dumps, p)
    yield "release too often", lambda: (fail(lock.release), fail(bounded.release))
    yield "bad value", lambda: (fail(nc.Semaphore, "1"), fail(nc.Semaphore, 2**100))
    yield "bad name", lambda: fail(nc.Lock, name=3)


@pytest.fixture
def _quick_collections():
    # What exists already is left out of every collection, which makes them fast.
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_quick_collections")
@pytest.mark.parametrize(
    "operation", [pytest.param(call, id=name.replace(" ", "-")) for name, call in operations()]
)
def test_no_operation_leaks(operation):
    def blocks_after(n):
        for _ in range(n):
            operation()
        gc.collect()
        return sys.getallocatedblocks()

    types_before = [sys.getrefcount(kind) for kind in KINDS]
    blocks_after(300)  # caches fill
    # Other threads' memory may come and go: a leak shows every time.
    growth = []
    for _ in range(4):
        before = blocks_after(1)
        growth.append(blocks_after(300) - before)
    assert min(growth) < 100, growth
    for kind, before in zip(KINDS, types_before, strict=True):
        assert sys.getrefcount(kind) - before < 100


@pytest.mark.usefixtures("_quick_collections")
def test_waiting_threads_keep_the_lock_alive_and_leak_nothing():
    for _ in range(50):
        lock = nc.Lock()
        lock.acquire()
        watched = weakref.ref(lock)
        waiter = threading.Thread(target=lock.acquire)
        waiter.start()
        lock.release()
        waiter.join()
        del lock, waiter
        gc.collect()
        assert watched() is None


@pytest.mark.parametrize("kind", [nc.Semaphore, nc.BoundedSemaphore])
def test_initialising_again_while_somebody_waits_sets_the_count_and_no_more(kind):
    semaphore = kind(0)
    got = []
    waiter = threading.Thread(target=lambda: got.append(semaphore.acquire(timeout=0.05)))
    waiter.start()
    while waiter.is_alive():
        semaphore.__init__(0)
    assert got == [False]
    assert "value=0" in repr(semaphore)
    waiter = threading.Thread(target=lambda: got.append(semaphore.acquire()))
    waiter.start()
    semaphore.__init__(2)
    waiter.join()
    # Whether it came before or after, it took one of the two, or one that was then replaced.
    assert got == [False, True]
    assert "value=1" in repr(semaphore) or "value=2" in repr(semaphore)
