"""Claim: on MNIST the exported model predicts what torch predicts, on all 10,000 test images.

Trains M2 with 100 labels (or takes a finished run), converts it, and classifies the test images
through the runtime and through torch. Needs MNIST under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python -m benchmarks.mnist [--run runs/mnist]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import ssdgm_runtime
from benchmarks import results
from ssdgm_export import convert
from ssdgm_train import begin, evaluation, resume, train
from ssdgm_train.recipes import recipe

RECIPE = Path(__file__).resolve().parent.parent / "examples" / "recipes" / "m2-mnist.toml"


def main(run: Path, steps: int | None, seed: int) -> dict[str, object]:
    if run.exists():
        session = resume(run)
    else:
        settings = [f"train.steps={steps}"] if steps else []
        session = begin("mnist", recipe.load(RECIPE, None, settings), run, labelled=100, seed=seed)
    for progress in train(session):
        if progress.validation:
            print(progress.step, progress.terms, progress.validation, flush=True)
    x, y = session.data.x_test, session.data.y_test
    assert x is not None
    with tempfile.TemporaryDirectory() as folder:
        converted = convert(run, Path(folder) / "mnist.ssdgm")
        model = ssdgm_runtime.load(converted.path)
        found = model.classify(x)
    wanted = evaluation.raw(session.model, x, session.device).argmax(-1).numpy()
    differ = np.flatnonzero(found.labels != wanted)
    outputs = {"logits": found.logits, "probs": found.probs}
    clear = model.space.clear(outputs, converted.parity.atol, converted.parity.rtol)
    result = session.run.result
    assert result is not None
    return results.write(
        "mnist",
        claim="runtime and torch predict the same on every clear MNIST test image",
        passed=not clear[differ].any(),
        figures={
            "rows": len(x),
            "rows_that_differ": differ.tolist(),
            "of_which_clear": differ[clear[differ]].tolist(),
            "rows_too_close_to_tell": int((~clear).sum()),
            "test_error_percent_runtime": 100 * float((found.labels != y).mean()),
            "test_error_percent_torch": 100 * result.test.error,
            "steps": result.steps,
            "seed": session.seed,
            "parity_max_abs": {k: dict(v) for k, v in converted.parity.max_abs.items()},
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/mnist-100"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
