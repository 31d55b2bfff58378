"""Evaluate a trained model: errors, calibration, latents in use, and the evidence.

`outcome` is computed at the end of every run; `evidence` is computed on request.
"""

from ssdgm_train.evaluation.outcome import Labelled, Outcome, outcome
from ssdgm_train.evaluation.passes import ROWS, Rows, evaluating, raw, score, terms
from ssdgm_train.labels.scores import Score

__all__ = [
    "ROWS",
    "Labelled",
    "Outcome",
    "Rows",
    "Score",
    "evaluating",
    "outcome",
    "raw",
    "score",
    "terms",
]
