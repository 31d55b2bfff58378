"""The space `classes`: a label is one of K classes."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.labels.traits import NAMED, Traits
from ssdgm_runtime.rows import proper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssdgm_runtime.labels.space import Json, Labels, Outputs

Array = NDArray[Any]
Floats = NDArray[np.float32]
_SURE = 1e-3  # how far from 1 the prior's sum may be


class Classes(NamedTuple):
    """K classes, or K components of which the first are classes.

    Attributes:
        names: The K names.
        values: The training labels' own values, integers or strings, in that order.
        prior: p(y).
        labelled: How many of the first names had labels; None where all had.
        class_of: For people: the class that each component mostly holds, or None.
    """

    names: tuple[str, ...]
    values: tuple[int | str, ...]
    prior: tuple[float, ...]
    labelled: int | None = None
    class_of: tuple[int | None, ...] | None = None

    @property
    def space(self) -> str:
        """Its name."""
        return "classes"

    @property
    def checked(self) -> str:
        """What probabilities are made of."""
        return "logits"

    @property
    def kinds(self) -> dict[str, str]:
        """The probabilities of a row sum to one."""
        return {"probs": proper.SHARES}

    @property
    def mean(self) -> str:
        """The probabilities."""
        return "probs"

    @property
    def traits(self) -> Traits:
        """Those of labels with names."""
        return NAMED

    @property
    def uniforms(self) -> int:
        """One."""
        return 1

    @property
    def shape(self) -> tuple[int, ...]:
        """One-hot, or a weight for each class: [K]."""
        return (len(self.names),)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Logits, and the probabilities that are their softmax."""
        return {"logits": self.shape, "probs": self.shape}

    @property
    def own_values(self) -> Array:
        """The training labels' own values, [K], read-only: integers, strings, or objects."""
        from ssdgm_runtime.labels import reading

        return reading.own(self.values)

    def read(self, y: "Labels", n: int | None = None, name: str = "y") -> Floats:
        """An index or name, a sequence of one for each row, or weights [m, K]; see `Space`."""
        from ssdgm_runtime.labels import reading

        return reading.read(y, self.names, n, name)

    def spoken(self, words: "Sequence[str | int]", name: str = "y") -> Floats:
        """Each word a name, else an index; see `Space`."""
        from ssdgm_runtime.labels import reading

        return self.read([reading.word(w, self.names) for w in words], name=name)

    def shown(self) -> Floats:
        """Every class, one-hot [K, K]."""
        return np.eye(len(self.names), dtype=np.float32)

    def captions(self, y: Floats) -> list[str]:
        """The name of the class of most weight."""
        return [self.names[i] for i in self.nearest(y).tolist()]

    def nearest(self, y: Array) -> Array:
        """The index of the class of most weight, int64 [m]."""
        return np.asarray(y.argmax(axis=1), np.int64)

    def draw(self, u: NDArray[np.float64]) -> Floats:
        """Invert the prior's cumulative sum on one number a row."""
        bounds = np.cumsum(self.prior) / np.sum(self.prior)
        indices = np.minimum(np.searchsorted(bounds, u[:, 0], side="right"), len(bounds) - 1)
        return self.shown()[indices]

    def answer(self, outputs: "Outputs") -> "Classification":
        """A classifier's logits and probabilities as an answer."""
        if isinstance(outputs, dict):
            outputs = outputs["logits"], outputs["probs"]
        logits, probs = outputs
        return Classification(logits, probs, self.names)

    def predict(self, outputs: "Outputs") -> Array:
        """The most probable class of each row, [n], as one of `own_values`."""
        return self.own_values[self.answer(outputs).labels]

    def targets(self, values: Array) -> Array:
        """The index of each row's class, int64 [n]; see `Space`."""
        places, own = {value: i for i, value in enumerate(self.values)}, values.tolist()
        strange = sorted({v for v in own if v not in places}, key=str) if values.ndim == 1 else own
        if strange:
            raise errors.DataError(
                f"The rows have the label {strange[0]!r}",
                f"labels among {list(self.values)}",
                "Use rows with the labels that the model was trained on.",
            )
        return np.array([places[value] for value in own], np.int64)

    def wrong(self, outputs: "Outputs", y: Array) -> NDArray[np.float64]:
        """1 where the most probable class is another, 0 where it is y; see `Space`."""
        wrong: NDArray[np.float64] = (self.answer(outputs).labels != y).astype(np.float64)
        wrong[y < 0] = np.nan
        return wrong

    def sure(self, outputs: "Outputs") -> Floats:
        """The probability of the most probable class; see `Space`."""
        best: Floats = self.answer(outputs).probs.max(axis=1)
        return best

    def clear(self, golden: "Outputs", atol: float, rtol: float) -> NDArray[np.bool_]:
        """Where the two best probabilities are more than twice the bound apart; see `Space`."""
        from ssdgm_runtime.labels import agreement

        return agreement.clear(self.answer(golden).probs, atol, rtol)

    def differs(
        self, here: "Outputs", golden: "Outputs", atol: float, rtol: float
    ) -> tuple[int, ...]:
        """The rows of another best class though the golden one is clear; see `Space`."""
        from ssdgm_runtime.labels import agreement

        both = self.answer(here).probs, self.answer(golden).probs
        return agreement.disagreements(*both, atol, rtol)

    def records(self, answer: "Classification", top: int = 1) -> "list[Json]":
        """One table a row: label, name, class, probability, and top if it is more than one."""
        rows = zip(answer.labels.tolist(), answer.top(max(top, 1)), strict=True)
        return [
            {
                "label": label,
                "name": best[0][0],
                "class": self.values[label],
                "probability": best[0][1],
                **({"top": [list(pair) for pair in best]} if top > 1 else {}),
            }
            for label, best in rows
        ]

    def columns(self, answer: "Classification", top: int = 1) -> dict[str, list[object]]:
        """The same in columns, further names and probabilities numbered from 2."""
        labels, best = answer.labels.tolist(), answer.top(max(top, 1))
        columns: dict[str, list[object]] = {
            "label": labels,
            "name": [pairs[0][0] for pairs in best],
            "class": [self.values[label] for label in labels],
            "probability": [pairs[0][1] for pairs in best],
        }
        for k in range(1, min(top, len(self.names))):
            for place, what in enumerate(("name", "probability")):
                columns[f"{what}_{k + 1}"] = [pairs[k][place] for pairs in best]
        return columns

    def to_json(self) -> "Json":
        """As the field `labels` of a manifest has it."""
        fields = {"names": self.names, "values": self.values, "prior": self.prior}
        labelled = {} if self.labelled is None else {"labelled": self.labelled}
        class_of = {} if self.class_of is None else {"class_of": list(self.class_of)}
        lists = {key: list(value) for key, value in fields.items()}
        return {"space": self.space, **lists, **labelled, **class_of}


def line(record: jsonfile.Json) -> str:
    """The names and probabilities of a record."""
    best = record.get("top", [[record["name"], record["probability"]]])
    return "  ".join(f"{name} {p:.4f}" for name, p in best)


def parse(section: jsonfile.Json) -> Classes:
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    names = jsonfile.each(section, "names", str)
    values = jsonfile.each(section, "values", (int, str))
    prior = tuple(jsonfile.number(p, "prior", 0) for p in jsonfile.get(section, "prior", list))
    sizes = (len(names), len(values), len(prior))
    if len(set(sizes)) != 1:
        raise errors.FormatError(
            f"The manifest has {sizes[0]} labels, {sizes[1]} classes and {sizes[2]} prior entries",
            "as many of each",
            jsonfile.MEND,
        )
    if not names:
        raise errors.FormatError("The manifest has no label", mend=jsonfile.MEND)
    jsonfile.distinct(names, "the label")
    jsonfile.distinct(values, "the class")
    if abs(sum(prior) - 1) > _SURE:
        raise errors.FormatError(
            f"The prior of the manifest sums to {sum(prior):g}", "1", jsonfile.MEND
        )
    return Classes(names, values, prior, *_components(section, len(names)))


def _components(section: jsonfile.Json, k: int) -> tuple[int | None, tuple[Any, ...] | None]:
    """`labelled` and `class_of`, where they are given."""
    labelled, class_of = section.get("labelled"), section.get("class_of")
    if labelled is not None:
        labelled = jsonfile.whole(labelled, "labels.labelled", 0, k)
    if class_of is None:
        return labelled, None
    most = (k if labelled is None else labelled) - 1
    entries = jsonfile.typed(class_of, list, "labels.class_of")
    if len(entries) != k:
        raise errors.FormatError(
            f"The field class_of of the manifest has {len(entries)} entries",
            f"{k}, one for every name",
            jsonfile.MEND,
        )
    return labelled, tuple(
        None if entry is None else jsonfile.whole(entry, "an entry of class_of", 0, most)
        for entry in entries
    )


class Classification:
    """q(y | x) for each row.

    Attributes:
        logits: float32 [n, K].
        probs: float32 [n, K]; each row sums to one.
        label_names: The K labels' names.
    """

    def __init__(self, logits: Floats, probs: Floats, label_names: tuple[str, ...]) -> None:
        self.logits, self.probs, self.label_names = logits, probs, label_names

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The most probable label's index, int64 [n]."""
        best: NDArray[np.int64] = self.logits.argmax(axis=1).astype(np.int64)
        return best

    @property
    def names(self) -> list[str]:
        """The most probable label's name."""
        return [self.label_names[i] for i in self.labels.tolist()]

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The `k` most probable labels of each row as (name, probability), best first."""
        order = np.argsort(-self.logits, axis=1, kind="stable")[:, : arguments.count(k, "k", 1)]
        chosen = np.take_along_axis(self.probs, order, axis=1)
        return [
            [(self.label_names[i], p) for i, p in zip(row, ps, strict=True)]
            for row, ps in zip(order.tolist(), chosen.tolist(), strict=True)
        ]

    def counts(self) -> dict[str, int]:
        """How many rows each name is predicted for, in the order of the names."""
        counts = np.bincount(self.labels, minlength=len(self.label_names))
        return dict(zip(self.label_names, counts.tolist(), strict=True))

    def part(self, rows: slice) -> "Classification":
        """The answer for some of the rows."""
        return Classification(self.logits[rows], self.probs[rows], self.label_names)

    def __len__(self) -> int:
        return len(self.logits)
