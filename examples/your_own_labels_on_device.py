"""The twin of `your_own_labels.py` for devices: what an app does to answer in levels, no torch.

import your_own_labels_on_device
from ssdgm_runtime import load
from ssdgm_runtime.labels import registry

registry.SPACES["levels"] = "your_own_labels_on_device"
answer = load("levels.ssdgm").classify(rows)
answer.expected  # such as 3.7 stars
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.labels import classes

NAME = "levels"


class Answer(classes.Classification):
    """q(y | x) for each row, of levels in order."""

    @property
    def expected(self) -> NDArray[np.float64]:
        """The mean level of each row, from 0 to K - 1, [n]."""
        levels: NDArray[np.float64] = self.probs @ np.arange(self.probs.shape[1], dtype=np.float64)
        return levels


class Levels(classes.Classes):
    """K levels, from the lowest to the highest."""

    @property
    def space(self) -> str:
        """Its name."""
        return NAME

    def answer(self, outputs: Any) -> Answer:  # noqa: ANN401  (by name, or in order)
        """A classifier's logits and probabilities as an answer."""
        plain = super().answer(outputs)
        return Answer(plain.logits, plain.probs, plain.label_names)


def parse(section: dict[str, Any]) -> Levels:
    """The field `labels` of a manifest; errors as of classes."""
    return Levels(*classes.parse(section))


line = classes.line
