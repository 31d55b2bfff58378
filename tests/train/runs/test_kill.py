"""SIGKILL at random moments: what is left can be resumed and ends with the same weights."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cases
import numpy as np
import pytest

from ssdgm_train.data import catalog
from ssdgm_train.runs.directory import Run

pytestmark = pytest.mark.slow
SCRIPT = """
import signal, sys
from pathlib import Path
import cases
for step in cases.train_until_the_end(sys.argv[1], Path(sys.argv[2])):
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
    if step >= int(sys.argv[3]):
        signal.pause()
"""

PATHS = (str(Path(cases.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")]))


def train_and_kill(source: str, out: Path, step: int, delay: float) -> None:
    """Train in another process and kill it a moment after it reports a step.

    It waits to be killed a few steps later, however slow the machine is.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, source, str(out), str(step + 8)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)},
        text=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= step:
                break
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_a_run_killed_three_times_ends_with_the_weights_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(11)
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    source, step = cases.saved(tmp_path / "digits.npz", catalog.digits()), 0
    for _ in range(3):
        step += int(random.integers(1, 20))
        train_and_kill(source, broken, step, float(random.uniform(0, 0.03)))
        assert Run(broken).result is None
    assert list(cases.train_until_the_end(source, broken))[-1] == 80
    assert list(cases.train_until_the_end(source, whole))[-1] == 80
    assert cases.outcome(broken) == cases.outcome(whole)
