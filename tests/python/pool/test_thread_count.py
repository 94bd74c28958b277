# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How many threads a kernel uses: the machine, the environment, set_num_threads, num_threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

import nativeconc as nc

NOT_INTS = [1.0, "2", None, [2], True, False]
OUT_OF_RANGE = [0, -1, 1025, 2**31, 2**64, -(2**64)]


@pytest.fixture(autouse=True)
def _restore_default():
    before = nc.get_num_threads()
    yield
    nc.set_num_threads(before)


def in_thread(function):
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


def test_the_default_is_at_least_one():
    assert isinstance(nc.get_num_threads(), int)
    assert nc.get_num_threads() >= 1


@pytest.mark.parametrize("n", [1, 2, 7, 1024])
def test_what_is_set_is_got_by_all_threads(n):
    assert nc.set_num_threads(n) is None
    assert nc.get_num_threads() == n
    assert in_thread(nc.get_num_threads) == n


@pytest.mark.parametrize("use", [nc.set_num_threads, nc.num_threads])
@pytest.mark.parametrize("n", NOT_INTS)
def test_what_is_no_int_is_refused_at_once(use, n):
    before = nc.get_num_threads()
    message = f"threads must be an int from 1 to 1024, not {type(n).__name__}"
    with pytest.raises(TypeError, match=message):
        use(n)
    assert nc.get_num_threads() == before


@pytest.mark.parametrize("use", [nc.set_num_threads, nc.num_threads])
@pytest.mark.parametrize("n", OUT_OF_RANGE)
def test_what_is_out_of_range_is_refused_at_once(use, n):
    before = nc.get_num_threads()
    with pytest.raises(ValueError, match=f"threads must be from 1 to 1024, not {n}"):
        use(n)
    assert nc.get_num_threads() == before


def test_what_has_an_index_counts_as_an_int():
    import numpy as np

    with nc.num_threads(np.int64(3)):
        assert nc.get_num_threads() == 3


def test_blocks_nest_and_undo_themselves():
    nc.set_num_threads(5)
    with nc.num_threads(2):
        assert nc.get_num_threads() == 2
        with nc.num_threads(3):
            assert nc.get_num_threads() == 3
        assert nc.get_num_threads() == 2
    assert nc.get_num_threads() == 5


def test_a_block_ends_when_its_body_raises():
    before = nc.get_num_threads()
    with pytest.raises(KeyError), nc.num_threads(before + 1):
        raise KeyError
    assert nc.get_num_threads() == before


def test_a_block_that_was_not_entered_cannot_be_left():
    before, three = nc.get_num_threads(), nc.num_threads(3)
    with pytest.raises(RuntimeError, match="num_threads block was not entered"):
        three.__exit__(None, None, None)
    with three:
        pass
    with pytest.raises(RuntimeError, match="num_threads block was not entered"):
        three.__exit__(None, None, None)
    assert nc.get_num_threads() == before


def test_one_object_may_be_entered_again_inside_itself():
    before, three = nc.get_num_threads(), nc.num_threads(3)
    for _ in range(2):
        with three:
            with nc.num_threads(4), three:
                assert nc.get_num_threads() == 3
            assert nc.get_num_threads() == 3
        assert nc.get_num_threads() == before


def test_one_object_may_be_used_by_several_threads_at_once():
    three, both_inside = nc.num_threads(3), threading.Barrier(2)
    seen, errors = [], []

    def work(leaves_first):
        try:
            with three:
                both_inside.wait()
                if not leaves_first:
                    first_has_left.wait()
                seen.append(nc.get_num_threads())
            seen.append(nc.get_num_threads())
        except Exception as error:
            errors.append(error)
        finally:
            first_has_left.set()

    first_has_left = threading.Event()
    nc.set_num_threads(6)
    threads = [threading.Thread(target=work, args=(first,)) for first in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen == [3, 6, 3, 6]


def test_a_block_counts_in_its_own_thread_alone():
    nc.set_num_threads(5)
    with nc.num_threads(2):
        assert in_thread(nc.get_num_threads) == 5
        nc.set_num_threads(6)
        assert nc.get_num_threads() == 2
        assert in_thread(nc.get_num_threads) == 6
    assert nc.get_num_threads() == 6


def test_a_block_counts_in_its_own_task_alone():
    async def measure(n):
        with nc.num_threads(n):
            await asyncio.sleep(0.001)
            return nc.get_num_threads()

    async def main():
        return await asyncio.gather(*(measure(n) for n in (1, 2, 3, 4)))

    assert asyncio.run(main()) == [1, 2, 3, 4]


def test_a_copied_context_takes_the_block_along():
    with nc.num_threads(3):
        context = contextvars.copy_context()
    assert in_thread(lambda: context.run(nc.get_num_threads)) == 3


PRINT = "import nativeconc as nc; print(nc.get_num_threads())"


def test_the_environment_lowers_the_default(run_script):
    run_script(PRINT, env={"NATIVECONC_NUM_THREADS": "1"}).check("1\n")


def test_the_environment_does_not_raise_it_above_the_machine(run_script):
    plain = run_script(PRINT, env={"NATIVECONC_NUM_THREADS": ""}).check()
    for value in ("1024", "999"):
        run_script(PRINT, env={"NATIVECONC_NUM_THREADS": value}).check(plain.stdout)


def test_affinity_lowers_the_default(run_script):
    run_script("""
        import os
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        import nativeconc as nc
        print(nc.get_num_threads())
    """).check("1\n")


def test_setting_and_blocks_win_over_the_environment(run_script):
    run_script(
        """
        import nativeconc as nc
        with nc.num_threads(3):
            print(nc.get_num_threads())
        nc.set_num_threads(4)
        print(nc.get_num_threads())
        """,
        env={"NATIVECONC_NUM_THREADS": "1"},
    ).check("3\n4\n")


@pytest.mark.parametrize("value", ["0", "-1", "1025", "two", "2.5", "2 ", "0x2", "99999999999"])
def test_a_bad_environment_is_an_error_that_names_it_once_it_is_needed(run_script, value):
    run_script(
        """
        import os
        import nativeconc as nc  # importing does not fail

        with nc.Lock():
            pass
        bad = os.environ["NATIVECONC_NUM_THREADS"]
        for _ in range(2):
            try:
                nc.get_num_threads()
            except ValueError as error:
                assert f"NATIVECONC_NUM_THREADS is '{bad}'" in str(error), error
                assert "from 1 to 1024" in str(error), error
            else:
                raise AssertionError("accepted")
        nc.set_num_threads(2)
        print(nc.get_num_threads())
        """,
        env={"NATIVECONC_NUM_THREADS": value},
    ).check("2\n")


@pytest.mark.parametrize("error", [KeyError("mine"), KeyboardInterrupt()])
def test_what_an_index_raises_comes_through(error):
    class Broken:
        def __index__(self):
            raise error

    with pytest.raises(type(error)):
        nc.set_num_threads(Broken())
