"""The paper's headline, small: MNIST with 100 labels, through the exported model.

Needs MNIST's four IDX files in the folder `mnist` under SSDGM_DATA_DIR. The default number of
steps is a demonstration: M2 on pixels rests for thousands of steps at the error of the supervised
classifier before the unlabelled images help.

    SSDGM_DATA_DIR=data python examples/mnist_100_labels.py --steps 5000
"""

import argparse
from pathlib import Path

import numpy as np

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, evaluation, train
from ssdgm_train.recipes import recipe


def main(out: Path, steps: int, seed: int) -> int:
    """Returns on how many of the test images the exported model and torch predict otherwise."""
    settings = [f"train.steps={steps}", f"run.evaluate_every={min(steps, 500)}"]
    plan = recipe.load(Path(__file__).parent / "recipes/m2-mnist.toml", None, settings)
    session = begin("mnist", plan, out, labelled=100, seed=seed)
    for progress in train(session):
        if progress.validation:
            error = 100 * progress.validation.error
            print(f"step {progress.step}: validation error {error:.2f} %")

    bundle = convert(out, out.with_name(f"{out.name}.ssdgm"))
    model = ssdgm_runtime.load(bundle.path)
    x, y = session.data.x_test, session.data.y_test
    found = model.classify(x, batch_size=1000)
    torch_logits = evaluation.raw(session.model, x, session.device).numpy()

    differ = np.flatnonzero(found.labels != torch_logits.argmax(1))
    outputs = {"logits": found.logits, "probs": found.probs}
    clear = model.space.clear(outputs, bundle.parity.atol, bundle.parity.rtol)
    print(f"test error through the runtime: {100 * (found.labels != y).mean():.2f} %")
    print(f"rows predicted otherwise than torch: {differ.tolist()} ({clear[differ].sum()} clear)")
    return int(clear[differ].sum())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/mnist-100"))
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
