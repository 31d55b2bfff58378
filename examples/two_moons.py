"""The whole circle in under a minute: train, convert, run, plot.

Two interleaved half circles, eight labels, a thousand unlabelled points. M2 sees the shape of the
data that the labels alone do not show.

    python examples/two_moons.py --out moons
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.datasets import make_moons

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, recipe, train

mpl.use("Agg")
SETTINGS = (
    "model.hidden=[64, 64]",
    "model.latent=2",
    "model.batch_norm=false",
    "model.alpha=1.0",
    "train.labelled_batch=8",
    "train.unlabelled_batch=200",
)


def main(out: Path, steps: int) -> float:
    """Returns the test error, 0 to 1, as the exported model gives it."""
    x, y = make_moons(1400, noise=0.08, random_state=0)
    x = x.astype(np.float32)
    out.mkdir(parents=True)
    np.savez(out / "moons.npz", x=x[:1000], y=y[:1000], x_test=x[1000:], y_test=y[1000:])

    errors = {}
    for method in ("supervised", "m2"):
        settings = [f"train.steps={steps}", *(SETTINGS if method == "m2" else SETTINGS[:1])]
        plan = recipe.load(Path(__file__).parent / f"recipes/{method}.toml", method, settings)
        session = begin(str(out / "moons.npz"), plan, out / method, labelled=8, seed=1)
        for _ in train(session):
            pass
        convert(out / method, out / f"{method}.ssdgm")
        model = ssdgm_runtime.load(out / f"{method}.ssdgm")
        errors[method] = float((model.predict(x[1000:]) != y[1000:]).mean())
        plot(model, x[:1000], x[session.split.labelled], out / f"{method}.png")
        print(f"{method}: test error {100 * errors[method]:.1f} %, {out / method}.png")
    return errors["m2"]


def plot(model: ssdgm_runtime.Model, x: np.ndarray, labelled: np.ndarray, path: Path) -> None:
    """Where q(y | x) changes its mind, and what p(x | y, z) draws."""
    from matplotlib import pyplot as plt

    grid = np.stack(np.meshgrid(np.linspace(-1.6, 2.6, 160), np.linspace(-1.1, 1.6, 110)), -1)
    probs = model.predict_proba(grid.reshape(-1, 2).astype(np.float32))[:, 1].reshape(110, 160)
    figure, axis = plt.subplots(figsize=(6, 4))
    axis.contourf(grid[..., 0], grid[..., 1], probs, levels=20, cmap="coolwarm", alpha=0.5)
    axis.scatter(*x.T, s=3, c="0.4", label="unlabelled")
    if "generate" in model.tasks:
        for k, colour in enumerate(("navy", "darkred")):
            drawn = model.generate(k, 200, seed=0, sample=True).x
            axis.scatter(*drawn.T, s=4, c=colour, label=f"generated, class {k}")
    axis.scatter(*labelled.T, s=60, c="gold", edgecolors="k", label="labelled")
    axis.set(xlim=(-1.6, 2.6), ylim=(-1.1, 1.6))
    axis.legend(loc="upper right", fontsize=7)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/two-moons"))
    parser.add_argument("--steps", type=int, default=4000)
    main(**vars(parser.parse_args()))
