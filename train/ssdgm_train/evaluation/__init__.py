"""What a trained model is worth: errors, calibration, latents in use, and the evidence.

`outcome` is what a run's end is measured by; `evidence` is measured on request, see `evaluation`.
"""

from ssdgm_train.evaluation.outcome import Labelled, Outcome, outcome
from ssdgm_train.evaluation.passes import ROWS, Rows, evaluating, logits, terms
from ssdgm_train.evaluation.scores import Score, score

__all__ = [
    "ROWS",
    "Labelled",
    "Outcome",
    "Rows",
    "Score",
    "evaluating",
    "logits",
    "outcome",
    "score",
    "terms",
]
