# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What NumPy makes of a shared array: views are shared arrays, and all else is plain."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest

from nativeconc import shared

VIEWS: dict[str, Callable[[Any], Any]] = {
    "row": lambda a: a[1],
    "rows": lambda a: a[1:],
    "no rows": lambda a: a[3:],
    "backwards": lambda a: a[::-1, ::-2],
    "all": lambda a: a[...],
    "new axis": lambda a: a[:, None],
    "0-d": lambda a: a[1, 2, ...],
    "transpose": lambda a: a.T,
    "transpose()": lambda a: a.transpose(1, 0),
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "reshape": lambda a: a.reshape(2, 6),
    "reshape to 1-d": lambda a: a.reshape(-1),
    "ravel": lambda a: a.ravel(),
    "view": lambda a: a.view(),
    "view of bytes": lambda a: a.view(np.uint8),
    "diagonal": lambda a: a.diagonal(),
    "squeeze": lambda a: a[:, :1].squeeze(),
    "squeeze an axis": lambda a: a[None].squeeze(axis=0),
    "real": lambda a: a.real,
    "numpy.squeeze": lambda a: np.squeeze(a[:1]),
    "numpy.transpose": np.transpose,
    "numpy.moveaxis": lambda a: np.moveaxis(a, 0, 1),
    "numpy.rollaxis": lambda a: np.rollaxis(a, 1),
    "numpy.reshape": lambda a: np.reshape(a, (4, 3)),
    "numpy.ravel": np.ravel,
    "numpy.expand_dims": lambda a: np.expand_dims(a, 0),
    "numpy.flip": np.flip,
    "numpy.flipud": np.flipud,
    "numpy.rot90": np.rot90,
    "numpy.diagonal": np.diagonal,
    "numpy.atleast_3d": np.atleast_3d,
    "numpy.split": lambda a: np.split(a, 3)[1],
    "numpy.array_split": lambda a: np.array_split(a, 5)[4],  # an empty one
    "numpy.hsplit": lambda a: np.hsplit(a, 2)[1],
    "numpy.asanyarray": np.asanyarray,
    "numpy.broadcast_to": lambda a: np.broadcast_to(a, (2, 3, 4), subok=True),
    "iteration": lambda a: next(iter(a)),
    "no need to copy": lambda a: a.astype(float, copy=False),
}

COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": lambda a: a.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "copied in a list": lambda a: copy.deepcopy([a])[0],
    "astype": lambda a: a.astype(int),
    "astype same": lambda a: a.astype(float),
    "flatten": lambda a: a.flatten(),
    "ravel of a transpose": lambda a: a.T.ravel(),
    "reshape of a transpose": lambda a: a.T.reshape(-1),
    "rows by list": lambda a: a[[0, 2]],
    "rows by array": lambda a: a[np.array([0, 2])],
    "elements": lambda a: a[[0, 1], [1, 2]],
    "mask": lambda a: a[a > 3],
    "take": lambda a: a.take([0, 1]),
    "compress": lambda a: a.compress([True, False], axis=0),
    "choose": lambda a: (a[0] > 1).choose(a[0], a[1]),
    "repeat": lambda a: a.repeat(2),
    "cumsum": lambda a: a.cumsum(),
    "cumprod": lambda a: a.cumprod(axis=0),
    "argsort": lambda a: a.argsort(),
    "argpartition": lambda a: a.argpartition(1),
    "argmax": lambda a: a.argmax(axis=0),
    "sum": lambda a: a.sum(axis=0),
    "sum with kept dimensions": lambda a: a.sum(keepdims=True),
    "mean": lambda a: a.mean(axis=1),
    "std": lambda a: a.std(axis=1),
    "max": lambda a: a.max(axis=0),
    "any": lambda a: a.any(axis=0),
    "clip": lambda a: a.clip(1, 2),
    "round": lambda a: a.round(1),
    "dot": lambda a: a.dot(a.T),
    "nonzero": lambda a: a.nonzero()[0],
    "searchsorted": lambda a: a[0].searchsorted([1, 2]),
    "byteswap": lambda a: a.byteswap(),
    "conj": lambda a: (a + 1j).conj(),
    "imag": lambda a: a.imag,
    "+": lambda a: a + 1,
    "reflected +": lambda a: 1 + a,
    "-": lambda a: -a,
    "@": lambda a: a @ a.T,
    "<": lambda a: a < 3,
    "divmod": lambda a: divmod(a, 2)[1],
    "abs": abs,
    "with a plain array": lambda a: np.ones((3, 4)) * a,
    "numpy.copy": np.copy,
    "numpy.array": np.array,
    "numpy.array with subclasses": lambda a: np.copy(a, subok=True),
    "numpy.sin": np.sin,
    "numpy.add": lambda a: np.add(a, 1),
    "numpy.add.reduce": np.add.reduce,
    "numpy.add.accumulate": np.add.accumulate,
    "numpy.add.reduceat": lambda a: np.add.reduceat(a, [0, 2]),
    "numpy.add.outer": lambda a: np.add.outer(a, a),
    "numpy.modf": lambda a: np.modf(a)[1],
    "numpy.sort": np.sort,
    "numpy.sort 1-d": lambda a: np.sort(a, axis=None),
    "numpy.argsort": np.argsort,
    "numpy.partition": lambda a: np.partition(a, 1),
    "numpy.unique": np.unique,
    "numpy.empty_like": np.empty_like,
    "numpy.zeros_like": np.zeros_like,
    "numpy.ones_like": np.ones_like,
    "numpy.full_like": lambda a: np.full_like(a, 3),
    "numpy.concatenate": lambda a: np.concatenate([a, a]),
    "numpy.concatenate one": lambda a: np.concatenate([a]),
    "numpy.stack": lambda a: np.stack([a, a]),
    "numpy.vstack": lambda a: np.vstack([a, a]),
    "numpy.append": lambda a: np.append(a, a),
    "numpy.insert": lambda a: np.insert(a, 0, 1),
    "numpy.delete": lambda a: np.delete(a, 0, axis=0),
    "numpy.tile": lambda a: np.tile(a, 2),
    "numpy.repeat": lambda a: np.repeat(a, 2),
    "numpy.roll": lambda a: np.roll(a, 1),
    "numpy.pad": lambda a: np.pad(a, 1),
    "numpy.where": lambda a: np.where(a > 3, a, 0),
    "numpy.where by place": lambda a: np.where(a > 3)[0],
    "numpy.select": lambda a: np.select([a > 3], [a]),
    "numpy.take": lambda a: np.take(a, [0, 1]),
    "numpy.take_along_axis": lambda a: np.take_along_axis(a, np.argsort(a), axis=1),
    "numpy.extract": lambda a: np.extract(a > 3, a),
    "numpy.resize": lambda a: np.resize(a, (2, 2)),
    "numpy.diff": np.diff,
    "numpy.gradient": lambda a: np.gradient(a)[0],
    "numpy.cumsum": np.cumsum,
    "numpy.median": lambda a: np.median(a, axis=0),
    "numpy.percentile": lambda a: np.percentile(a, [10, 50]),
    "numpy.histogram": lambda a: np.histogram(a)[0],
    "numpy.cov": np.cov,
    "numpy.convolve": lambda a: np.convolve(a[0], a[1]),
    "numpy.interp": lambda a: np.interp(a, a[0], a[1]),
    "numpy.dot": lambda a: np.dot(a, a.T),
    "numpy.outer": lambda a: np.outer(a, a),
    "numpy.einsum": lambda a: np.einsum("ij,kj->ik", a, a),
    "numpy.tensordot": lambda a: np.tensordot(a, a.T, 1),
    "numpy.kron": lambda a: np.kron(a, a),
    "numpy.tril": np.tril,
    "numpy.meshgrid": lambda a: np.meshgrid(a[0], a[1])[0],
    "numpy.apply_along_axis": lambda a: np.apply_along_axis(np.cumsum, 0, a),
    "numpy.vectorize": lambda a: np.vectorize(float)(a),
    "numpy.piecewise": lambda a: np.piecewise(a, [a > 3], [1, 2]),
    "numpy.nan_to_num": np.nan_to_num,
    "numpy.linalg.svd": lambda a: np.linalg.svd(a)[0],
    "numpy.linalg.svd(...)[2]": lambda a: np.linalg.svd(a)[2],
    "numpy.linalg.qr": lambda a: np.linalg.qr(a)[1],
    "numpy.linalg.inv": lambda a: np.linalg.inv(a[:2, :2] + 1 + np.eye(2)),
    "numpy.linalg.eigh": lambda a: np.linalg.eigh(a[:, :3])[1],
    "numpy.fft.fft": np.fft.fft,
    "random permutation": lambda a: np.random.default_rng(1).permutation(a),
    "random choice": lambda a: np.random.default_rng(1).choice(a, 2),
}


@pytest.fixture
def array() -> shared.Array:
    return shared.copy(np.arange(12.0).reshape(3, 4))


def is_shared(result: Any, source: Any) -> bool:
    """Whether it is a view, also for another process: its pickle comes back as the same memory."""
    again = pickle.loads(pickle.dumps(result))
    if result.size == 0:
        return type(again) is shared.Array and (again.shape, again.dtype) == (
            result.shape,
            result.dtype,
        )
    there, here = again.__array_interface__["data"], result.__array_interface__["data"]
    return there == here and np.shares_memory(result, source)


@pytest.mark.parametrize("look", VIEWS.values(), ids=VIEWS)
def test_views_are_shared_arrays(look: Callable[[Any], Any], array: shared.Array) -> None:
    view = look(array)
    assert type(view) is shared.Array
    assert is_shared(view, array)
    np.testing.assert_array_equal(view, look(np.asarray(array)))


@pytest.mark.parametrize("function", COPIES.values(), ids=COPIES)
def test_copies_and_results_are_plain(function: Callable[[Any], Any], array: shared.Array) -> None:
    result = function(array)
    assert type(result) is np.ndarray
    assert not np.shares_memory(result, array)
    assert type(function(array[:, :])) is np.ndarray
    if function is not np.empty_like:
        np.testing.assert_array_equal(result, function(np.asarray(array)))


@pytest.mark.parametrize(
    "function",
    [
        *(np.sum, np.mean, np.std, np.var, np.max, np.min, np.prod, np.any, np.all, np.ptp),
        *(np.argmax, np.median, np.average, np.nansum, np.count_nonzero, np.linalg.norm, np.trace),
        *(lambda a: a.sum(), lambda a: a.mean(), lambda a: a.std(), lambda a: a.var()),
        *(lambda a: a.max(), lambda a: a.argmin(), lambda a: a.any(), lambda a: a.prod()),
        *(lambda a: a[0] @ a[0], lambda a: a[0].dot(a[0]), lambda a: np.vdot(a, a)),
        *(lambda a: np.add.reduce(a, axis=None), lambda a: np.inner(a[0], a[0])),
        *(lambda a: a[1, 2], lambda a: a[1, 2, ...][()], lambda a: a.take(1), lambda a: a.trace()),
        *(lambda a: a[1, 2, ...] + 1, lambda a: -a[1, 2, ...], lambda a: np.sin(a[1, 2, ...])),
        *(lambda a: a[1, 2, ...] < 2, lambda a: abs(a[1, 2, ...]), lambda a: a[1, 2, ...].clip(0)),
        *(lambda a: np.modf(a[1, 2, ...])[0], lambda a: divmod(a[1, 2, ...], 2)[1]),
    ],
)
def test_what_is_a_scalar_of_a_plain_array_is_one_here(
    function: Callable[[Any], Any], array: shared.Array
) -> None:
    result, expected = function(array), function(np.asarray(array))
    assert type(result) is type(expected)
    assert not isinstance(result, np.ndarray)
    assert result == expected


# --- all of NumPy ---------------------------------------------------------------------------------

SOURCES: dict[str, Callable[[], Any]] = {
    "2-d": lambda: shared.copy(np.arange(12.0).reshape(3, 4)),
    "1-d": lambda: shared.copy(np.arange(5.0)),
    "0-d": lambda: shared.copy(3.0),
    "3-d": lambda: shared.copy(np.arange(24.0).reshape(2, 3, 4)),
    "empty": lambda: shared.zeros((0, 3)),
    "one element": lambda: shared.copy([[5]]),
    "square": lambda: shared.copy(np.eye(3) + np.arange(9.0).reshape(3, 3) / 10),
    "Fortran": lambda: shared.copy(np.arange(12.0).reshape(3, 4, order="F")),
    "strided": lambda: shared.copy(np.arange(24.0).reshape(4, 6))[::2, ::-2],
    "int": lambda: shared.copy(np.arange(12).reshape(3, 4)),
    "bool": lambda: shared.copy([True, False, True]),
    "complex": lambda: shared.copy(np.arange(4) + 1j),
    "bytes": lambda: shared.copy([b"a", b"bc"]),
    "str": lambda: shared.copy(["a", "bc"]),
    "datetime": lambda: shared.copy(np.array(["2020-01-01", "2020-01-02"], "M8[D]")),
    "records": lambda: shared.copy(np.array([(1, 2.0)], [("a", int), ("b", float)])),
}
ARGUMENTS: tuple[Callable[[Any], tuple[Any, ...]], ...] = (
    lambda a: (a,),
    lambda a: (a, a),
    lambda a: (a, a, a),
    lambda a: ([a, a],),
    lambda a: (a, 0),
    lambda a: (a, 1),
    lambda a: (a, -1),
    lambda a: (a, [0]),
    lambda a: (a, 0, 0),
    lambda a: (a, 0, 1),
    lambda a: (a, a.shape),
    lambda a: (a > 0, a, a),
    lambda a: ("i...", a),
)
# They change the process, write files, or print; or NumPy keeps them for itself.
LEFT_OUT = ("set", "save", "show", "info", "test", "add_newdoc", "fromfile", "fastCopyAndTranspose")


def functions() -> Iterator[Callable[..., Any]]:
    for module in (np, np.linalg, np.fft, np.char, np.lib.stride_tricks):
        for name in sorted(dir(module)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function = getattr(module, name)
            is_wanted = callable(function) and not isinstance(function, type)
            if is_wanted and not name.startswith(("_", *LEFT_OUT)):
                yield function


def methods() -> Iterator[Callable[..., Any]]:
    for name in sorted(dir(shared.Array)):
        if not name.startswith(("_", "set", "dump", "tofile")):
            yield (
                lambda a, *args, name=name: (
                    found(*args) if callable(found := getattr(a, name)) else found
                )
            )


def arrays_in(result: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(result, shared.Array):
        yield result
    elif isinstance(result, tuple | list) and depth < 4:
        for part in result:
            yield from arrays_in(part, depth + 1)
    elif isinstance(result, dict):
        yield from arrays_in(list(result.values()), depth + 1)


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_whatever_numpy_gives_is_shared_or_plain(make: Callable[[], Any]) -> None:
    calls = found = 0
    with warnings.catch_warnings(), np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for function in (*functions(), *methods()):
            for arguments in ARGUMENTS:
                array = make()
                try:
                    result = function(*arguments(array))
                except Exception:  # it does not take these
                    continue
                calls += 1
                for part in arrays_in(result):
                    found += 1
                    name = getattr(function, "__name__", function)
                    assert is_shared(part, array), (name, arguments(array), part)
    assert calls > 300
    assert found > 30
