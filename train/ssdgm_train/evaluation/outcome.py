"""What a run came to: the part of `result.json` that is measured on the model.

Scores are of the probabilities that a bundle gives, softmax(logits / T); "uncalibrated" has those
of the model's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train.evaluation import calibration, latents, passes, scores
from ssdgm_train.evaluation.latents import Latents, Neighbours
from ssdgm_train.evaluation.scores import Score

SCORED = ("validation", "test", "unlabelled")


class Labelled(NamedTuple):
    """Raw rows [n, *shape] with class indices [n]."""

    x: passes.Rows
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """The scores of `SCORED`; None where no labels are known."""

    validation: Score | None
    test: Score | None
    unlabelled: Score | None


@dataclass(frozen=True)
class Outcome:
    """What was measured; scores at the temperature first, then those of the model's own."""

    temperature: float
    validation: Score | None
    test: Score | None
    unlabelled: Score | None
    uncalibrated: Scores
    latents: Latents | None
    neighbours: Neighbours | None


def outcome(
    model: nn.Module, parts: Mapping[str, Labelled | None], classes: int, device: torch.device
) -> Outcome:
    """Scores, temperature, latents and neighbours of a trained model.

    Args:
        model: The model.
        parts: "labelled" training rows; "validation", "test" and "unlabelled" rows whose labels
            are known, the last for the transductive error; None where there are none.
        classes: K.
        device: Where the model is.
    """
    logits = {
        name: (passes.logits(model, rows.x, device), torch.from_numpy(rows.y))
        for name in SCORED
        if (rows := parts[name])
    }
    fitted = calibration.temperature(*logits["validation"]) if "validation" in logits else 1.0
    labelled, held = parts["labelled"], parts["test"] or parts["validation"]
    assert labelled is not None
    shown = parts["validation"] or labelled
    return Outcome(
        fitted,
        **vars(_scores(logits, fitted)),
        uncalibrated=_scores(logits, 1.0),
        latents=latents.latents(model, *shown, classes=classes, device=device),
        neighbours=latents.neighbours(model, labelled, held, device) if held else None,
    )


def _scores(logits: Mapping[str, tuple[Tensor, Tensor]], temperature: float) -> Scores:
    """Every part's score at a temperature."""
    measured = {name: scores.measure(some / temperature, y) for name, (some, y) in logits.items()}
    return Scores(*(measured.get(name) for name in SCORED))
