"""The outcome of a run: the part of `result.json` that is measured on the model.

Scores are those of the calibrated q(y | x) that a bundle gives, with raw numbers divided by T;
"uncalibrated" are those of the model's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.evaluation import calibration, latents, passes
from ssdgm_train.evaluation.latents import Latents, Neighbours
from ssdgm_train.labels.measures.scores import Score
from ssdgm_train.labels.oneclass import OneClass
from ssdgm_train.labels.space import Space
from ssdgm_train.model import Model

SCORED = ("validation", "test", "unlabelled")


class Labelled(NamedTuple):
    """Raw rows [n, *shape] with labels as a data set stores them, [n, ...]."""

    x: passes.Rows
    y: NDArray[np.generic]


@dataclass(frozen=True)
class Scores:
    """The scores of `SCORED`; None where no labels are known."""

    validation: Score | None
    test: Score | None
    unlabelled: Score | None


@dataclass(frozen=True)
class Outcome:
    """What was measured; scores at the temperature first, then those of the model's own.

    `labels` is the label space with what validation rows have fitted, where it has such.
    """

    temperature: float
    validation: Score | None
    test: Score | None
    unlabelled: Score | None
    uncalibrated: Scores
    latents: Latents | None
    neighbours: Neighbours | None
    labels: Space | None = None


def outcome(
    model: Model,
    parts: Mapping[str, Labelled | None],
    device: torch.device,
    temperature: float = 1.0,
) -> Outcome:
    """Scores, temperature, latents and neighbours of a trained model.

    Args:
        model: The model.
        parts: "labelled" training rows; "validation", "test" and "unlabelled" rows whose labels
            are known, the last for the transductive error; None for a part without rows.
        device: The model's device.
        temperature: What logits are divided by where validation rows are too few to say.
    """
    outputs = {
        name: (passes.raw(model, rows.x, device), torch.from_numpy(rows.y))
        for name in SCORED
        if (rows := parts[name])
    }
    space, held_out = model.labels, outputs.get("validation")
    if held_out:
        temperature = calibration.temperature(space, *held_out, few=temperature)
    fitted = space.fitted(*held_out) if held_out and isinstance(space, OneClass) else None
    space = fitted or space
    labelled, held = parts["labelled"], parts["test"] or parts["validation"]
    shown = parts["validation"] or labelled
    return Outcome(
        temperature,
        **vars(_scores(space, outputs, temperature)),
        uncalibrated=_scores(space, outputs, 1.0),
        latents=latents.latents(model, *shown, device=device) if shown else None,
        neighbours=latents.neighbours(model, labelled, held, device)
        if labelled and held
        else None,
        labels=fitted,
    )


def _scores(
    space: Space, outputs: Mapping[str, tuple[Tensor, Tensor]], temperature: float
) -> Scores:
    """The score of every part at a temperature; None for a part without rows."""
    measured = {
        name: space.measure(space.tempered(raw, temperature), y)
        for name, (raw, y) in outputs.items()
    }
    return Scores(*(measured.get(name) for name in SCORED))
