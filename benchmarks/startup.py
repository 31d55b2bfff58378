"""Claim: importing the runtime costs under 20 ms beyond numpy and onnxruntime, help under 0.4 s.

Fresh processes, alternating; the import is timed inside a process that has imported numpy and
onnxruntime already, the help as a whole process. Medians.

    python -m benchmarks.startup
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

from benchmarks import results

IMPORT_MS, HELP_MS = 20.0, 400.0
TIMED = (
    "import time, numpy, onnxruntime; begin = time.perf_counter(); "
    "from ssdgm_runtime import load; "
    "print(1000 * (time.perf_counter() - begin))"
)


def environment() -> dict[str, str]:
    """This process's, but telemetry off and bytecode kept, as a user has it."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "ORT_DISABLE_TELEMETRY": "1"}


def imported() -> float:
    """Milliseconds of `from ssdgm_runtime import load` after numpy and onnxruntime."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED],
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(done.stdout)


def helped() -> float:
    """Milliseconds of `ssdgm-export --help`, the interpreter's start included."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "ssdgm_export", "--help"]
    subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - begin)


def main(runs: int) -> dict[str, object]:
    imported(), helped()
    pairs = [(imported(), helped()) for _ in range(runs)]
    imports, helps = ([pair[i] for pair in pairs] for i in (0, 1))
    passed = statistics.median(imports) < IMPORT_MS and statistics.median(helps) < HELP_MS
    return results.write(
        "startup",
        claim=f"import ssdgm_runtime under {IMPORT_MS:g} ms, --help under {HELP_MS:g} ms",
        passed=passed,
        figures={
            "import_ms_median": statistics.median(imports),
            "import_ms_max": max(imports),
            "help_ms_median": statistics.median(helps),
            "help_ms_max": max(helps),
            "runs": runs,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    main(**vars(parser.parse_args()))
