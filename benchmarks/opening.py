"""Claim: from `load` to the first answer takes at most 1.5 times as long as onnxruntime alone.

Fresh processes, alternating; the clock starts when everything is imported. Ours opens a bundle of
M2, checks what it uses and classifies one row on one thread; onnxruntime opens the same graph from
its file and runs it. Then the process that loaded waits for a second, in which it may use no
processor time. numpy's own threads, which spin for a moment after its import, are left out.

    SSDGM_DATA_DIR=data python -m benchmarks.opening
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import models, results
from benchmarks.startup import environment

MOST, IDLE_MS = 1.5, 1.0
COMMON = """
import json, sys, time
import numpy, onnxruntime
x = numpy.zeros((1, 28, 28), numpy.uint8)
"""
TIMED = """
answer = 1000 * (time.perf_counter() - begin)
busy = time.process_time()
time.sleep(1)
print(json.dumps([answer, 1000 * (time.process_time() - busy)]))
"""
OURS = """
from ssdgm_runtime import load
begin = time.perf_counter()
model = load(sys.argv[1], provider="cpu", threads=1, variant="fp32")
model.predict_proba(x)
"""
BARE = """
begin = time.perf_counter()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
session.run(["probs"], {"x": x})
"""


def run(code: str, path: Path) -> list[float]:
    """Milliseconds to the first answer, and of processor time in an idle second after it."""
    command = [sys.executable, "-c", COMMON + code + TIMED, str(path)]
    alone = {**environment(), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=alone, stdout=subprocess.PIPE, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def main(runs: int) -> dict[str, object]:
    made = models.make("m2")
    run(OURS, made.bundle), run(BARE, made.graph)
    pairs = [(run(OURS, made.bundle), run(BARE, made.graph)) for _ in range(runs)]
    ours, bare = ([pair[i][0] for pair in pairs] for i in (0, 1))
    ratio = statistics.median(ours) / statistics.median(bare)
    idle = max(pair[0][1] for pair in pairs)
    return results.write(
        "opening",
        claim=f"load to first answer takes at most {MOST} times onnxruntime's time; then idle",
        passed=ratio <= MOST and idle < IDLE_MS,
        figures={
            "ratio_of_medians": ratio,
            "ours_ms_median": statistics.median(ours),
            "onnxruntime_ms_median": statistics.median(bare),
            "idle_processor_ms_a_second_max": idle,
            "runs": runs,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    main(**vars(parser.parse_args()))
