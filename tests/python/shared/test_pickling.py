# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Shared memory goes from process to process as a handle, and lives as long as anybody needs it."""

from __future__ import annotations

import gc
import pickle
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from nativeconc import shared
from nativeconc.errors import SegmentError
from nativeconc.shared._handles import restore_buffer
from python.shared.handles import TRANSPORTS
from python.shared.processes import TESTS, files_with, new_name

pytestmark = pytest.mark.watchdog(300)

METHODS = ("fork", "spawn", "forkserver")
LIMIT_S = 240.0  # for a machine that is slow and loaded

Run = Callable[..., None]


@pytest.fixture
def run(run_script: Callable[..., Any]) -> Run:
    """Calls a function of handles.py in a fresh interpreter, in which nothing else goes on."""

    def call(function: str, *args: str) -> None:
        source = f"from python.shared import handles\nhandles.{function}(*{args!r})\n"
        finished = run_script(source, env={"PYTHONPATH": str(TESTS)}, timeout=LIMIT_S)
        finished.check("")

    return call


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("method", METHODS)
def test_everything_goes_there_and_back(method: str, transport: str, run: Run) -> None:
    run("there_and_back", method, transport)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "program",
    ["killed_after_sending", "siblings", "grandchild", "loaded_twice", "nothing_is_left"],
)
def test_handles_between(program: str, method: str, run: Run) -> None:
    run(program, method)


def test_joblib(run: Run) -> None:
    pytest.importorskip("joblib")
    run("by_joblib")


SENDER = """
    import pickle, sys
    import numpy as np
    from nativeconc import shared

    size, name, path = int(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
    array = shared.full(size, 5.0, name=name)
    with open(path, "wb") as file:
        pickle.dump(array, file)
"""


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("size", [10, 50_000])
def test_a_handle_of_the_dead_is_told_to_be_gone(
    size: int, is_named: bool, tmp_path: Any, run_script: Callable[..., Any]
) -> None:
    """Sender and receiver are strangers, and who started the sender does not listen."""
    path, name = str(tmp_path / "handle"), new_name("gone")
    run_script(
        """
        import subprocess, sys
        subprocess.run([sys.executable, "-c", *sys.argv[1:]], check=True)
        """,
        *(textwrap.dedent(SENDER), str(size), name if is_named else "", path),
    ).check("")
    assert not files_with(name)
    finished = run_script(
        """
        import pickle, sys
        from nativeconc import shared
        for _ in range(2):
            with open(sys.argv[1], "rb") as file:
                try:
                    pickle.load(file)
                except FileNotFoundError as error:
                    print(error)
        """,
        path,
    ).check()
    assert len(finished.stdout.splitlines()) == 2
    assert "shared memory" in finished.stdout


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("size", [10, 50_000])
def test_a_handle_of_the_living_reaches_a_stranger(
    size: int, is_named: bool, tmp_path: Any, run_script: Callable[..., Any]
) -> None:
    """The one who waits starts the sender and, beside it, the receiver."""
    path, name = str(tmp_path / "handle"), new_name("living")
    run_script(
        """
        import subprocess, sys
        sender, *args = sys.argv[1:]
        receive = '''if True:
            import pickle, sys
            with open(sys.argv[1], "rb") as file:
                array = pickle.load(file)
            assert (array == 5).all()
            array[...] = 6
        '''
        wait = "\\nprint('sent', flush=True); input(); assert (array == 6).all()"
        with subprocess.Popen(
            [sys.executable, "-c", sender + wait, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as child:
            assert child.stdout.readline() == "sent\\n"
            subprocess.run([sys.executable, "-c", receive, args[-1]], check=True)
            child.communicate("\\n")
        assert child.returncode == 0
        """,
        *(textwrap.dedent(SENDER), str(size), name if is_named else "", path),
    ).check("")


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("size", [10, 50_000])
def test_what_any_child_leaves_is_there_for_its_parent(
    size: int, is_named: bool, tmp_path: Any, run_script: Callable[..., Any]
) -> None:
    """Also where the child was not started by multiprocessing."""
    path, name = str(tmp_path / "handle"), new_name("left")
    run_script(
        """
        import pickle, subprocess, sys
        from nativeconc import shared
        sender, *args = sys.argv[1:]
        subprocess.run([sys.executable, "-c", sender, *args], check=True)
        with open(args[-1], "rb") as file:
            array = pickle.load(file)
        assert (array == 5).all()
        array[...] = 6
        """,
        *(textwrap.dedent(SENDER), str(size), name if is_named else "", path),
    ).check("")
    assert not files_with(name)


def test_too_many_handles_on_their_way_are_refused_and_none_is_lost(
    run_script: Callable[..., Any],
) -> None:
    run_script(
        """
        import errno, gc, pickle, resource
        from nativeconc import shared
        from nativeconc.shared import _in_flight
        from python.shared.processes import descriptors

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, most))
        BIG = 100_000
        pickle.loads(pickle.dumps(shared.zeros(BIG, "u1")))
        gc.collect(); shared.sweep()
        before = descriptors()
        limit = shared.in_flight().limit
        assert limit == 50
        pickles = [pickle.dumps(shared.full(BIG, i, "u1")) for i in range(limit)]
        for _ in range(3):
            try:
                pickle.dumps(shared.zeros(BIG, "u1"))
            except OSError as error:
                assert error.errno == errno.EMFILE and "50 handles" in str(error)
            else:
                raise AssertionError("there is no room")
        assert shared.in_flight() == (limit, 0, limit, limit)
        assert len(descriptors()) == len(before) + limit
        for i, pickled in enumerate(pickles):
            assert (pickle.loads(pickled) == i).all()
        gc.collect(); shared.sweep()
        assert shared.in_flight() == (0, 0, 0, limit)
        assert descriptors() == before

        # What was pickled long ago is taken for thrown away: the oldest makes room.
        _in_flight.OLD_S = 0.0
        pickles = [pickle.dumps(shared.full(BIG, i, "u1")) for i in range(limit + 5)]
        for pickled in pickles[:5]:
            try:
                pickle.loads(pickled)
            except FileNotFoundError:
                continue
            raise AssertionError("it should be gone")
        for i in range(5, limit + 5):
            assert (pickle.loads(pickles[i]) == i).all()

        # Small ones share descriptors: many more may be on their way.
        _in_flight.OLD_S = 30.0
        pickles = [pickle.dumps(shared.full(10, i)) for i in range(10_000)]
        assert shared.in_flight().handles == 10_000
        assert len(descriptors()) <= len(before) + 10
        for i, pickled in enumerate(pickles):
            assert (pickle.loads(pickled) == i).all()
        gc.collect(); shared.sweep()
        assert shared.in_flight() == (0, 0, 0, limit)
        assert descriptors() == before
        """,
        env={"PYTHONPATH": str(TESTS)},
        timeout=LIMIT_S,
    ).check("")


def test_a_sweep_can_forget_what_is_on_its_way(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import gc, os, pickle
        from nativeconc import shared
        from python.shared.processes import descriptors, in_fork, new_name

        pickle.loads(pickle.dumps(shared.zeros(100_000, "u1")))
        gc.collect(); shared.sweep()
        before = descriptors()
        name = new_name("thrown")
        pickle.dumps(shared.zeros(3, name=name))
        thrown = [pickle.dumps(shared.zeros(100_000)) for _ in range(5)]
        in_fork(lambda: [pickle.dumps(shared.zeros(100_000)) for _ in range(5)] and None)
        try:
            shared.zeros(3, name=name)
        except FileExistsError:
            pass
        else:
            raise AssertionError("a handle of that name is on its way")
        # The child has let go of nothing that may still be wanted.
        assert shared.in_flight()[:2] == (6, 5), shared.in_flight()
        shared.sweep()
        assert shared.in_flight()[:2] == (6, 5), shared.in_flight()
        shared.sweep(in_flight=True)
        assert shared.in_flight()[:3] == (0, 0, 0), shared.in_flight()
        assert descriptors() == before
        shared.zeros(3, name=name)
        """,
        env={"PYTHONPATH": str(TESTS)},
        timeout=LIMIT_S,
    ).check("")


def test_what_arrived_is_given_back_by_the_next_big_one(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import gc, pickle
        from nativeconc import shared
        from python.shared.processes import mappings

        shared.sweep()
        before = len(mappings())
        for _ in range(40):  # of one buffer, more than there are of a small one
            pickled = [pickle.dumps(array := shared.zeros(1_000_000)) for _ in range(1)]
            pickled += [pickle.dumps(array) for _ in range(50)]
            for one in pickled:
                pickle.loads(one)
            del array
        new = shared.zeros(1_000_000)
        assert len(mappings()) == before + 1, mappings()
        """,
        env={"PYTHONPATH": str(TESTS)},
        timeout=LIMIT_S,
    ).check("")


def test_a_pickle_that_is_read_twice_takes_no_others_place() -> None:
    array = shared.full(50_000, 3.0)
    first = pickle.dumps(array)
    pickle.loads(first)
    second = pickle.dumps(array)
    pickle.loads(first)
    del array
    gc.collect()
    assert (pickle.loads(second) == 3).all()


def test_a_handler_that_pickles_in_the_middle_of_pickling(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import pickle, signal
        from nativeconc import shared
        small, big = shared.zeros(10), shared.zeros(50_000)
        def handler(signum, frame):
            pickle.loads(pickle.dumps(small)); pickle.loads(pickle.dumps(big))
            if not is_over:
                signal.setitimer(signal.ITIMER_REAL, 0.0002)  # never inside itself
        is_over = False
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0002)
        for _ in range(3000):
            pickle.loads(pickle.dumps(big)); pickle.dumps(small)
        is_over = True
        """,
        timeout=LIMIT_S,
    ).check("")


def test_a_child_that_throws_pickles_away_floods_nobody(run_script: Callable[..., Any]) -> None:
    run_script(
        """
        import pickle, resource
        from nativeconc import shared
        from python.shared.processes import descriptors, in_fork

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, most))
        shared.sweep()
        before = descriptors()
        limit = shared.in_flight().limit

        def flood():
            for _ in range(1000):
                try:
                    pickle.dumps(shared.zeros(100_000, "u1"))
                except OSError:
                    return
            raise AssertionError("no limit")

        for _ in range(3):
            in_fork(flood)
        # Whatever the children have left is kept in bounds.
        array = pickle.loads(pickle.dumps(shared.zeros(100_000, "u1")))
        assert shared.in_flight().from_children <= limit
        assert len(descriptors()) <= len(before) + limit + 10
        """,
        env={"PYTHONPATH": str(TESTS)},
        timeout=LIMIT_S,
    ).check("")


def test_in_flight_counts_what_has_not_arrived() -> None:
    shared.sweep()
    before = shared.in_flight()
    assert before.limit >= 8
    array = shared.zeros(50_000)
    pickled = [pickle.dumps(array), pickle.dumps(array[1:])]
    assert shared.in_flight().handles == before.handles + 1
    assert shared.in_flight().descriptors == before.descriptors + 1
    for one in pickled:
        pickle.loads(one)
    assert shared.in_flight() == before


def test_an_arrived_handle_needs_a_holder() -> None:
    """Once it has arrived it is kept no longer; who still holds it can unpickle it again."""
    array = shared.full(50_000, 3.0)
    pickled = pickle.dumps(array)
    first = pickle.loads(pickled)
    del array
    second = pickle.loads(pickled)
    assert first.ctypes.data == second.ctypes.data
    del first, second
    shared.sweep()
    with pytest.raises(FileNotFoundError):
        pickle.loads(pickled)


def test_what_is_no_handle_is_refused() -> None:
    function, (handle, name, sender) = shared.Buffer(8).__reduce__()
    assert function is restore_buffer
    assert memoryview(restore_buffer(handle, name, sender)).nbytes == 8
    with pytest.raises(ValueError, match="no handle"):
        restore_buffer((handle[0][:-1], *handle[1:]), name, sender)
    for wrong in (
        (b"?" * 16, *handle[1:]),  # no such segment
        (handle[0], 1 << 20, *handle[2:]),  # no such block
        (*handle[:2], handle[2] + 1, *handle[3:]),  # another use of the block
    ):
        with pytest.raises((FileNotFoundError, SegmentError)):
            restore_buffer(wrong, name, sender)
