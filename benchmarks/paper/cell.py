"""One run of the grid: train or go on, convert, and classify the test images without torch."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, resume, train
from ssdgm_train.recipes import recipe
from ssdgm_train.runs.session import Session

DATA = "mnist"
SPENT = "seconds.json"
FIRST = "m1"
"""The run that the others start from: M1, trained once; its features never look at a label."""


def main(out: Path, kind: str, method: str, labels: int, seed: int) -> None:
    """Bring a cell to its end; its folder then holds `cell.json`."""
    folder = out / name(method, labels, seed)
    run = folder / "run"
    session = resume(run) if run.exists() else _begin(out, run, kind, method, labels, seed)
    minutes = _trained(session, folder / SPENT)
    _write(folder / "cell.json", {**_figures(session, folder), "minutes": minutes})


def first(out: Path, kind: str, seed: int) -> None:
    """Train the M1 that the cells start from, if it is not trained yet."""
    run = out / FIRST
    if not (run / "result.json").exists():
        session = resume(run) if run.exists() else begin(DATA, _recipe(kind, "m1"), run, 100, seed)
        _trained(session, out / f"{FIRST}-{SPENT}")


def _trained(session: Session, spent: Path) -> float:
    """Train to the end; the minutes of one core that it took, those before a break included."""
    former = json.loads(spent.read_text()) if spent.exists() else 0.0
    begun = time.perf_counter()
    try:
        for progress in train(session):
            if progress.terms is not None:
                print(progress.step, progress.steps, progress.validation, flush=True)
    finally:
        seconds = former + (time.perf_counter() - begun) * session.threads
        spent.write_text(json.dumps(seconds))
    return seconds / 60


def name(method: str, labels: int, seed: int) -> str:
    """The folder of a cell."""
    return f"{method}-{labels}-{seed}"


def _begin(out: Path, run: Path, kind: str, method: str, labels: int, seed: int) -> Session:
    start = out / FIRST if STARTS[kind][method] else None
    plan = _recipe(FROM_M1.get((kind, method), kind), f"{method}-{labels}")
    return begin(DATA, plan, run, labels, seed, init_from=start)


STARTS = {
    "default": {"m1": True, "m2": True, "m1m2": True},
    "paper": {"m1": True, "m2": False, "m1m2": True},
}
"""Which methods start from the M1 that was trained first."""

FROM_M1 = {("default", "m2"): "pretrained"}
"""What the recipes are called that are for such a start, where that is not the kind's name."""


def _recipe(kind: str, rest: str) -> recipe.Recipe:
    return recipe.load(f"{kind}-{rest}")


def _figures(session: Session, folder: Path) -> dict[str, Any]:
    """The test error as torch and as the runtime have it."""
    result, described = session.run.result, session.run.read()
    assert result is not None
    bundle = folder / "model.ssdgm"
    if not bundle.exists():
        convert(session.run.path, bundle)
    with ssdgm_runtime.load(bundle) as model:
        verified = model.verify().passed
        found = model.classify(session.data.x_test, batch_size=1000)
    assert session.data.y_test is not None
    return {
        **{key: getattr(described.data, key) for key in ("labelled", "unlabelled", "validation")},
        "method": described.plan.method,
        "seed": session.seed,
        "steps": session.steps,
        "test_error": result.test.error,
        "runtime_test_error": float(np.mean(found.labels != session.data.y_test)),
        "validation_error": result.validation.error,
        "pool_error": result.unlabelled.error,
        "verified": verified,
    }


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=STARTS, default="default")
    parser.add_argument("--method", choices=STARTS["default"])
    parser.add_argument("--labels", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.method is None:
        first(given.out, given.kind, given.seed)
    else:
        main(**vars(given))
