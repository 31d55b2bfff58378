"""M2 beside scikit-learn's own semi-supervised classifiers, on the same rows and labels.

Ten labels a class to learn from and ten more, the same for all, to choose hyper-parameters by; the
other rows have no label, and test rows are scored once with what was chosen. Every seed draws all
of them anew. Columns are standardised. An SVC on the labels alone says what unlabelled rows are
worth.

    SSDGM_DATA_DIR=data python examples/compare_sklearn.py --out compare

Without SSDGM_DATA_DIR, or where it has no letter and no pendigits, it compares on two sets.
"""

import argparse
import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

from ssdgm_export import SemiSupervisedClassifier

mpl.use("Agg")
PER_CLASS = 10
ROWS, TEST = 2000, 1000
"""The most training rows, since a kernel between all of them must fit, and the most test rows."""

Models = Iterator[ClassifierMixin]


@dataclass(frozen=True)
class Problem:
    """One draw: rows and labels to learn from (-1 unknown), to choose by, and to test on."""

    x: np.ndarray
    y: np.ndarray
    x_held: np.ndarray
    y_held: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def svc(seed: int) -> Models:
    """Without a round of self-training, what is left is its classifier on the labels alone."""
    for c, gamma in itertools.product((1, 10, 100), ("scale", 0.03, 0.3)):
        yield make_pipeline(
            StandardScaler(), SelfTrainingClassifier(SVC(C=c, gamma=gamma), max_iter=0)
        )


def self_training(seed: int) -> Models:
    for c, gamma, sure in itertools.product((1, 10, 100), ("scale", 0.3), (0.75, 0.95)):
        judge = CalibratedClassifierCV(SVC(C=c, gamma=gamma), ensemble=False, cv=3)
        yield make_pipeline(StandardScaler(), SelfTrainingClassifier(judge, threshold=sure))


def kernels() -> Iterator[dict[str, object]]:
    yield from ({"kernel": "rbf", "gamma": gamma} for gamma in (0.1, 1, 10))
    yield from ({"kernel": "knn", "n_neighbors": k} for k in (5, 10, 20))


def label_propagation(seed: int) -> Models:
    for kernel in kernels():
        yield make_pipeline(StandardScaler(), LabelPropagation(**kernel))


def label_spreading(seed: int) -> Models:
    for kernel, alpha in itertools.product(kernels(), (0.2, 0.8)):
        yield make_pipeline(StandardScaler(), LabelSpreading(**kernel, alpha=alpha))


def m2(seed: int, steps: int = 2000) -> Models:
    """The defaults; the paper's weighting; and small networks that can only draw a curve."""
    paper, curve = ("model.weighting=paper",), {"hidden": 16, "latent": 1, "alpha": 0.2}
    common = {"method": "m2", "random_state": seed, "steps": steps}
    common["labels_as"] = "classes"  # letter's are numbers
    yield SemiSupervisedClassifier(**common)
    yield SemiSupervisedClassifier(**common, settings=paper)
    settings = (*paper, "model.activation=tanh")
    yield SemiSupervisedClassifier(**common, **curve, learning_rate=1e-2, settings=settings)


PEERS: dict[str, Callable[[int], Models]] = {
    "SVC, labels alone": svc,
    "SelfTraining(SVC)": self_training,
    "LabelPropagation": label_propagation,
    "LabelSpreading": label_spreading,
}


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels of a set."""
    if name == "two moons":
        return make_moons(3000, noise=0.12, random_state=0)
    if name == "digits":
        return load_digits(return_X_y=True)
    with np.load(Path(os.environ["SSDGM_DATA_DIR"]) / name / f"{name}.npz") as found:
        x, y = (np.concatenate([found[f"{k}_train"], found[f"{k}_test"]]) for k in "xy")
    return x.astype(float), np.unique(y, return_inverse=True)[1]


def draw(name: str, seed: int, rows: int = ROWS) -> Problem:
    """A problem of a set."""
    x, y = load(name)
    test = min(TEST, len(x) // 4)
    x, x_test, y, y_test = train_test_split(x, y, test_size=test, random_state=seed, stratify=y)
    order = np.random.default_rng(seed).permutation(len(x))
    parts = [order[y[order] == k][: 2 * PER_CLASS] for k in np.unique(y)]
    labelled = np.concatenate([part[:PER_CLASS] for part in parts])
    held = np.concatenate([part[PER_CLASS:] for part in parts])
    others = np.setdiff1d(order, np.concatenate(parts), assume_unique=True)[: rows - len(labelled)]
    given = np.concatenate([y[labelled], np.full(len(others), -1)])
    rows_in = x[np.concatenate([labelled, others])]
    return Problem(rows_in, given, x[held], y[held], x_test, y_test)


def chosen_error(models: Models, problem: Problem) -> float:
    """The test error of the candidate with the lowest error on the rows held out for choosing."""
    best, fitted = -1.0, None
    with warnings.catch_warnings():  # poor candidates do not converge, and are not chosen
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        for model in models:
            score = model.fit(problem.x, problem.y).score(problem.x_held, problem.y_held)
            if score > best:
                best, fitted = score, model
        assert fitted is not None
        return 1.0 - float(fitted.score(problem.x_test, problem.y_test))


def compare(name: str, seeds: int, steps: int, rows: int) -> dict[str, list[float]]:
    """Test errors on a set by classifier, one a seed."""
    ways = {**PEERS, "M2 (ours)": lambda seed: m2(seed, steps)}
    found: dict[str, list[float]] = {way: [] for way in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for seed in range(seeds):
        problem = draw(name, seed, rows)
        for way, models in ways.items():
            start = time.monotonic()
            found[way].append(chosen_error(models(seed), problem))
            seconds[way] += time.monotonic() - start
    spent = ", ".join(f"{way} {value / seeds:.1f}" for way, value in seconds.items())
    print(f"{name}: seconds a seed for all candidates: {spent}", flush=True)
    return found


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Means and standard deviations in percent, the best of a column in bold."""
    means = {s: {way: np.mean(e) for way, e in ways.items()} for s, ways in found.items()}
    lines = [f"| test error, % | {' | '.join(found)} |", "|---|" + "--:|" * len(found)]
    for way in next(iter(found.values())):
        cells = []
        for name, ways in found.items():
            text = f"{100 * means[name][way]:.1f} ± {100 * np.std(ways[way], ddof=1):.1f}"
            best = means[name][way] == min(means[name].values())
            cells.append(f"**{text}**" if best else text)
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(found: dict[str, dict[str, list[float]]], path: Path) -> None:
    """A panel a set: every draw's error, and the mean."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(3.2 * len(found), 2.8), squeeze=False)
    for axis, (name, ways) in zip(axes[0], found.items(), strict=True):
        for place, errors in enumerate(reversed(ways.values())):
            axis.plot(100 * np.array(errors), [place] * len(errors), "o", c="0.6", ms=4)
            axis.plot([100 * np.mean(errors)], [place], "|", c="tab:red", ms=18, mew=2)
        axis.set(title=name, xlabel="test error, %", ylim=(-0.6, len(ways) - 0.4))
        first = axis is axes[0][0]
        axis.set_yticks(range(len(ways)), [*reversed(ways)] if first else [""] * len(ways))
        axis.set_xlim(left=0)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)


def available() -> list[str]:
    """The sets that are there."""
    folder = Path(os.environ.get("SSDGM_DATA_DIR", ""))
    named = [n for n in ("pendigits", "letter") if (folder / n / f"{n}.npz").is_file()]
    return ["two moons", "digits", *named]


def main(
    out: Path,
    seeds: int = 5,
    steps: int = 2000,
    rows: int = ROWS,
    names: list[str] | None = None,
) -> dict[str, dict[str, list[float]]]:
    """Returns the test errors, 0 to 1, by set and classifier, one a seed."""
    out.mkdir(parents=True)
    found: dict[str, dict[str, list[float]]] = {}
    for name in names or available():
        found[name] = compare(name, seeds, steps, rows)
        (out / "table.md").write_text(table(found) + "\n", encoding="utf-8")
    plot(found, out / "errors.png")
    print(table(found))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--names", nargs="*", help="some of the sets, such as digits")
    main(**vars(parser.parse_args()))
