# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""Every SIMD path gives the same bits; NATIVECONC_SIMD chooses one."""

from __future__ import annotations

from typing import Any

import pytest

from nativeconc import _core

PATHS = ["baseline", "avx2", "avx512"]

DIGEST = """
    import hashlib
    import numpy as np
    import nativeconc as nc
    from nativeconc import _core

    random = np.random.default_rng(3)
    digest = hashlib.sha256()
    for n in (1, 33, 513, 140_001):
        a = random.standard_normal(n)
        for x in (a, a.astype("f4"), (a * 1e8).astype("i4"), (a * 1e17).astype("i8"), a[::-2]):
            digest.update(nc.kernels.sum(x, threads=2).tobytes())
    digest.update(nc.kernels.mandelbrot(size=(123, 45), max_iter=300).tobytes())
    digest.update(repr(nc.kernels.monte_carlo_pi(100_007, 9)).encode())
    digest.update(repr(nc.kernels.count_primes(1_000_000)).encode())
    print(_core.simd_path(), digest.hexdigest())
"""


def test_every_path_of_this_machine_gives_the_same_bits(run_script: Any) -> None:
    digests = set()
    for path in PATHS[: PATHS.index(_core.simd_path()) + 1]:
        used, digest = run_script(DIGEST, env={"NATIVECONC_SIMD": path}).check().stdout.split()
        assert used == path
        digests.add(digest)
    assert len(digests) == 1


@pytest.mark.parametrize("value", ["sse9", "AVX2"])
def test_an_unknown_path_is_an_error_at_the_first_call(value: str, run_script: Any) -> None:
    run_script(
        """
        import nativeconc as nc
        for _ in range(2):
            try:
                nc.kernels.sum([1.0])
            except ValueError as error:
                print(error)
        """,
        env={"NATIVECONC_SIMD": value},
    ).check(
        f"NATIVECONC_SIMD must be 'baseline', 'avx2' or 'avx512', not '{value}'\n" * 2,
    )


@pytest.mark.skipif(_core.simd_path() == "avx512", reason="this machine supports every path")
def test_a_path_that_the_machine_lacks_is_an_error(run_script: Any) -> None:
    run_script(
        """
        import nativeconc as nc
        try:
            nc.kernels.count_primes(10)
        except ValueError as error:
            print("does not support" in str(error))
        """,
        env={"NATIVECONC_SIMD": "avx512"},
    ).check("True\n")
