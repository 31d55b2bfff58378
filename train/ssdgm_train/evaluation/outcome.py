"""The outcome of a run: the part of `result.json` that is measured on the model.

Scores are those of the calibrated probabilities that a bundle gives, softmax(logits / T);
"uncalibrated" are those of softmax(logits).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train.evaluation import calibration, latents, passes, scores

Json = dict[str, Any]
SCORED = ("validation", "test", "unlabelled")


class Labelled(NamedTuple):
    """Raw rows [n, *shape] with class indices [n]."""

    x: passes.Rows
    y: NDArray[np.int64]


def outcome(
    model: nn.Module, parts: Mapping[str, Labelled | None], classes: int, device: torch.device
) -> Json:
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
    return {
        "temperature": temperature,
        **_scores(outputs, temperature),
        "uncalibrated": _scores(outputs, 1.0),
        "latents": latents.latents(
            model, *(parts["validation"] or labelled), classes=classes, device=device
        ),
        "neighbours": latents.neighbours(model, labelled, held, device) if held else None,
    }


def _scores(outputs: Mapping[str, tuple[Tensor, Tensor]], temperature: float) -> Json:
    """The score of every part at a temperature; None for a part without rows."""
    measured = {
        name: dataclasses.asdict(scores.measure(logits / temperature, y))
        for name, (logits, y) in outputs.items()
    }
    return {name: measured.get(name) for name in SCORED}
