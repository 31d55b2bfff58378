"""The space `numbers`: a label is one number or several, each predicted with its deviation."""

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.labels.traits import MEASURED, Traits
from ssdgm_runtime.rows import proper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssdgm_runtime.labels.space import Json, Labels, Outputs

Array = NDArray[Any]
Floats = NDArray[np.float32]
BETWEEN = ";"
"""What is between the numbers of a row in one word of a command line."""

_EDGE = 1e-12  # the least probability that a draw is made from
_SHOWN = 1.5  # deviations about the mean
_DIGITS = 5


@dataclass(frozen=True)
class Continuous:
    """D numbers.

    Attributes:
        names: The D names.
        means: The mean of each among the labelled training rows, in its own unit.
        deviations: The standard deviation of each.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    space: ClassVar[str] = "numbers"
    checked: ClassVar[str] = "mean"
    kinds: ClassVar[dict[str, str]] = {"scale": proper.SCALE}
    mean: ClassVar[str] = "mean"
    traits: ClassVar[Traits] = MEASURED

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers themselves: [D]."""
        return (len(self.names),)

    @property
    def uniforms(self) -> int:
        """Every number is drawn by one of its own."""
        return len(self.names)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The mean and the standard deviation of each number, in its own unit."""
        return {"mean": self.shape, "scale": self.shape}

    @cached_property
    def own_values(self) -> Array:
        """The numbers' names, [D], read-only."""
        values = np.array(self.names)
        values.flags.writeable = False
        return values

    def read(self, y: "Labels", n: int | None = None, name: str = "y") -> Floats:
        """Numbers in one of these forms, float32 [m, D]; see `Space`.

        [m, D]; where there is but one, D = 1, also a number, which serves all of `n` rows, or [m].
        A sequence of D numbers, D > 1, is one label, which serves all rows too.
        """
        from ssdgm_runtime.rows import checks

        d = len(self.names)
        want = f"numbers [n, {d}]" + (
            ", a number, or one for each row" if d == 1 else f" or [{d}]"
        )
        given = checks.read(y, name, want)
        if given.dtype.kind not in "iuf" or given.ndim > 2:
            raise errors.InputError(name, checks.described(given), want)
        single = given.ndim == 0 or (given.ndim == 1 and d > 1)
        columns = given.reshape(1, -1) if single else given.reshape(len(given), -1)
        if columns.shape[1] != d and columns.size:
            raise errors.InputError(name, checks.described(given), want)
        with np.errstate(over="ignore"):
            labels: Floats = columns.astype(np.float32).reshape(-1, d)
        checks.finite(labels, name)
        if n is None or len(labels) == n:
            return labels
        if single:
            return np.repeat(labels, n, axis=0)
        raise errors.InputError(
            name, f"{len(labels)} labels", f"one for each of the {n} rows of x"
        )

    def spoken(self, words: "Sequence[str | int]", name: str = "y") -> Floats:
        """Each word the numbers of one label, with semicolons between; see `Space`."""
        return self.read(np.array([self._spoken(str(w), name) for w in words]), name=name)

    def _spoken(self, word: str, name: str) -> list[float]:
        try:
            numbers = [float(part) for part in word.split(BETWEEN)]
        except ValueError:
            numbers = []
        if len(numbers) != len(self.names) or not all(map(math.isfinite, numbers)):
            several = " with semicolons between" if len(self.names) > 1 else ""
            want = f"{arguments.shown(len(self.names))} of {', '.join(self.names)}{several}"
            raise errors.InputError(name, arguments.shown(word), f"numbers, {want}")
        return numbers

    def shown(self) -> Floats:
        """Of one number seven from low to high; of several the means, and each low and high."""
        if len(self.names) == 1:
            return self._own(np.linspace(-_SHOWN, _SHOWN, 7)[:, None])
        moved = _SHOWN * np.eye(len(self.names))
        return self._own(
            np.concatenate([0 * moved[:1], *zip(-moved, moved, strict=True)]).reshape(
                -1, len(self.names)
            )
        )

    def captions(self, y: Floats) -> list[str]:
        """The numbers with a few digits, joined."""
        return [BETWEEN.join(f"{number:.{_DIGITS}g}" for number in row) for row in y.tolist()]

    def nearest(self, y: Array) -> Array:
        """The numbers themselves."""
        return y

    def draw(self, u: NDArray[np.float64]) -> Floats:
        """From normal distributions with the means and deviations, by their inverse functions."""
        inverse = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])
        return self._own(inverse(u.clip(_EDGE, 1 - _EDGE)) if u.size else u)

    def _own(self, standard: Array) -> Floats:
        """Numbers in their own units from standardised ones."""
        own: Floats = (np.array(self.means) + np.array(self.deviations) * standard).astype(
            np.float32
        )
        return own

    def answer(self, outputs: "Outputs") -> "Estimate":
        """Means and deviations as an answer."""
        if isinstance(outputs, dict):
            outputs = outputs["mean"], outputs["scale"]
        mean, scale = outputs
        return Estimate(mean, scale, self.names)

    def predict(self, outputs: "Outputs") -> Array:
        """The means, float32 [n, D]; [n] where there is but one number."""
        mean = self.answer(outputs).mean
        return mean[:, 0] if len(self.names) == 1 else mean

    def targets(self, values: Array) -> Array:
        """Numbers, NaN where one is not known, float64 [n, D]; see `Space`."""
        columns = values[:, None] if values.ndim == 1 else values
        if columns.dtype.kind not in "iuf" or columns.shape[1:] != self.shape:
            raise errors.DataError(
                f"The rows have labels {values.dtype} {list(values.shape)}",
                f"{len(self.names)} numbers a row, NaN where one is not known",
                "Use rows with labels like those that the model was trained on.",
            )
        return columns.astype(np.float64)

    def wrong(self, outputs: "Outputs", y: Array) -> NDArray[np.float64]:
        """The mean squared error of a row's known numbers, in squared deviations; see `Space`."""
        known = ~np.isnan(y)
        off = (self.answer(outputs).mean.astype(np.float64) - y) / np.array(self.deviations)
        with np.errstate(invalid="ignore"):
            mean: NDArray[np.float64] = np.where(known, off**2, 0).sum(axis=1) / known.sum(axis=1)
        return mean

    def sure(self, outputs: "Outputs") -> Floats:
        """From 0 to 1, less the larger the largest deviation is next to that of all labels.

        No prediction is right with a probability, so this is an order and no more.
        """
        largest = (self.answer(outputs).scale / np.array(self.deviations)).max(axis=1)
        sure: Floats = (1 / (1 + largest)).astype(np.float32)
        return sure

    def clear(self, golden: "Outputs", atol: float, rtol: float) -> NDArray[np.bool_]:
        """All rows: a number is not predicted otherwise but more or less, which values show."""
        return np.ones(len(self.answer(golden)), dtype=np.bool_)

    def differs(
        self, here: "Outputs", golden: "Outputs", atol: float, rtol: float
    ) -> tuple[int, ...]:
        """None: whether means agree is seen by their values, which are compared anyway."""
        return ()

    def records(self, answer: "Estimate", top: int = 1) -> "list[Json]":
        """One table a row: mean and deviation of each number by its name."""
        rows = zip(answer.mean.tolist(), answer.scale.tolist(), strict=True)
        return [
            {
                "mean": dict(zip(self.names, mean, strict=True)),
                "deviation": dict(zip(self.names, scale, strict=True)),
            }
            for mean, scale in rows
        ]

    def columns(self, answer: "Estimate", top: int = 1) -> dict[str, list[object]]:
        """The mean of each number in a column of its name, and its deviation in one beside it."""
        columns: dict[str, list[object]] = {}
        for k, name in enumerate(self.names):
            columns[name] = answer.mean[:, k].tolist()
            columns[f"deviation_{name}"] = answer.scale[:, k].tolist()
        return columns

    def to_json(self) -> "Json":
        """As the field `labels` of a manifest has it."""
        lists = {"names": self.names, "mean": self.means, "deviation": self.deviations}
        return {"space": self.space, **{key: list(value) for key, value in lists.items()}}


def line(record: jsonfile.Json) -> str:
    """The numbers of a record with their deviations."""
    several = len(record["mean"]) > 1
    return "  ".join(
        (f"{name} " if several else "")
        + f"{mean:.{_DIGITS}g} ± {record['deviation'][name]:.{_DIGITS}g}"
        for name, mean in record["mean"].items()
    )


def parse(section: jsonfile.Json) -> Continuous:
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    names = jsonfile.each(section, "names", str)
    if not names:
        raise errors.FormatError("The manifest has no label", mend=jsonfile.MEND)
    jsonfile.distinct(names, "the label")
    means, deviations = (
        tuple(jsonfile.number(v, f"labels.{key}") for v in jsonfile.get(section, key, list))
        for key in ("mean", "deviation")
    )
    if not len(names) == len(means) == len(deviations) or min(deviations) <= 0:
        raise errors.FormatError(
            f"The manifest has {len(names)} labels, {len(means)} means and {len(deviations)} "
            "deviations",
            "as many of each, and deviations above 0",
            jsonfile.MEND,
        )
    return Continuous(names, means, deviations)


@dataclass(frozen=True, eq=False)
class Estimate:
    """q(y | x) for each row: normal distributions of its numbers.

    Attributes:
        mean: float32 [n, D], each in its own unit.
        scale: float32 [n, D], the standard deviations.
        label_names: The D numbers' names.
    """

    mean: Floats
    scale: Floats
    label_names: tuple[str, ...]

    @property
    def labels(self) -> Floats:
        """The means."""
        return self.mean

    @property
    def names(self) -> list[str]:
        """The predicted numbers of each row with their deviations, as text."""
        return [
            BETWEEN.join(f"{m:.{_DIGITS}g} ± {s:.{_DIGITS}g}" for m, s in zip(*row, strict=True))
            for row in zip(self.mean.tolist(), self.scale.tolist(), strict=True)
        ]

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The means of the first `k` numbers of each row as (name, mean), in their order."""
        some = self.mean[:, : arguments.count(k, "k", 1)].tolist()
        return [list(zip(self.label_names, row, strict=False)) for row in some]

    def counts(self) -> dict[str, int]:
        """Nothing: numbers are not counted."""
        return {}

    def part(self, rows: slice) -> "Estimate":
        """The answer for some of the rows."""
        return Estimate(self.mean[rows], self.scale[rows], self.label_names)

    def __len__(self) -> int:
        return len(self.mean)
