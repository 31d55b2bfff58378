"""What a candidate came to in folds: files of a run's directory, and what they say together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ssdgm_train.data import store
from ssdgm_train.evaluation import Score, Trial, calibration, passes, trials
from ssdgm_train.runs import directory, records, session
from ssdgm_train.training import averaging, loop

FOLDER = "portfolio"
WORST = 1.0
"""The error of a training that diverged, and its other scores."""

TEMPERATURES = tuple(2 ** (k / 2) for k in range(-4, 9))
"""Those at which answers are scored, 1/4 to 16."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """A file of a fold.

    Attributes:
        error: The share of wrong rows.
        brier: Their Brier scores at each of `TEMPERATURES`.
        nll: Their mean -log q(y | x) at each of these, in nats.
        rows: How many they are.
        seconds: How long it took.
    """

    error: float
    brier: tuple[float, ...]
    nll: tuple[float, ...]
    rows: int
    seconds: float


def place(run: directory.Run, name: str, fold: int) -> Path:
    """The file of a candidate and a fold."""
    return run.path / FOLDER / f"{name}-{fold + 1}.json"


def scored(
    trained: session.Session, rows: store.Indices, seconds: float
) -> tuple[Outcome, Score | None]:
    """What a training that has ended came to on rows that were held out.

    Args:
        trained: The training.
        rows: The numbers of the rows.
        seconds: How long it took.

    Returns:
        It, and the score at a temperature of 1; None for a training that diverged.
    """
    try:
        loop.check_finite(trained.model, trained.state.step, {})
    except loop.Diverged:
        worst = (WORST,) * len(TEMPERATURES)
        return Outcome(WORST, worst, worst, len(rows), seconds), None
    x, y = store.Rows(trained.data.x, rows), torch.from_numpy(store.take(trained.data.y, rows))
    with averaging.averaged(trained.model, trained.state.averages):
        raw, labels = passes.raw(trained.model, x, trained.device), trained.model.labels
        scores = {t: labels.measure(labels.tempered(raw, t), y) for t in TEMPERATURES}
    every = scores.values()
    brier, nll = tuple(one.brier for one in every), tuple(one.nll for one in every)
    return Outcome(scores[1.0].error, brier, nll, len(rows), seconds), scores[1.0]


def ended(path: Path) -> bool:
    """Whether a fold has a file that can be read; one that cannot is trained again."""
    try:
        return path.exists() and bool(records.load(path, Outcome))
    except directory.RunError:
        return False


def trial(run: directory.Run, name: str, folds: int) -> Trial:
    """What a candidate came to in all folds."""
    if not folds:
        return Trial(name)
    every = _every(run, name, folds)
    rows = sum(one.rows for one in every)
    error = sum(one.error * one.rows for one in every) / rows
    brier = float(_mean(every, "brier").min())
    seconds = sum(one.seconds for one in every)
    return Trial(name, error, trials.deviation(error, rows), seconds, brier)


def temperature(run: directory.Run, name: str, folds: int) -> float:
    """The temperature at which a candidate's held-out rows are likeliest; 1 where they are few.

    It is 1 at least: the last run has more labels and steps than the folds had, and is surer.
    """
    every = _every(run, name, folds)
    if sum(one.rows for one in every) < calibration.FEWEST:
        return 1.0
    return max(1.0, TEMPERATURES[int(_mean(every, "nll").argmin())])


def _every(run: directory.Run, name: str, folds: int) -> list[Outcome]:
    return [records.load(place(run, name, fold), Outcome) for fold in range(folds)]


def _mean(every: list[Outcome], score: str) -> Scores:
    """A score of all rows, at each of `TEMPERATURES`."""
    return np.average([getattr(one, score) for one in every], 0, [one.rows for one in every])
