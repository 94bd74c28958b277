# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Threads create, slice, pickle, close and drop, while others fork children that do the same."""

from __future__ import annotations

import pytest

from python.shared.processes import TESTS, files_with, new_name

PRELUDE = """
    import contextlib, gc, os, pickle, random, sys, threading
    import numpy as np
    from nativeconc import shared
    from python.shared.processes import descriptors, files_with, in_fork, mappings

    sys.setswitchinterval(1e-6)
    prefix = sys.argv[1]
    pickle.loads(pickle.dumps(shared.Buffer(1)))  # opens what is open from then on

    # Before 3.14 a free-threaded interpreter forks while others have its own locks, and then its
    # child hangs in any code: there, nobody is at work while one forks.
    is_free = not getattr(sys, "_is_gil_enabled", lambda: True)()
    quiet = contextlib.nullcontext()
    if is_free and sys.version_info < (3, 14):
        quiet = threading.Lock()

    def run_all(*bodies):
        # Runs each in a thread, again and again, until the first has had enough.
        failures, stop = [], threading.Event()
        start = threading.Barrier(len(bodies))

        def run(number, body):
            rng = random.Random(number)
            start.wait()
            try:
                if number == 0:
                    body(rng)
                else:
                    while not stop.is_set():
                        body(rng)
            except BaseException as error:
                failures.append(error)
                raise
            finally:
                if number == 0 or failures:
                    stop.set()

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(bodies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == [], failures

    def picture():
        gc.collect()
        shared.sweep()
        return descriptors(), mappings(), files_with(prefix)

    def check_picture(before):
        after = picture()
        assert after == before, (after, before)
"""

FORKING = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")


@pytest.fixture
def run_threads(run_script):
    prefix = new_name("threads")

    def run(source):
        run_script(
            PRELUDE + source, prefix, timeout=800, env={"PYTHONPATH": str(TESTS)}, options=FORKING
        ).check("")

    yield run
    assert files_with(prefix) == []


pytestmark = pytest.mark.watchdog(900)


def test_threads_work_while_another_forks(run_threads):
    run_threads("""
    before = picture()
    names = iter(range(10**9))

    def work(rng):
        tag = rng.randrange(256)
        kind = rng.randrange(4)
        size = rng.choice((1, 100, 5000, 70_000))
        name = f"{prefix}-{threading.get_ident()}-{next(names)}" if kind == 0 else None
        array = shared.full(size, tag, dtype=np.uint8, name=name)
        part = array[size // 3 :: 2]
        assert (part == tag).all()
        if kind == 1:
            again = pickle.loads(pickle.dumps(part))
            assert (again == tag).all()
            again[...] = 5
            assert (part == 5).all()
        elif kind == 2:
            buffer = shared.Buffer(size)
            view = memoryview(buffer)
            buffer.close()
            view[-1] = tag
            assert view[-1] == tag
        elif kind == 3:
            shared.sweep()

    kept = [(shared.full(n, n % 251, dtype=np.uint8), n % 251) for n in (1, 50, 999, 66_000) * 10]

    def be_child():
        for array, tag in kept:
            assert (array == tag).all()
        mine = [(shared.full(n, n % 7, dtype=np.uint8), n % 7) for n in (3, 3, 4000, 80_000)]
        assert (pickle.loads(pickle.dumps(kept[0][0])) == kept[0][1]).all()
        del kept[::2]
        shared.sweep()
        for array, tag in mine + kept:
            assert (array == tag).all()

    def fork_some(rng):
        for _ in range(60):
            with quiet:
                in_fork(be_child)
                for array, tag in kept:
                    assert (array == tag).all()

    def work_unless_quiet(rng):
        with quiet:
            work(rng)

    run_all(fork_some, work_unless_quiet, work_unless_quiet, work_unless_quiet)
    kept.clear()
    check_picture(before)
    """)


def test_many_threads_fork_at_once(run_threads):
    run_threads("""
    before = picture()
    kept = [(shared.full(n, n % 251, dtype=np.uint8), n % 251) for n in (1, 50, 999, 66_000) * 5]

    def be_child():
        mine = shared.full(100, 9)
        for array, tag in kept:
            assert (array == tag).all()
        assert (mine == 9).all()

    def fork_some(rng):
        for _ in range(25):
            with quiet:
                mine = shared.full(rng.choice((10, 100, 9000)), 3)
                in_fork(be_child)
                assert (mine == 3).all()

    run_all(fork_some, fork_some, fork_some)
    kept.clear()
    check_picture(before)
    """)


def test_one_buffer_closed_viewed_and_pickled_by_all(run_threads):
    run_threads("""
    before = picture()

    class Now:
        buffer = shared.Buffer(100)
        size = 100

    def use(rng):
        buffer = Now.buffer
        way = rng.randrange(6)
        try:
            if way == 0:
                view = memoryview(buffer)
                view[len(view) // 2] = 1
                assert view[len(view) // 2] == 1
            elif way == 1:
                buffer.close()
            elif way == 2:
                again = pickle.loads(pickle.dumps(buffer))
                assert again.size == buffer.size
                memoryview(again)[0] = 1
            elif way == 3:
                np.frombuffer(buffer, dtype=np.uint8)[-1] = 1
            elif way == 4:
                repr(buffer), buffer.size, buffer.closed, buffer.name
            else:
                with buffer:
                    memoryview(buffer)[1] = 1
        except ValueError as error:
            assert "closed" in str(error), error

    def renew(rng):
        for i in range(3000):
            size = rng.choice((100, 5000, 70_000))
            name = f"{prefix}-{i}" if i % 10 == 0 else None
            Now.buffer = shared.Buffer(size, name=name)
            for _ in range(rng.randrange(8)):
                use(rng)

    run_all(renew, use, use, use)
    Now.buffer = None
    check_picture(before)
    """)


def test_names_are_created_attached_and_dropped_by_all(run_threads):
    run_threads("""
    before = picture()

    def use(rng):
        name = f"{prefix}-{rng.randrange(3)}"
        way = rng.randrange(4)
        try:
            if way == 0:
                array = shared.Array(50, dtype=np.uint8, name=name)
            elif way == 1:
                array = shared.Array(50, dtype=np.uint8, name=name, exist_ok=True)
            else:
                array = shared.attach(name, "r" if way == 2 else "r+")
        except (FileExistsError, FileNotFoundError):
            assert way != 1
            return
        if way != 2:
            array[:] = 1
        assert array.shape == (50,)
        assert len(pickle.loads(pickle.dumps(array))) == 50

    def many(rng):
        for _ in range(3000):
            use(rng)

    run_all(many, use, use, lambda rng: shared.sweep())
    check_picture(before)
    """)
