"""A classifier of scikit-learn's and the module that it becomes answer alike."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets, neighbors

from ssdgm_train.evaluation import classifiers, practice, translation
from ssdgm_train.labels import classes
from ssdgm_train.networks import builder, fixed
from ssdgm_train.networks.fixed import Fixed
from ssdgm_train.problems import TABLE, WINDOWS, Problem

CLOSE = 1e-5
Codes = classifiers.Codes
Features = classifiers.Features


def rows(count: int) -> tuple[Features, Codes]:
    """Digits, or tumours of two classes, as observations; the first hundred have labels."""
    load = datasets.load_digits if count > 2 else datasets.load_breast_cancer
    x, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[:500]
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
    return x[order].astype(np.float32), y[order].astype(np.int64)


def problem(kind: str, shape: tuple[int, ...], count: int) -> Problem:
    ends = tuple(0.0 for _ in range(shape[0])), tuple(1.0 for _ in range(shape[0]))
    return Problem(shape, "float32", classes.uniform(count), "gaussian", *ends, kind=kind)


def learnt(number: int, stated: Problem, x: Features, y: Codes) -> classifiers.Classifier:
    held, every = practice.folds(y, 0), [*classifiers.candidates(stated, y).values()]
    return classifiers.calibrated(every[number].whole, x, y, held)


def moved(model: classifiers.Classifier, count: int, grid: Any = None) -> Fixed:  # noqa: ANN401
    """The module, by way of its state."""
    first, second = Fixed(count, grid), Fixed(count, grid)
    translation.put(model, first)
    second.load_state_dict(first.state_dict())
    return second


def alike(model: classifiers.Classifier, module: Fixed, x: Features) -> None:
    wanted = classifiers.answers(model, x)
    raw = module(torch.from_numpy(x))
    assert (raw.argmax(-1).numpy() == wanted).all()
    shares, own = classifiers.shares(model, x)
    shares = np.maximum(shares, fixed.FEWEST)
    probs = raw.softmax(-1).detach().numpy()[:, own]
    assert np.abs(probs - shares / shares.sum(1, keepdims=True)).max() < CLOSE


NAMES = [*classifiers.candidates(problem(TABLE, (4,), 2), np.arange(20) % 2)]


@pytest.mark.parametrize("count", [2, 10])
@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_every_candidate_is_repeated(number: int, count: int) -> None:
    x, y = rows(count)
    model = learnt(number, problem(TABLE, x.shape[1:], count), x[:100], y[:100])
    alike(model, moved(model, count), x)


@pytest.mark.parametrize("count", [2, 3])
def test_a_ridge_over_random_kernels_is_repeated(count: int) -> None:
    rng, y = np.random.default_rng(0), np.arange(60) % count
    x = (np.sin(np.arange(20) * (1 + y[:, None])) + rng.normal(size=(60, 20))).astype(np.float32)
    stated = problem(WINDOWS, (1, 20), count)
    model = learnt(0, stated, x, y)
    alike(model, moved(model, count, builder.grid_of(stated)), x)


def test_classes_without_a_label_are_the_least_probable() -> None:
    x, y = rows(10)
    some = np.flatnonzero(np.isin(y, (2, 5, 7)))[:60]
    model = learnt(0, problem(TABLE, x.shape[1:], 10), x[some], y[some])
    probs = moved(model, 10)(torch.from_numpy(x)).softmax(-1)
    assert {*probs.argmax(1).tolist()} <= {2, 5, 7}
    others = np.setdiff1d(np.arange(10), (2, 5, 7))
    assert probs[:, others].max() <= fixed.FEWEST


def test_a_single_class_is_the_answer() -> None:
    x = rows(10)[0]
    model = classifiers.calibrated(neighbors.KNeighborsClassifier(1), x, np.full(len(x), 3), ())
    assert (moved(model, 10)(torch.from_numpy(x)).argmax(1) == 3).all()


def test_before_it_is_put_in_all_classes_are_as_probable() -> None:
    assert (Fixed(3, None)(torch.ones(2, 4, 5)) == torch.zeros(2, 4, 3)).all()
