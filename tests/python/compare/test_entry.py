# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""nc.compare: what it accepts, and real runs of a few milliseconds."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import nativeconc as nc
from nativeconc import kernels
from nativeconc.comparison.entry import checked_threads, kernel_cases
from nativeconc.comparison.ways import Way

SMALL = {"threads": (1, 2), "repeat": 1, "budget": 0.2}


def test_a_callable_is_run_in_threads() -> None:
    calls = []
    result = nc.compare(calls.append, (1,), **SMALL)
    assert {(row.way, row.threads) for row in result.rows()} == {
        (Way.CALLABLE, 1),
        (Way.CALLABLE, 2),
    }
    assert set(calls) == {1}
    assert result.rows()[0].kernel == "list.append"
    assert "other threads" in result.verdict or "GIL" in result.verdict or "noisy" in result.verdict


def test_keyword_arguments_are_handed_on() -> None:
    seen = set()

    def work(a, *, b):
        seen.add((a, b))

    nc.compare(work, (1,), {"b": 2}, **SMALL)
    assert seen == {(1, 2)}


def test_a_kernel_by_name_is_compared_in_every_way() -> None:
    result = nc.compare("count_primes", size=2000, **SMALL)
    assert {row.way for row in result.rows()} == set(Way) - {Way.CALLABLE}
    assert {row.threads for row in result.rows()} == {1, 2}
    assert all(row.stall is not None for row in result.rows())
    assert all(row.units == 2000 for row in result.rows() if row.way is Way.RELEASED)
    assert json.loads(result.to_json())["parameters"]["size"] == 2000


def test_a_kernel_by_function_is_the_same_as_by_name() -> None:
    result = nc.compare(kernels.count_primes, size=2000, **SMALL)
    assert result.parameters.kernels == ("count_primes",)
    assert Way.PYTHON in {row.way for row in result.rows()}


def test_a_kernel_on_given_arguments_is_compared_in_native_ways() -> None:
    result = nc.compare(kernels.sum, ([1.0, 2.0],), **SMALL)
    assert [row.way for row in result.rows()][::2] == [Way.HELD, Way.RELEASED, Way.POOL]
    assert all(row.versus_python is None for row in result.rows())
    assert "vs Python" not in result.table()


@pytest.mark.parametrize("kernel", ["sum", kernels.sum])
@pytest.mark.parametrize("keyword", [{"threads": 2}, {"gil": "hold"}])
def test_a_kernel_is_not_given_what_the_comparison_varies(kernel, keyword) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(keyword))} .* in kwargs.* varies"):
        nc.compare(kernel, ([1.0, 2.0],), keyword, **SMALL)


def test_a_callable_may_have_such_keyword_arguments() -> None:
    seen = set()

    def work(*, threads, gil):
        seen.add((threads, gil))

    nc.compare(work, (), {"threads": 2, "gil": "mine"}, **SMALL)
    assert seen == {(2, "mine")}


@pytest.mark.parametrize("threads", [np.int64(2), np.array([1, 2]), (np.int32(1), np.uint8(2))])
def test_numpy_ints_are_ints(threads) -> None:
    result = nc.compare(
        "count_primes", threads=threads, size=np.int64(2000), repeat=np.int32(1), budget=0.2
    )
    parameters = json.loads(result.to_json())["parameters"]
    assert (parameters["threads"], parameters["size"], parameters["repeat"]) == ([1, 2], 2000, 1)


def test_progress_is_reported() -> None:
    told = []
    nc.compare(math.sqrt, (2.0,), report=lambda what, share: told.append((what, share)), **SMALL)
    assert told[-1] == ("done", 1.0)
    shares = [share for _, share in told]
    assert shares == sorted(shares)


def test_what_the_callable_raises_comes_out() -> None:
    def fail():
        raise LookupError("no luck")

    with pytest.raises(LookupError, match="no luck"):
        nc.compare(fail, **SMALL)


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "words"),
    [
        (("nope",), {}, ValueError, "no kernel 'nope'; there are: sum, "),
        ((["sum", "nope"],), {}, ValueError, "no kernel 'nope'"),
        (([],), {}, ValueError, "no kernel given"),
        ((3,), {}, TypeError, "not 3"),
        (([3],), {}, TypeError, r"not \[3\]"),
        ((None, (1,)), {}, ValueError, "arguments need"),
        ((["sum"], (1,)), {}, ValueError, "arguments need"),
        ((math.sqrt, 2.0), {}, TypeError, "args must be a tuple or list"),
        ((math.sqrt, "2"), {}, TypeError, "args must be a tuple or list"),
        ((math.sqrt, (2.0,)), {"size": 3}, ValueError, "size cannot be chosen"),
        (("sum",), {"threads": 0}, ValueError, "threads must be from 1 to"),
        (("sum",), {"threads": ()}, ValueError, "at least one number"),
        (("sum",), {"threads": (1, -2)}, ValueError, "not -2"),
        (("sum",), {"threads": 10**6}, ValueError, "from 1 to"),
        (("sum",), {"threads": True}, TypeError, "not True"),
        (("sum",), {"threads": 1.5}, TypeError, "not 1.5"),
        (("sum",), {"threads": (1, False)}, TypeError, "not False"),
        (("sum",), {"threads": np.True_}, TypeError, "not .*True"),
        (("sum",), {"threads": [np.True_]}, TypeError, "not .*True"),
        (("sum",), {"threads": "2"}, TypeError, "not '2'"),
        (("sum",), {"size": 0}, ValueError, "size must be at least 1, not 0"),
        (("sum",), {"size": 1.5}, TypeError, "size must be an int"),
        (("sum",), {"size": 10**15}, ValueError, "size 1000000000000000 of sum on .* needs"),
        (("sum",), {"repeat": 0}, ValueError, "repeat must be at least 1"),
        (("sum",), {"repeat": True}, TypeError, "repeat must be an int"),
        (("sum",), {"size": np.True_}, TypeError, "size must be an int"),
        ((math.sqrt, (2.0,), 5), {}, TypeError, "kwargs must be a dict .* not int"),
        ((math.sqrt, (2.0,), 0), {}, TypeError, "kwargs must be a dict .* not int"),
        (("sum",), {"budget": 0}, ValueError, "budget must be a positive"),
        (("sum",), {"budget": math.nan}, ValueError, "budget must be a positive"),
        (("sum",), {"budget": "1"}, TypeError, "budget must be a number"),
    ],
)
def test_bad_input_is_a_clear_error(arguments, keywords, error, words) -> None:
    with pytest.raises(error, match=words):
        nc.compare(*arguments, **keywords)


def test_one_thread_is_always_among_them() -> None:
    assert checked_threads(4) == (1, 4)
    assert checked_threads([4, 2, 4]) == (1, 2, 4)
    assert checked_threads(None)[0] == 1


def test_kernels_are_compared_once_each_in_the_order_given() -> None:
    names = [case.name for case in kernel_cases(["sum", "count_primes", kernels.sum])]
    assert names == ["sum", "count_primes"]
