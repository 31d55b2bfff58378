"""A method in sixty lines, outside the package: entropy minimisation.

A confident classifier has found a gap in the data: next to the cross-entropy of the labelled rows,
minimise the entropy of q(y | x) on the unlabelled ones.

References:
    Semi-supervised Learning by Entropy Minimization (Grandvalet and Bengio, 2005).

    python examples/your_own_method.py --out runs/entropy
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import METHODS, begin, method, model, train
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.settings import above, setting


@dataclass(frozen=True)
class Config:
    """Hyper-parameters: hidden widths and the weight of the entropy."""

    hidden: tuple[int, ...] = setting((200,), above(0))
    entropy: float = setting(0.3, above(0))


class Model(model.Model):
    """q(y | x), which it declares, so that its bundle has a classifier."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.labels, self.widths = problem.labels, {}
        self.standardise = observations.observer_for(problem)
        self.classifier = MLP([self.standardise.width], config.hidden, problem.labels.raw)

    def classify(self, x: Tensor) -> Tensor:
        """Raw rows to the raw numbers of q(y | x), which are logits for classes."""
        raw: Tensor = self.classifier(self.standardise(x))
        return raw

    conditionals = (model.classifier(classify),)


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """One number per example and term, in nats; the training loop averages and weighs them."""
    labelled, unlabelled = model.classify(batch.x), model.classify(batch.u)
    known = model.labels.known(batch.y, like=labelled)
    return {
        "classifier": -model.labels.log_prob(labelled, known),
        "entropy": model.labels.entropy(unlabelled),
    }


def phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    """One phase, one player."""
    weights = {"classifier": 1.0, "entropy": config.entropy}
    return (method.Phase("joint", (method.Player("all", loss, weights),)),)


METHOD = method.Method(
    name="entropy",
    summary="cross-entropy plus the entropy of the unlabelled rows",
    paper=method.Paper(
        "Grandvalet, Bengio",
        2005,
        "Semi-supervised Learning by Entropy Minimization",
        "https://papers.nips.cc/paper/2740",
    ),
    Config=Config,
    build=Model,
    phases=phases,
)


def main(out: Path, steps: int) -> float:
    """Returns the test error, 0 to 1."""
    METHODS[METHOD.name] = METHOD
    plan = recipe.load(None, METHOD.name, [f"train.steps={steps}", "run.evaluate_every=200"])
    session = begin("digits", plan, out, labelled=100)
    for progress in train(session):
        if progress.validation:
            print(progress.step, progress.terms, progress.validation)
    bundle = convert(out, out.with_name(f"{out.name}.ssdgm"))
    opened = ssdgm_runtime.load(bundle.path)
    wrong = opened.predict(session.data.x_test) != session.data.y_test
    print(f"test error through the exported model: {100 * wrong.mean():.1f} %")
    return float(wrong.mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/entropy"))
    parser.add_argument("--steps", type=int, default=1000)
    main(**vars(parser.parse_args()))
