"""Scikit-learn's classifiers: the folds, who is tried and who is best, and label spreading."""

import itertools
from typing import Any

import numpy as np
import pytest
from sklearn.semi_supervised import LabelSpreading

from ssdgm_train import problems
from ssdgm_train.evaluation import classifiers, practice
from ssdgm_train.labels import classes as label_classes
from ssdgm_train.problems import Problem

RNG = np.random.default_rng(0)
Y = np.repeat(np.arange(3), 8)
X = (np.eye(3)[Y] + 0.4 * RNG.standard_normal((24, 3))).astype(np.float32)


def problem(kind: str, shape: tuple[int, ...] = (3,)) -> Problem:
    """Rows of three numbers and three classes."""
    space = label_classes.uniform(3)
    return Problem(shape, "float32", space, "gaussian", (0.0,), (1.0,), kind=kind)


@pytest.mark.parametrize(
    ("counts", "number"), [((8, 8, 8), 5), ((3, 9, 9), 3), ((1, 9), 2), ((2, 2), 2)]
)
def test_folds_part_the_rows_and_have_every_class(counts: tuple[int, ...], number: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    held = practice.folds(y, 3)
    assert len(held) == number
    assert sorted(np.concatenate(held).tolist()) == list(range(len(y)))
    for rows in held:
        shares = np.bincount(y[rows], minlength=len(counts))
        assert np.abs(shares - np.array(counts) / number).max() < 1


PLAIN = {"LogisticRegression", "ExtraTreesClassifier"}


def test_folds_are_those_of_the_seed() -> None:
    first, again, other = (
        [rows.tolist() for rows in practice.folds(Y, seed)] for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("y", [np.arange(4), np.arange(1)])
def test_one_label_a_class_gives_no_folds_and_the_first_candidate(y: Any) -> None:  # noqa: ANN401
    held = practice.folds(y, 0)
    assert held == ()
    every, best, one = practice.on_labels(problem(problems.ROWS), X[: len(y)], y, held)
    assert (
        best
        == every[0]
        == practice.Tried(f"ExtraTreesClassifier(n_estimators={classifiers.TREES})")
    )
    model = classifiers.calibrated(one.whole, X[: len(y)], y, held)
    assert (classifiers.answers(model, X[: len(y)]) == y).all()


@pytest.mark.parametrize(
    ("kind", "size", "more"),
    [
        (problems.IMAGE, 3, set()),
        (problems.WINDOWS, 3, {"RidgeClassifierCV over random kernels"}),
        (problems.ROWS, 3, PLAIN),
        (problems.TABLE, 3, {*PLAIN, "HistGradientBoostingClassifier"}),
        (problems.TABLE, 11, PLAIN),
    ],
)
def test_who_is_tried_is_by_the_kind_of_rows(kind: str, size: int, more: set[str]) -> None:
    shape = (1, 3) if kind == problems.WINDOWS else (3,)
    names = classifiers.candidates(problem(kind, shape), np.arange(40) % size)
    assert {name.split("(")[0] for name in names} == {"SVC", "KNeighborsClassifier", *more}


def test_no_more_neighbours_vote_than_half_of_the_rows() -> None:
    names = classifiers.candidates(problem(problems.IMAGE), np.arange(7))
    assert {name for name in names if name.startswith("K")} == {
        "KNeighborsClassifier(n_neighbors=1)",
        "KNeighborsClassifier(n_neighbors=3)",
    }


@pytest.mark.parametrize(
    ("errors", "rows", "taken"),
    [
        ((0.15, 0.2, 0.1), 20, "a"),  # of 20 rows the standard error of a tenth is 8 %
        ((0.15, 0.2, 0.1), 400, "c"),
        ((0.3, 0.15, 0.1), 20, "b"),
        ((None, None), 0, "a"),
    ],
)
def test_the_first_within_a_standard_error_is_taken(
    errors: tuple[float | None, ...], rows: int, taken: str
) -> None:
    tries = [practice.Tried(name, error) for name, error in zip("abc", errors, strict=False)]
    assert practice.usual(tries, rows).name == taken


def test_who_is_taken_errs_about_least_when_rows_are_held_out() -> None:
    held = practice.folds(Y, 0)
    every, best, one = practice.on_labels(problem(problems.TABLE), X, Y, held)
    assert best == practice.usual(every, len(Y))
    assert best.error is not None
    assert best.error < 0.5
    kept = np.delete(np.arange(24), held[0])
    shares = [
        classifiers.fitted(one.whole, *(a[np.delete(np.arange(24), r)] for a in (X, Y))).predict(
            X[r]
        )
        != Y[r]
        for r in held
    ]
    assert len(kept) == 24 - len(held[0])
    assert best.error == pytest.approx(np.concatenate(shares).mean())
    assert best.spread == pytest.approx(np.std([share.mean() for share in shares], ddof=1))
    assert practice.on_labels(problem(problems.TABLE), X, Y, held)[0] == every


def test_a_fold_that_leaves_one_class_alone_is_answered_with_it() -> None:
    y = np.array([0, 1, 1, 1, 1])
    held = practice.folds(y, 0)
    every, _, _ = practice.on_labels(problem(problems.IMAGE), X[:5], y, held)
    assert all(one.error is not None and one.error >= 0.2 for one in every)


def test_label_spreading_is_scikit_learn_s_with_the_labels_of_a_fold_hidden() -> None:
    y = np.where(np.arange(24) % 2, practice.UNKNOWN, Y)
    labelled = np.flatnonzero(y >= 0)
    held = [labelled[rows] for rows in practice.folds(y[labelled], 0)]
    found = practice.spreading(X, y, held)
    assert found is not None
    best, model = found
    errors = {}
    for k, share in itertools.product(practice.NEIGHBOURS, practice.ALPHAS):
        wrong = []
        for rows in held:
            hidden = np.where(np.isin(np.arange(24), rows), practice.UNKNOWN, y)
            theirs = LabelSpreading("knn", n_neighbors=k, alpha=share, max_iter=100)
            wrong.extend(theirs.fit(X, hidden).transduction_[rows] != Y[rows])
        name = f"LabelSpreading(kernel='knn', n_neighbors={k}, alpha={share})"
        errors[name] = np.mean(wrong)
    assert best.error == pytest.approx(errors[best.name])
    assert best.error == pytest.approx(min(errors.values()))
    fresh = classifiers.answers(model, np.eye(3, dtype=np.float32))
    assert fresh.tolist() == [0, 1, 2]


TABLE = classifiers.candidates(problem(problems.TABLE), Y)
WINDOWS = classifiers.candidates(problem(problems.WINDOWS, (1, 3)), Y)


@pytest.mark.parametrize("calibrate", [False, True])
@pytest.mark.parametrize("name", [*TABLE, *[name for name in WINDOWS if name not in TABLE]])
def test_weights_reach_a_classifier_that_takes_them(name: str, calibrate: bool) -> None:
    """Rows that contradict one another are answered by what weighs more."""
    x, y = np.concatenate([X, X]), np.concatenate([Y, np.zeros_like(Y)])
    heavy = np.repeat([1.0, 50.0], 24)
    one = {**TABLE, **WINDOWS}[name].whole
    held = practice.folds(y, 0) if calibrate else ()
    learnt = classifiers.calibrated(one, x, y, held, heavy)
    zeros = (classifiers.answers(learnt, X) == 0).mean()
    assert zeros > 0.9 or name.startswith("KNeighbors")
    light = classifiers.fitted(one, x, y, heavy[::-1].copy())
    assert (classifiers.answers(light, X) == 0).mean() < 0.6 or name.startswith("KNeighbors")


def test_rows_of_no_weight_are_left_out_whoever_learns() -> None:
    x, y = np.concatenate([X, X]), np.concatenate([Y, np.zeros_like(Y)])
    near = TABLE["KNeighborsClassifier(n_neighbors=1)"].whole
    learnt = classifiers.fitted(near, x, y, np.repeat([1.0, 0.0], 24))
    assert (classifiers.answers(learnt, X) == Y).all()


@pytest.mark.parametrize("calibrate", [False, True])
@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("classes", [2, 3])
def test_what_a_classifier_says_are_probabilities_of_its_classes(
    name: str, classes: int, calibrate: bool
) -> None:
    some = np.flatnonzero(classes > Y)
    x, y, model = X[some], Y[some], TABLE[name].whole
    held = practice.folds(y, 0) if calibrate else ()
    shares, known = classifiers.shares(classifiers.calibrated(model, x, y, held), x)
    assert known.tolist() == [*range(classes)]
    assert shares.sum(1) == pytest.approx(1)
    assert (
        shares.argmax(1) == classifiers.answers(classifiers.fitted(model, x, y), x)
    ).mean() > 0.9


def test_calibrated_probabilities_are_as_sure_as_the_classifier_is_right() -> None:
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(3), 200)
    x = (np.eye(3)[y] + 0.8 * rng.standard_normal((600, 3))).astype(np.float32)
    known = np.arange(0, 600, 10)
    others = np.setdiff1d(np.arange(600), known)
    svc = TABLE["SVC(C=10)"].model
    held = practice.folds(y[known], 0)

    def gap(folds: Any) -> float:  # noqa: ANN401
        model = classifiers.calibrated(svc, x[known], y[known], folds)
        shares, _ = classifiers.shares(model, x[others])
        right = shares.argmax(1) == y[others]
        return abs(float(shares.max(1).mean() - right.mean()))

    assert gap(held) < min(0.1, gap(()))


def test_windows_are_told_apart_by_kernels_wherever_their_sign_is() -> None:
    rng, y = np.random.default_rng(0), np.arange(60) % 2
    x = 0.3 * rng.standard_normal((60, 40)).astype(np.float32)
    for row, label in zip(x, y, strict=True):  # a bump or a dip, anywhere
        at = rng.integers(30)
        row[at : at + 8] += 2 if label else -2
    windows, held = problem(problems.WINDOWS, (1, 40)), practice.folds(y[:20], 0)
    _, best, one = practice.on_labels(windows, x[:20], y[:20], held)
    assert best.name == "RidgeClassifierCV over random kernels"
    model = classifiers.fitted(one.whole, x[:20], y[:20])
    assert (classifiers.answers(model, x[20:]) == y[20:]).all()


def test_a_graph_needs_more_rows_than_neighbours() -> None:
    assert practice.spreading(X[:4], Y[:4], []) is None
