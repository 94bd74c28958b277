# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `import nativeconc` costs over `import numpy`.

    python benchmarks/import_time.py [--rounds 21] [--json PATH]

Each sample is a fresh interpreter that imports NumPy, then nativeconc, and says how long each took,
which modules came with ours, and how many threads were started for it.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

PROBE = """
import json, os, sys, time
start = time.perf_counter()
import numpy
numpy_s = time.perf_counter() - start
modules, threads = set(sys.modules), len(os.listdir("/proc/self/task"))
start = time.perf_counter()
import nativeconc
print(json.dumps({
    "numpy_ms": numpy_s * 1e3,
    "nativeconc_ms": (time.perf_counter() - start) * 1e3,
    "threads_started": len(os.listdir("/proc/self/task")) - threads,
    "modules": sorted(set(sys.modules) - modules),
}))
"""


def probe() -> dict[str, Any]:
    """One fresh interpreter's figures."""
    output = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, text=True
    ).stdout
    figures: dict[str, Any] = json.loads(output)
    return figures


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args(argv)
    probe()  # compiles what is not compiled yet
    samples = [probe() for _ in range(arguments.rounds)]
    result = {
        "python": platform.python_version(),
        "rounds": arguments.rounds,
        "numpy_ms": median(sample["numpy_ms"] for sample in samples),
        "nativeconc_ms": median(sample["nativeconc_ms"] for sample in samples),
        "nativeconc_ms_spread": [
            min(sample["nativeconc_ms"] for sample in samples),
            max(sample["nativeconc_ms"] for sample in samples),
        ],
        "threads_started": max(sample["threads_started"] for sample in samples),
        "modules": samples[0]["modules"],
    }
    print(f"import numpy:            {result['numpy_ms']:8.1f} ms")
    print(f"import nativeconc after: {result['nativeconc_ms']:8.1f} ms")
    print(f"threads started:         {result['threads_started']:8}")
    others = [name for name in result["modules"] if not name.startswith("nativeconc")]
    print(f"modules that came along: {len(others):8} ({', '.join(others)})")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
