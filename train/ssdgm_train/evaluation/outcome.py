"""What a run came to: the part of `result.json` that is measured on the model.

Scores are of the probabilities that a bundle gives, softmax(logits / T); "uncalibrated" has those
of the model's own.
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
            are known, the last for the transductive error; None where there are none.
        classes: K.
        device: Where the model is.
    """
    found = {
        name: (passes.logits(model, rows.x, device), torch.from_numpy(rows.y))
        for name in SCORED
        if (rows := parts[name])
    }
    fitted = calibration.temperature(*found["validation"]) if "validation" in found else 1.0
    labelled, held = parts["labelled"], parts["test"] or parts["validation"]
    assert labelled is not None
    return {
        "temperature": fitted,
        **_scores(found, fitted),
        "uncalibrated": _scores(found, 1.0),
        "latents": latents.latents(
            model, *(parts["validation"] or labelled), classes=classes, device=device
        ),
        "neighbours": latents.neighbours(model, labelled, held, device) if held else None,
    }


def _scores(found: Mapping[str, tuple[Tensor, Tensor]], temperature: float) -> Json:
    """Every part's score at a temperature, or None."""
    measured = {
        name: dataclasses.asdict(scores.measure(logits / temperature, y))
        for name, (logits, y) in found.items()
    }
    return {name: measured.get(name) for name in SCORED}
