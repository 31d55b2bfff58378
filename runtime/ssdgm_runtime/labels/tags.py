"""The space `tags`: a label says yes or no to each of K names, any number of which may hold."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.labels import agreement, reading
from ssdgm_runtime.labels.traits import NAMED, Traits
from ssdgm_runtime.rows import proper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssdgm_runtime.labels.space import Json, Labels, Outputs

Array = NDArray[Any]
Floats = NDArray[np.float32]
BETWEEN = ";"
"""What is between the tags of a row in one cell of a table, and in one word of a command line."""


@dataclass(frozen=True)
class Tags:
    """K independent tags.

    Attributes:
        names: The K names.
        prior: p(tag), from 0 to 1, for each.
        threshold: The probability from which a tag is predicted: one number, or one for each.
    """

    names: tuple[str, ...]
    prior: tuple[float, ...]
    threshold: float | tuple[float, ...] = 0.5

    space: ClassVar[str] = "tags"
    checked: ClassVar[str] = "logits"
    kinds: ClassVar[dict[str, str]] = {"probs": proper.TRUTHS}
    mean: ClassVar[str] = "probs"
    traits: ClassVar[Traits] = NAMED

    @property
    def shape(self) -> tuple[int, ...]:
        """1 or 0 for each tag, or a weight between: [K]."""
        return (len(self.names),)

    @property
    def uniforms(self) -> int:
        """Every tag is drawn by a number of its own."""
        return len(self.names)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Logits, and the probabilities that are their logistic function."""
        return {"logits": self.shape, "probs": self.shape}

    @cached_property
    def own_values(self) -> Array:
        """The tags' names, [K], read-only."""
        values = np.array(self.names)
        values.flags.writeable = False
        return values

    def read(self, y: "Labels", n: int | None = None, name: str = "y") -> Floats:
        """Tags in one of these forms, float32 [m, K]; see `Space`.

        A set of names (or indices) is one row's tags, `set()` no tag at all; a single name or
        index is that tag alone. Either serves all of `n` rows. A sequence has one entry for each
        row, each of them such a set, name or index: a list of names is *not* one row's tags.
        Numbers [m, K] from 0 to 1 are taken as they are.
        """
        labels = reading.read(y, self.names, n, name, sets=True)
        if labels.size and not (labels.min() >= 0 and labels.max() <= 1):
            raise errors.InputError(name, "outside 0 to 1", "0 or 1, or a weight between")
        return labels

    def spoken(self, words: "Sequence[str | int]", name: str = "y") -> Floats:
        """Each word the tags of one label, with semicolons between; see `Space`."""
        sets = [{reading.word(part, self.names) for part in self._parts(word)} for word in words]
        return self.read(sets, name=name)  # type: ignore[arg-type]

    def _parts(self, word: str | int) -> "list[str | int]":
        if isinstance(word, str) and word not in self.names:
            return [part for part in word.split(BETWEEN) if part]
        return [word]

    def shown(self) -> Floats:
        """Every tag alone, [K, K]."""
        return np.eye(len(self.names), dtype=np.float32)

    def captions(self, y: Floats) -> list[str]:
        """The names of the tags with weights from one half on, joined."""
        return [BETWEEN.join(names) for names in _named(self.nearest(y), self.names)]

    def nearest(self, y: Array) -> Array:
        """1 for weights from one half on, int8 [m, K]."""
        return (y >= 0.5).astype(np.int8)

    def draw(self, u: NDArray[np.float64]) -> Floats:
        """1 where a tag's own number is below its prior."""
        return (u < np.array(self.prior)).astype(np.float32)

    def answer(self, outputs: "Outputs") -> "Tagging":
        """A classifier's logits and probabilities as an answer."""
        if isinstance(outputs, dict):
            outputs = outputs["logits"], outputs["probs"]
        logits, probs = outputs
        return Tagging(logits, probs, self.names, self.threshold)

    def predict(self, outputs: "Outputs") -> Array:
        """0 or 1 for every tag, int64 [n, K]."""
        return self.answer(outputs).labels.astype(np.int64)

    def targets(self, values: Array) -> Array:
        """0, 1, or -1 where nothing is known, int64 [n, K]; see `Space`."""
        if values.ndim != 2 or values.shape[1:] != self.shape or not _ternary(values):
            raise errors.DataError(
                f"The rows have labels {values.dtype} {list(values.shape)}",
                f"0, 1 or -1 (unknown) for each of {len(self.names)} tags, [n, K]",
                "Use rows with the labels that the model was trained on.",
            )
        return values.astype(np.int64)

    def wrong(self, outputs: "Outputs", y: Array) -> NDArray[np.float64]:
        """The share of a row's known tags that are wrong; see `Space`."""
        known = y >= 0
        wrong = ((self.answer(outputs).labels != y) & known).sum(axis=1)
        with np.errstate(invalid="ignore"):
            share: NDArray[np.float64] = wrong / known.sum(axis=1)
        return share

    def sure(self, outputs: "Outputs") -> Floats:
        """The probability of the answer to the least sure tag; see `Space`."""
        answer = self.answer(outputs)
        least: Floats = np.where(answer.labels, answer.probs, 1 - answer.probs).min(axis=1)
        return least

    def clear(self, golden: "Outputs", atol: float, rtol: float) -> NDArray[np.bool_]:
        """Where every probability is further from its threshold than the bound; see `Space`."""
        rows: NDArray[np.bool_] = np.all(self._sure(golden, atol, rtol), axis=1)
        return rows

    def differs(
        self, here: "Outputs", golden: "Outputs", atol: float, rtol: float
    ) -> tuple[int, ...]:
        """The rows in which a tag differs whose golden probability is clear; see `Space`."""
        other = self.answer(here).labels != self.answer(golden).labels
        rows = (other & self._sure(golden, atol, rtol)).any(axis=1)
        return tuple(np.flatnonzero(rows).tolist())

    def _sure(self, golden: "Outputs", atol: float, rtol: float) -> NDArray[np.bool_]:
        threshold = np.asarray(self.threshold, np.float32)
        return agreement.beyond(self.answer(golden).probs, threshold, atol, rtol)

    def records(self, answer: "Tagging", top: int = 1) -> "list[Json]":
        """One table a row: tags, probabilities of all by name, and top if it is more than one."""
        listed = zip(answer.names, answer.probs.tolist(), answer.top(top), strict=True)
        return [
            {
                "tags": list(names),
                "probabilities": dict(zip(self.names, probs, strict=True)),
                **({"top": [list(pair) for pair in best]} if top > 1 else {}),
            }
            for names, probs, best in listed
        ]

    def columns(self, answer: "Tagging", top: int = 1) -> dict[str, list[object]]:
        """The tags of each row in one column, and the probabilities of each tag in its own."""
        probs = zip(self.names, answer.probs.T.tolist(), strict=True)
        return {
            "tags": [BETWEEN.join(names) for names in answer.names],
            **{f"probability_{name}": column for name, column in probs},
        }

    def to_json(self) -> "Json":
        """As the field `labels` of a manifest has it."""
        several = isinstance(self.threshold, tuple)
        return {
            "space": self.space,
            "names": list(self.names),
            "prior": list(self.prior),
            "threshold": list(self.threshold) if several else self.threshold,  # type: ignore[arg-type]
        }


def line(record: jsonfile.Json) -> str:
    """The tags of a record and their probabilities."""
    every = record["probabilities"]
    best = record.get("top", [[name, every[name]] for name in record["tags"]])
    return "  ".join(f"{name} {p:.4f}" for name, p in best) or "no tag"


def parse(section: jsonfile.Json) -> Tags:
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    names = jsonfile.each(section, "names", str)
    if not names:
        raise errors.FormatError("The manifest has no label", mend=jsonfile.MEND)
    jsonfile.distinct(names, "the label")
    prior = _shares(jsonfile.get(section, "prior", list), "prior", len(names))
    threshold = section.get("threshold")
    if threshold is None:
        return Tags(names, prior)
    if isinstance(threshold, list):
        return Tags(names, prior, _shares(threshold, "threshold", len(names)))
    return Tags(names, prior, *_shares([threshold], "threshold", 1))


def _shares(values: "Sequence[object]", field: str, k: int) -> tuple[float, ...]:
    """Numbers from 0 to 1, `k` of them."""
    shares = tuple(jsonfile.number(value, f"labels.{field}", 0) for value in values)
    if len(shares) != k or any(share > 1 for share in shares):
        raise errors.FormatError(
            f"The field {field} of the manifest's labels is {list(shares)}"[:120],
            f"{k} numbers from 0 to 1",
            jsonfile.MEND,
        )
    return shares


def _named(labels: Array, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(n for n, on in zip(names, row, strict=True) if on) for row in labels.tolist()]


def _ternary(values: Array) -> bool:
    return values.dtype.kind in "biuf" and bool(np.isin(values, (-1, 0, 1)).all())


@dataclass(frozen=True, eq=False)
class Tagging:
    """q(tag | x) for each row and tag.

    Attributes:
        logits: float32 [n, K].
        probs: float32 [n, K], each from 0 to 1.
        label_names: The K tags' names.
        threshold: The probability from which a tag is predicted: one number, or one for each.
    """

    logits: Floats
    probs: Floats
    label_names: tuple[str, ...]
    threshold: float | tuple[float, ...] = 0.5

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """1 for the tags that are predicted, int8 [n, K]."""
        predicted: NDArray[np.int8] = (
            self.probs >= np.asarray(self.threshold, np.float32)
        ).astype(np.int8)
        return predicted

    @property
    def names(self) -> list[tuple[str, ...]]:
        """The names of the tags that are predicted."""
        return _named(self.labels, self.label_names)

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The `k` most probable tags of each row as (name, probability), best first."""
        order = np.argsort(-self.logits, axis=1, kind="stable")[:, : arguments.count(k, "k", 1)]
        chosen = np.take_along_axis(self.probs, order, axis=1)
        return [
            [(self.label_names[i], p) for i, p in zip(row, ps, strict=True)]
            for row, ps in zip(order.tolist(), chosen.tolist(), strict=True)
        ]

    def counts(self) -> dict[str, int]:
        """How many rows each tag is predicted for, in the order of the names."""
        return dict(zip(self.label_names, self.labels.sum(axis=0).tolist(), strict=True))

    def part(self, rows: slice) -> "Tagging":
        """The answer for some of the rows."""
        return Tagging(self.logits[rows], self.probs[rows], self.label_names, self.threshold)

    def __len__(self) -> int:
        return len(self.logits)
