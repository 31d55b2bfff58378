"""The authors' own M1 of 2014: its bound on MNIST, M2 on its features, and both as one bundle.

WEIGHTS is an .npz file with the arrays that `ssdgm_train.published.kingma2014` describes; MNIST's
four IDX files lie in the folder `mnist` under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python examples/kingma_2014.py data/kingma2014-m1/m1_mnist_50-500-500.npz
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, data, train
from ssdgm_train.labels import classes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.published import kingma2014
from ssdgm_train.recipes import recipe

PIXELS = Problem((28, 28), "uint8", classes.uniform(10), "bernoulli", (0.0,), (255.0,))
"""What the authors trained on: grey levels as probabilities of bits."""


def bound(weights: Path, x: np.ndarray, bits: bool, seed: int = 0) -> float:
    """The bound on -log p(x) in nats, one draw of z a row, of sampled or of grey pixels."""
    vae = kingma2014.load(weights, PIXELS).features
    noise = Noise(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        rows = vae.standardise(torch.from_numpy(x))
        rows = noise.bits(rows) if bits else rows
        return -float(vae.bound(rows, noise).mean())


def main(weights: Path, out: Path, labelled: int, steps: int, seed: int) -> float:
    """Returns the bundle's error on the test images."""
    images = data.load("mnist")
    for kind, bits in (("sampled", True), ("grey", False)):
        print(f"bound on {kind} test pixels: {bound(weights, images.x_test, bits):.1f} nats")

    settings = [f"phases.joint.steps={steps}", f"run.evaluate_every={min(steps, 1000)}"]
    plan = recipe.load(f"default-m1m2-{labelled}", None, settings)
    session = begin("mnist", plan, out, labelled, seed, init_from=weights)
    for progress in train(session):
        if progress.validation:
            error = 100 * progress.validation.error
            print(f"step {progress.step}: validation error {error:.2f} %")

    bundle = convert(out, out.with_name(f"{out.name}.ssdgm"))
    model = ssdgm_runtime.load(bundle.path)
    found = model.classify(images.x_test, batch_size=1000)
    error = float(np.mean(found.labels != images.y_test))
    print(f"test error through the runtime, {labelled} labels: {100 * error:.2f} %")
    return error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/kingma-2014"))
    parser.add_argument("--labels", dest="labelled", type=int, default=100)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
