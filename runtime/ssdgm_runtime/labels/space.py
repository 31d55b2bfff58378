"""The contract of a label space: what a label is, as a value that every other room asks.

A bundle's manifest declares one space. Whatever depends on it is asked here: how callers write a
label, which numbers a graph takes as `y`, what a classifier gives, which answers are equal, and
how answers look in files. A new space is one module with a class of this contract, its `parse` and
its `line`, and one line in `registry`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime.labels.traits import Traits

Array = NDArray[Any]
Floats = NDArray[np.float32]
Json = dict[str, Any]
Names = set[str] | frozenset[str]
Labels = str | int | Names | Sequence[str] | Sequence[int] | Sequence[Names] | ArrayLike
"""Labels as callers give them; each space says which of these it reads."""

Outputs = dict[str, Array] | Sequence[Array]
"""A classifier's outputs: by name, further ones ignored, or those of `Space.outputs` in order."""


@runtime_checkable
class Answer(Protocol):
    """What a classifier says of n rows; it has every output as an attribute of its name."""

    @property
    def labels(self) -> Array:
        """The predicted labels as numbers, [n, ...], in the form that `Space.wrong` takes."""

    @property
    def names(self) -> Sequence[object]:
        """The predicted label of each row by name."""

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The `k` most probable names of each row with their probabilities, best first."""

    def counts(self) -> dict[str, int]:
        """How many rows each name is predicted for, in the order of the names."""

    def part(self, rows: slice) -> "Answer":
        """The answer for some of the rows."""

    def __len__(self) -> int: ...


@runtime_checkable
class Space(Protocol):
    """What a label is.

    A space may also have `kinds`: which of its outputs are more than finite numbers, and what, as
    `rows.proper` has it; every answer is then looked at for that. One whose classifier gives
    scores has `stated`, what `inference.answers.scored` tells of them.
    """

    @property
    def space(self) -> str:
        """The name of this kind of space, as manifests have it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The K names that labels are made of."""

    @property
    def own_values(self) -> Array:
        """The training labels' own values of these names, [K], read-only."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one label, as graphs take it as `y`."""

    @property
    def outputs(self) -> Mapping[str, tuple[int, ...]]:
        """What a classifier must give, and the shape of one row of each."""

    @property
    def checked(self) -> str:
        """The output that the others are made of."""

    @property
    def mean(self) -> str:
        """The output that other graphs take as `y`."""

    @property
    def traits(self) -> Traits:
        """What a bundle of it does, and what its errors are."""

    @property
    def uniforms(self) -> int:
        """How many uniform numbers one label from the prior takes."""

    def read(self, y: Labels, n: int | None = None, name: str = "y") -> Floats:
        """Labels as callers give them as graphs take them, float32 [m, *shape].

        Args:
            y: The labels.
            n: How many rows they are for, where they are for rows: one label then serves all.
            name: What a message calls y.

        Raises:
            InputError: They are not labels of this space, or not one for each of `n` rows.
        """

    def spoken(self, words: Sequence[str | int], name: str = "y") -> Floats:
        """Labels as the words of a command line, float32 [m, *shape]; raises as `read`."""

    def shown(self) -> Floats:
        """The labels that a picture shows where nobody chooses, float32 [m, *shape]."""

    def captions(self, y: Floats) -> list[str]:
        """The name of the label that each y [m, *shape] is nearest to."""

    def nearest(self, y: Array) -> Array:
        """The label that each y [m, *shape] is nearest to, as `Answer.labels`."""

    def draw(self, u: NDArray[np.float64]) -> Floats:
        """Labels from the prior, float32 [m, *shape], by uniform numbers [m, uniforms]."""

    def answer(self, outputs: Outputs) -> Answer:
        """A classifier's outputs as an answer."""

    def predict(self, outputs: Outputs) -> Array:
        """What a classifier predicts, in the training labels' own values, [n, ...]."""

    def targets(self, values: Array) -> Array:
        """Labels in the training labels' own values, as `wrong` takes them.

        Raises:
            DataError: There are others among them.
        """

    def wrong(self, outputs: Outputs, y: Array) -> NDArray[np.float64]:
        """The share of each row's label that is predicted wrongly, [n]; NaN where it is unknown.

        Of numbers it is the mean of their squared errors, in squared deviations.

        Args:
            outputs: The classifier's.
            y: The labels as numbers; `Traits.unknown` what is not known.
        """

    def sure(self, outputs: Outputs) -> Floats:
        """The probability that each row's prediction is right, [n]; of tags, the least sure."""

    def clear(self, golden: Outputs, atol: float, rtol: float) -> NDArray[np.bool_]:
        """Which rows have a prediction beyond doubt, within these tolerances of `mean`, [n]."""

    def differs(self, here: Outputs, golden: Outputs, atol: float, rtol: float) -> tuple[int, ...]:
        """The rows that are predicted otherwise here although the golden answer is clear."""

    def records(self, answer: Any, top: int = 1) -> list[Json]:  # noqa: ANN401  (its own answer)
        """One JSON-ready table a row, with the `top` most probable names where more than one."""

    def columns(self, answer: Any, top: int = 1) -> dict[str, list[object]]:  # noqa: ANN401
        """The same as the columns of a table: names to values of each row."""

    def to_json(self) -> Json:
        """As the field `labels` of a manifest has it."""
