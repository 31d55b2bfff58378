"""Evaluate a trained model: errors, calibration, latents in use, and the evidence.

`outcome` is computed at the end of every run; `evidence` is computed on request.
"""

from ssdgm_train.evaluation.outcome import Labelled, Outcome, outcome
from ssdgm_train.evaluation.paired import Baseline, Chosen, Comparison, Other, compare
from ssdgm_train.evaluation.passes import ROWS, Rows, evaluating, few, raw, score, terms
from ssdgm_train.evaluation.practice import Tried
from ssdgm_train.evaluation.trials import ENOUGH, Trial, Trials
from ssdgm_train.labels.measures.scores import Score

__all__ = [
    "ENOUGH",
    "ROWS",
    "Baseline",
    "Chosen",
    "Comparison",
    "Labelled",
    "Other",
    "Outcome",
    "Rows",
    "Score",
    "Trial",
    "Trials",
    "Tried",
    "compare",
    "evaluating",
    "few",
    "outcome",
    "raw",
    "score",
    "terms",
]
