# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's own tests, from the installed package, on our kernels: see `numpy_suites`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from numpy_suites import FUNCTIONS, METHODS, REDUCTIONS, Suite, outside, run

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass")

# Test classes in which our functions are called. A new kernel brings its own, a name each.
ADOPTED = {
    "numpy.lib.tests.test_arraysetops": ["TestSetOps", "TestUnique"],
    "numpy.lib.tests.test_function_base": [
        "TestAmax",
        "TestAmin",
        "TestAverage",
        "TestBincount",
        "TestCov",
        "TestDigitize",
        "TestMedian",
        "TestPercentile",
        "TestQuantile",
        "TestUnique",
    ],
    "numpy.lib.tests.test_histograms": [
        "TestHistogram",
        "TestHistogramOptimBinNums",
        "TestHistogramdd",
    ],
    "numpy.lib.tests.test_nanfunctions": [
        "TestNanFunctions_MeanVarStd",
        "TestNanFunctions_Median",
        "TestNanFunctions_MinMax",
        "TestNanFunctions_NumberTypes",
        "TestNanFunctions_SumProd",
    ],
    "numpy.lib.tests.test_regression": ["TestRegression"],
    "numpy._core.tests.test_multiarray": [
        "TestLexsort",
        "TestMethods",
        "TestMinMax",
        "TestStats",
    ],
    "numpy._core.tests.test_numeric": ["TestKeepdims", "TestNonarrayArgs", "TestStdVar"],
    "numpy._core.tests.test_regression": ["TestRegression"],
    "numpy._core.tests.test_ufunc": ["TestUfunc"],
    "numpy._core.tests.test_umath": ["TestMinMax"],
}

# Every case that is left out, and why. None is about a dtype that the kernels take. (Where a case
# goes through many dtypes and array classes, the calls with others than ours go to NumPy.)
LEFT_OUT = {
    "an array of 4 GiB": ["TestUfunc.test_identityless_reduction_huge_array"],
    "a private detail: the order of elements between two places, which no partition promises": [
        "TestMethods.test_partition_iterative"
    ],
}

LISTED_FOR = "2.4"  # the NumPy that has them all

# NumPy 1 has these tests in other places, and less to say about some keywords.
SUITES = {name: Suite(name) for name in ADOPTED} if np.__version__ >= "2" else {}

for _module, _suite in SUITES.items():
    for _class in ADOPTED[_module]:
        _left_out = {case for cases in LEFT_OUT.values() for case in cases}
        _name = "_".join([_class, *_module.split(".")[1:]])
        globals()[_name] = _suite.tests(_class, _left_out)


def test_what_is_left_out_exists() -> None:
    for case in [case for cases in LEFT_OUT.values() for case in cases]:
        class_name, _, test = case.partition(".")
        owners = [vars(suite.module).get(class_name) for suite in SUITES.values()]
        assert any(owners) or not SUITES, case
        # An older NumPy may lack the test.
        assert any(hasattr(owner, test) for owner in owners) or np.__version__ < LISTED_FOR, case


CALLS = {
    "add_at": "np.add.at(a, [0], 1, threads=1)",
    "bincount": "np.bincount(a, threads=1)",
    "isin": "np.isin(a, a, threads=1)",
    "partition": "np.partition(a, 1, threads=1)",
    "quantile": "np.quantile(a, 0.5, threads=1)",
    "searchsorted": "np.searchsorted(a, 1, threads=1)",
}
NEED_MORE = {"partition", "searchsorted"}
CALLS |= {name: f"np.{name}(a, threads=1)" for name in FUNCTIONS if name not in CALLS}
CALLS |= {f"{name}()": f"a.{name}(threads=1)" for name in METHODS if name not in NEED_MORE}
CALLS |= {
    f"{ufunc.__name__}.reduce": f"np.{ufunc.__name__}.reduce(a, threads=1)" for ufunc in REDUCTIONS
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ours_is_called(call: str) -> None:
    """Only ours takes threads=."""
    run(call, "<test>", {"np": np, "a": np.arange(3)})
    with pytest.raises(TypeError):
        exec(call, {"np": np, "a": np.arange(3)})
    with pytest.raises(TypeError):
        run(call, "<test>", {"np": np, "a": np.arange(3) * 1j})


@pytest.mark.parametrize("dtype", "?bBhHiIlLqQfd")
def test_our_dtypes_are_inside(dtype: str) -> None:
    one = np.ones(3, dtype)
    for value in (one, one[0], one.dtype, one.tolist(), one[0].item(), [one, [one]]):
        assert not outside(value)


OUTSIDE = [1j, Decimal(1), Fraction(1, 2), date(2000, 1, 1), slice(3), [1j], [[1], [Decimal(1)]]]
OUTSIDE += [np.zeros(3, dtype) for dtype in ("e", "g", "F", "O", "U1", "S1", "M8[s]", "m8[s]")]
OUTSIDE += [np.zeros(3, ">f8"), np.ma.zeros(3), np.zeros(3).view(np.recarray)]
OUTSIDE += [np.float16(1), np.dtype("O")]


@pytest.mark.parametrize("value", OUTSIDE, ids=repr)
def test_all_else_is_outside(value: Any) -> None:
    assert outside(value)
