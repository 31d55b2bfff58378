"""The whole circle in half a minute: train, convert, run, plot.

Two interleaved half circles, eight labels, nine hundred unlabelled points. The baseline sees the
labels alone and cuts both moons in two. M2 has to explain every point with one smooth curve a
class, so the curves become the moons, and the labels only say which is which.

Which eight points are labelled matters: `--seed` draws others, and some mislead it.

The networks are small on purpose: with enough units one class can draw half of each moon as
easily as a whole one, and nothing in the data speaks against it.

    python examples/two_moons.py --out moons
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.datasets import make_moons

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, train
from ssdgm_train.recipes import recipe

mpl.use("Agg")
BOTH = (
    "model.hidden=16",
    "model.activation=tanh",
    "train.labelled_batch=8",
    "train.learning_rate=1e-2",
)
SETTINGS = {
    "supervised": BOTH,
    # one dimension of z: where on the curve; the paper's weighting, since eight labelled points
    # as heavy as the other nine hundred would be fitted one by one
    "m2": (*BOTH, "model.latent=1", "model.weighting=paper", "model.alpha=0.2"),
}
COLOURS = ("tab:blue", "tab:red")


def main(out: Path, steps: int, seed: int) -> dict[str, float]:
    """Returns each method's test error, 0 to 1, as its exported model gives it."""
    x, y = make_moons(1400, noise=0.08, random_state=0)
    x = x.astype(np.float32)
    out.mkdir(parents=True)
    np.savez(out / "moons.npz", x=x[:1000], y=y[:1000], x_test=x[1000:], y_test=y[1000:])

    models, errors = {}, {}
    for method, settings in SETTINGS.items():
        plan = recipe.load(None, method, [*settings, f"train.steps={steps}"])
        session = begin(str(out / "moons.npz"), plan, out / method, labelled=8, seed=seed)
        for _ in train(session):
            pass
        bundle = convert(out / method, out / f"{method}.ssdgm")
        models[method] = ssdgm_runtime.load(bundle.path)
        errors[method] = float((models[method].predict(x[1000:]) != y[1000:]).mean())
        print(f"{method}: test error {100 * errors[method]:.1f} %")
    labelled = session.split.labelled
    plot(models, errors, x[:1000], x[labelled], y[labelled], out / "moons.png")
    print(out / "moons.png")
    return errors


def plot(
    models: dict[str, ssdgm_runtime.Model],
    errors: dict[str, float],
    x: np.ndarray,
    labelled: np.ndarray,
    y: np.ndarray,
    path: Path,
) -> None:
    """Left and middle: where each q(y | x) changes its mind. Right: what M2 draws a class."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), sharex=True, sharey=True)
    grid = np.stack(np.meshgrid(np.linspace(-1.5, 2.5, 200), np.linspace(-1, 1.5, 125)), -1)
    for axis, (name, model) in zip(axes, models.items(), strict=False):
        probs = model.predict_proba(grid.reshape(-1, 2).astype(np.float32))[:, 1]
        shade = probs.reshape(grid.shape[:2])
        axis.contourf(
            *np.moveaxis(grid, -1, 0), shade, np.linspace(0, 1, 21), cmap="coolwarm", alpha=0.7
        )
        axis.set_title(f"{name}: test error {100 * errors[name]:.1f} %")
    for axis in axes:
        axis.scatter(*x.T, s=3, c="0.25" if axis is not axes[2] else "0.8", linewidths=0)
    for k, colour in enumerate(COLOURS):
        for axis in axes:
            axis.scatter(*labelled[y == k].T, s=70, c=colour, edgecolors="white", zorder=3)
        drawn = models["m2"].generate(k, 300, seed=0, sample=True).x
        axes[2].scatter(*drawn.T, s=5, c=colour, linewidths=0, label=f"class {k}")
    axes[2].set(title="drawn from p(x | y, z) of m2", xlim=(-1.5, 2.5), ylim=(-1, 1.5))
    axes[2].legend(loc="upper right", fontsize=8, markerscale=3, frameon=False)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/two-moons"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
