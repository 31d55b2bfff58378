"""Claim: a run that is killed (SIGKILL) twenty times at random ends with the same weights.

The command line trains M2 on digits and is killed at random moments, from the interpreter's start
to the middle of a checkpoint; what is left is resumed, to be killed again. In the end the weights,
the optimiser and the metrics equal those of an undisturbed run, byte for byte.

    python -m benchmarks.kill --times 20
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from ssdgm_train.runs.directory import Run

SETTINGS = ("train.steps=3000", "run.evaluate_every=20", "model.hidden=32", "model.latent=4")


def command(run: Path, seed: int) -> list[str]:
    """Begin the run, or go on with it."""
    tool = [sys.executable, "-m", "ssdgm_export", "train", "--quiet"]
    if run.exists():
        return [*tool, "--resume", str(run)]
    changes = [word for setting in SETTINGS for word in ("--set", setting)]
    words = ("digits", "--method", "m2", "--labels", "100", "--seed", str(seed), "--device", "cpu")
    return [*tool, *words, "--out", str(run), *changes]


def killed(run: Path, seed: int, seconds: float) -> bool:
    """Train for some seconds, then SIGKILL; False if the run ended before."""
    try:
        subprocess.run(command(run, seed), stdout=subprocess.DEVNULL, timeout=seconds, check=True)
    except subprocess.TimeoutExpired:  # subprocess.run has killed it by SIGKILL
        return True
    return False


def outcome(path: Path) -> dict[str, bytes]:
    """Every file of the last checkpoint, and the metrics."""
    run = Run(path)
    assert run.result is not None
    assert run.latest is not None
    files = [*sorted(run.latest.iterdir()), path / "metrics.jsonl"]
    return {file.name: file.read_bytes() for file in files}


def main(times: int, seed: int) -> dict[str, object]:
    random.seed(seed)
    kills, runs, same, waits = 0, 0, True, list[float]()
    with tempfile.TemporaryDirectory() as folder:
        while kills < times:
            broken, whole = Path(folder) / f"broken-{runs}", Path(folder) / f"whole-{runs}"
            while kills < times:
                waits.append(random.uniform(0.1, 8.0))
                if not killed(broken, runs, waits[-1]):
                    break
                kills += 1
            subprocess.run(command(broken, runs), stdout=subprocess.DEVNULL, check=True)
            subprocess.run(command(whole, runs), stdout=subprocess.DEVNULL, check=True)
            same &= outcome(broken) == outcome(whole)
            runs += 1
            print(f"{kills} kills, {runs} runs, identical: {same}", flush=True)
    return results.write(
        "kill",
        claim=f"a run killed {times} times at random ends with the same bytes",
        passed=same,
        figures={"kills": kills, "runs": runs, "identical": same, "seed": seed},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
