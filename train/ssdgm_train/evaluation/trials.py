"""What a search among recipes came to: a part of `run.json`, see `portfolio`."""

import math
from dataclasses import dataclass

ENOUGH = 30
"""From so many held-out rows on, they decide; fewer leave the safe choice."""


@dataclass(frozen=True)
class Trial:
    """A candidate, or a classifier of scikit-learn's, and its cross-validated error.

    Attributes:
        name: Of the candidate.
        error: The share of labelled rows that were wrong when they were held out; None where
            nothing was held out.
        deviation: The standard error of that share, see `deviation`.
        seconds: How long its folds took; None where that was not measured.
        brier: The Brier score of these rows at the temperature at which it is lowest, which
            decides between errors that are alike.
    """

    name: str
    error: float | None = None
    deviation: float | None = None
    seconds: float | None = None
    brier: float | None = None


@dataclass(frozen=True)
class Trials:
    """A search among recipes.

    Attributes:
        budget: How many minutes the search and the run may take together.
        chosen: The candidate whose recipe the run has; empty while the search goes on.
        rows: How many labelled rows were held out in turns.
        folds: In how many parts; 0 for no cross-validation.
        steps: Of each candidate in each fold.
        candidates: What was tried, the simplest first.
        baseline: What scikit-learn's classifiers came to in the same folds.
        notes: What was left out and why, in sentences.
        temperature: What held-out rows say that the chosen one's logits should be divided by,
            where there are too few validation rows to say it; 1 where these are few too.
    """

    budget: float
    chosen: str = ""
    rows: int = 0
    folds: int = 0
    steps: int = 0
    candidates: tuple[Trial, ...] = ()
    baseline: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()
    temperature: float = 1.0


def deviation(error: float, rows: int) -> float:
    """The standard error of a share of wrong rows.

    One wrong and one right row are added for it, so that it is above zero where all are right.
    Rows that were held out by different folds are taken for independent.

    Args:
        error: The share.
        rows: Of how many.
    """
    share = (error * rows + 1) / (rows + 2)
    return math.sqrt(share * (1 - share) / max(rows, 1))
