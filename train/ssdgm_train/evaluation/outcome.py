"""The outcome of a run: the part of `result.json` that is measured on the model.

Scores are those of the calibrated probabilities that a bundle gives, softmax(logits / T);
"uncalibrated" are those of softmax(logits).
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
            are known, the last for the transductive error; None for a part without rows.
        classes: K.
        device: The model's device.
    """
    outputs = {
        name: (passes.logits(model, rows.x, device), torch.from_numpy(rows.y))
        for name in SCORED
        if (rows := parts[name])
    }
    temperature = (
        calibration.temperature(*outputs["validation"]) if "validation" in outputs else 1.0
    )
    labelled, held = parts["labelled"], parts["test"] or parts["validation"]
    assert labelled is not None
    shown = parts["validation"] or labelled
    return Outcome(
        temperature,
        **vars(_scores(outputs, temperature)),
        uncalibrated=_scores(outputs, 1.0),
        latents=latents.latents(model, *shown, classes=classes, device=device),
        neighbours=latents.neighbours(model, labelled, held, device) if held else None,
    )


def _scores(outputs: Mapping[str, tuple[Tensor, Tensor]], temperature: float) -> Scores:
    """The score of every part at a temperature; None for a part without rows."""
    measured = {
        name: scores.measure(logits / temperature, y) for name, (logits, y) in outputs.items()
    }
    return Scores(*(measured.get(name) for name in SCORED))
