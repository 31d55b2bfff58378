"""What rooms above have to know of a label space, without knowing which it is."""

import math
from typing import NamedTuple

from ssdgm_runtime import errors


class Traits(NamedTuple):
    """The ways of a label space.

    Attributes:
        task: What a bundle of it does with rows: "classify", or "predict".
        measure: What `error` gives: "error", a share of wrong labels; "rmse", the root mean
            squared error in deviations of the labels.
        unknown: The number that stands for an unknown label, or entry of one, in arrays of labels.
        probable: Whether the output `Space.mean` are probabilities.
        labels: What they are, as a sentence begins.
    """

    task: str = "classify"
    measure: str = "error"
    unknown: float = -1
    probable: bool = True
    labels: str = "Labels"

    def error(self, wrong: float) -> float:
        """What a mean of `Space.wrong` over rows comes to, as `measure` has it."""
        return math.sqrt(wrong) if self.measure == "rmse" else wrong

    def need_probable(self, mend: str = "Use predict in place of predict_proba.") -> None:
        """Raise TaskUnavailable, which says what to do, where there are no probabilities."""
        if not self.probable:
            raise errors.TaskUnavailable(f"{self.labels} have no probabilities", mend=mend)


NAMED = Traits()
"""Labels with names, which are right or wrong."""

MEASURED = Traits("predict", "rmse", math.nan, probable=False, labels="Numbers")
"""Labels that are numbers, which are more or less right."""

OUTLYING = Traits(probable=False, labels="Normal rows and outliers")
"""Labels that say whether a row is an outlier, by a score."""
