"""The space `one-class`: a row is normal or an outlier, by its score and a threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.labels import ranking
from ssdgm_runtime.labels.traits import OUTLYING, Traits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssdgm_runtime.labels.space import Json, Labels, Outputs

Array = NDArray[Any]
Floats = NDArray[np.float32]
_NORMAL, _OUTLIER, _UNKNOWN = 0, 1, -1


@dataclass(frozen=True)
class OneClass:
    """Normal rows and outliers.

    Attributes:
        names: What the two are called, in this order.
        threshold: The score above which a row is an outlier.
        false_alarms: The share of normal rows that are above it.
        unit: "nats" where a score is minus a lower bound of log p(x); else of the maker's own.
        levels: Shares of normal rows, in ascending order.
        values: The score that each share is at most at.
    """

    names: tuple[str, ...]
    threshold: float
    false_alarms: float
    unit: str = ""
    levels: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    space: ClassVar[str] = "one-class"
    checked: ClassVar[str] = "score"
    mean: ClassVar[str] = "score"
    traits: ClassVar[Traits] = OUTLYING
    uniforms: ClassVar[int] = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """1 of an outlier, 0 of a normal row: [1]."""
        return (1,)

    @property
    def outputs(self) -> Mapping[str, tuple[int, ...]]:
        """The score, higher for stranger rows."""
        return {"score": (1,)}

    @property
    def stated(self) -> "OneClass":
        """What is stated of scores: itself."""
        return self

    @property
    def own_values(self) -> Array:
        """The two names, [2], read-only."""
        values = np.array(self.names)
        values.flags.writeable = False
        return values

    def read(self, y: "Labels", n: int | None = None, name: str = "y") -> Floats:
        """An index or name, or a sequence of one for each row, float32 [m, 1]; see `Space`."""
        from ssdgm_runtime.labels import reading

        return reading.read(y, self.names, n, name)[:, _OUTLIER:]

    def spoken(self, words: "Sequence[str | int]", name: str = "y") -> Floats:
        """Each word a name, else an index; see `Space`."""
        from ssdgm_runtime.labels import reading

        return self.read([reading.word(w, self.names) for w in words], name=name)

    def shown(self) -> Floats:
        """A normal row: no other is generated."""
        return np.zeros((1, 1), np.float32)

    def captions(self, y: Floats) -> list[str]:
        """The names."""
        return [self.names[k] for k in self.nearest(y).tolist()]

    def nearest(self, y: Array) -> Array:
        """0 or 1, int64 [m]."""
        return (y[:, 0] > 0.5).astype(np.int64)

    def draw(self, u: NDArray[np.float64]) -> Floats:
        """Normal rows."""
        return np.zeros((len(u), 1), np.float32)

    def answer(self, outputs: "Outputs") -> "Verdict":
        """Scores as an answer."""
        (score,) = (outputs["score"],) if isinstance(outputs, dict) else outputs
        return Verdict(score.reshape(len(score)), self)

    def predict(self, outputs: "Outputs") -> Array:
        """The name of each row's side of the threshold, [n]."""
        return self.own_values[self.answer(outputs).labels]

    def targets(self, values: Array) -> Array:
        """0 of normal rows, 1 of outliers, -1 where it is not known, int64 [n]; see `Space`.

        They are these numbers, or the names.
        """
        known: dict[Any, int] = {_NORMAL: _NORMAL, _OUTLIER: _OUTLIER, _UNKNOWN: _UNKNOWN}
        known |= {name: k for k, name in enumerate(self.names)}
        own = values.tolist()
        strange = sorted({v for v in own if v not in known}, key=str) if values.ndim == 1 else own
        if strange:
            raise errors.DataError(
                f"The rows have the label {strange[0]!r}",
                f"0 or {self.names[0]!r}, 1 or {self.names[1]!r}",
                "Say of every row whether it is normal.",
            )
        return np.array([known[value] for value in own], np.int64)

    def wrong(self, outputs: "Outputs", y: Array) -> NDArray[np.float64]:
        """1 where a row is on the wrong side of the threshold; NaN where y is unknown."""
        wrong: NDArray[np.float64] = (self.answer(outputs).labels != y).astype(np.float64)
        wrong[y < 0] = np.nan
        return wrong

    def sure(self, outputs: "Outputs") -> Floats:
        """From 0 at the threshold to 1, by how many normal rows lie between: an order, no more."""
        rank, share = self.answer(outputs).rank, self.false_alarms
        gap = np.where(rank > share, (rank - share) / (1 - share), (share - rank) / (share or 1))
        sure: Floats = gap.astype(np.float32)
        return sure

    def clear(self, golden: "Outputs", atol: float, rtol: float) -> NDArray[np.bool_]:
        """Rows whose score is further from the threshold than the tolerances; see `Space`."""
        score = self.answer(golden).score.astype(np.float64)
        clear: NDArray[np.bool_] = np.abs(score - self.threshold) > atol + rtol * np.abs(score)
        return clear

    def differs(
        self, here: "Outputs", golden: "Outputs", atol: float, rtol: float
    ) -> tuple[int, ...]:
        """The rows on another side of the threshold though the golden answer is clear."""
        differ = self.answer(here).labels != self.answer(golden).labels
        return tuple(np.flatnonzero(differ & self.clear(golden, atol, rtol)).tolist())

    def records(self, answer: "Verdict", top: int = 1) -> "list[Json]":
        """One table a row: label, name, score and rank, where it is known."""
        columns = self.columns(answer)
        return [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]

    def columns(self, answer: "Verdict", top: int = 1) -> dict[str, list[object]]:
        """The same in columns."""
        ranked = {"rank": answer.rank.tolist()} if self.levels else {}
        return {
            "label": answer.labels.tolist(),
            "name": list(answer.names),
            "score": answer.score.tolist(),
            **ranked,
        }

    def to_json(self) -> "Json":
        """As the field `labels` of a manifest has it."""
        lists = {"names": self.names, "levels": self.levels, "values": self.values}
        return {
            "space": self.space,
            "unit": self.unit,
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            **{key: list(value) for key, value in lists.items()},
        }


def line(record: jsonfile.Json) -> str:
    """The verdict, the score, and how many normal rows are as strange or stranger."""
    rank = f"  rank {record['rank']:.4f}" if "rank" in record else ""
    return f"{record['name']}  score {record['score']:.6g}{rank}"


def parse(section: jsonfile.Json) -> OneClass:
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    names = jsonfile.each(section, "names", str)
    if len(names) != 2:
        raise errors.FormatError(
            f"The manifest has {len(names)} names of normal rows and outliers", "2", jsonfile.MEND
        )
    jsonfile.distinct(names, "the label")
    threshold = jsonfile.number(section.get("threshold"), "labels.threshold")
    share = jsonfile.number(section.get("false_alarms"), "labels.false_alarms")
    if not 0 <= share <= 0.5:
        raise errors.FormatError(
            f"The field labels.false_alarms of the manifest is {share:g}",
            "a share from 0 to 0.5",
            jsonfile.MEND,
        )
    unit = jsonfile.optional(section, "unit", str, "")
    return OneClass(names, threshold, share, unit, *ranking.quantiles(section, "labels"))


@dataclass(eq=False, repr=False)
class Verdict:
    """Which rows are outliers.

    Attributes:
        score: float32 [n], higher for stranger rows.
        space: The space, with its threshold.
    """

    score: Floats
    space: OneClass

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """1 of outliers, else 0, int64 [n]."""
        above: NDArray[np.int64] = (self.score > self.space.threshold).astype(np.int64)
        return above

    @cached_property
    def rank(self) -> ranking.Floats:
        """The share of normal rows as strange or stranger, [n]; NaN where it is not known."""
        return ranking.ranks(self.score, self.space.levels, self.space.values)

    @property
    def names(self) -> list[str]:
        """The two names, of each row the one that it is."""
        return [self.space.names[k] for k in self.labels.tolist()]

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The name of each row with its rank, which is no probability of it."""
        arguments.count(k, "k", 1)
        return [[pair] for pair in zip(self.names, self.rank.tolist(), strict=True)]

    def counts(self) -> dict[str, int]:
        """How many rows each name is said of."""
        counts = np.bincount(self.labels, minlength=2)
        return dict(zip(self.space.names, counts.tolist(), strict=True))

    def part(self, rows: slice) -> "Verdict":
        """The answer for some of the rows."""
        return Verdict(self.score[rows], self.space)

    def __len__(self) -> int:
        return len(self.score)
