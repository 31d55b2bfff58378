"""What a trained model is worth: errors, calibration, latents in use, and the evidence."""

from ssdgm_train.evaluate.outcome import Labelled, outcome
from ssdgm_train.evaluate.passes import ROWS, evaluating, logits, terms
from ssdgm_train.evaluate.scores import Score, score

__all__ = [
    "ROWS",
    "Labelled",
    "Score",
    "evaluating",
    "logits",
    "outcome",
    "score",
    "terms",
]
