"""Answers as files: CSV, JSON lines, Parquet and npy."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.inference import answers

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Answer, Space

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """A classifier's answer with what a file about it needs.

    Attributes:
        answer: That for n rows.
        space: What a label is.
        sources: The file each row came from; empty where rows come from an array.
        top: How many names to list for a row.
        kept: Columns of the rows' own table, by name, which come first.
        label: What the column of the labels is called; "class" where nobody says.
        probabilities: Whether there is a column of probabilities for each name.
    """

    answer: "Answer"
    space: "Space"
    sources: tuple[str, ...] = ()
    top: int = 1
    kept: Mapping[str, Sequence[object]] = field(default_factory=dict)
    label: str = ""
    probabilities: bool = False

    def records(self) -> list[Json]:
        """One JSON-ready table a row: row, source, and what the space has to say of it."""
        columns = {name: [*map(_plain, values)] for name, values in self._before().items()}
        return [
            {**{name: values[i] for name, values in columns.items()}, **self._apart(record)}
            for i, record in enumerate(self.space.records(self.answer, self.top))
        ]

    def columns(self) -> dict[str, Sequence[object]]:
        """The same as columns of a table; the class has the name of the column of labels."""
        said = self.renamed(self.space.columns(self.answer, self.top))
        return {**self._before(), **self._apart(said)}

    def renamed(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of an answer, in which the class has the name of the column of labels."""
        taken = self.label in (*self.kept, *said)
        name = f"predicted_{self.label}" if taken else self.label or "class"
        return {name if key == "class" else key: value for key, value in said.items()}

    def _apart(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of an answer, which give way to columns of the same names that were kept."""
        return {f"predicted_{key}" if key in self.kept else key: v for key, v in said.items()}

    def _before(self) -> dict[str, Sequence[object]]:
        """What comes before an answer: row, source, what was kept, which keeps its names."""
        sources = {"source": self.sources} if self.sources else {}
        return {"row": range(len(self.answer)), **sources, **self._more()}

    @property
    def more(self) -> list[str]:
        """The names of the columns that were asked for besides answers."""
        return [*self._more()]

    def _more(self) -> dict[str, Sequence[object]]:
        """The columns that were kept, and those of probabilities."""
        answer: Any = self.answer  # of a space that has probabilities, see `Traits`
        probs = answer.probs.T.tolist() if self.probabilities else []
        names = (f"prob_{name}" for name in self.space.names)
        return {**self.kept, **self._apart(dict(zip(names, probs, strict=False)))}


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores with the file that each row came from; nothing where rows come from an array."""

    scores: answers.Scores
    sources: tuple[str, ...] = ()

    def columns(self) -> dict[str, Sequence[object]]:
        """Row, source, score, bound of log p(x), rank and inlier, those of them that there are."""
        scores, rows = self.scores, range(len(self.scores))
        nats = {"log_prob": scores.log_prob.tolist()} if scores.unit == "nats" else {}
        ranked = {} if np.isnan(scores.rank).all() else {"rank": scores.rank.tolist()}
        inlier = {} if scores.inlier is None else {"inlier": scores.inlier.tolist()}
        source = {"source": self.sources} if self.sources else {}
        return {"row": rows, **source, "score": scores.score.tolist(), **nats, **ranked, **inlier}

    def records(self) -> list[Json]:
        """The same, one JSON-ready table a row."""
        columns = self.columns()
        return [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]


def label_of(training: Mapping[str, Any]) -> str:
    """The name of the column of labels, where a bundle's training says it."""
    name = training.get("label", "")
    return name if isinstance(name, str) else ""


def csv(answer: Predictions) -> bytes:
    """Rows of comma-separated values under a header."""
    return comma_separated(answer.columns())


def parquet(answer: Predictions) -> bytes:
    """The same as a Parquet file.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet as writer
    except ImportError:
        raise errors.MissingExtra(
            "Writing Parquet needs pyarrow", mend='pip install "ssdgm-runtime[tables]"'
        ) from None
    stream = io.BytesIO()
    table_of = pa.table({name: list(values) for name, values in answer.columns().items()})
    writer.write_table(table_of, stream)
    return stream.getvalue()


def jsonl(answer: Predictions) -> bytes:
    """One JSON object a line."""
    import json

    records = map(answer.renamed, answer.records())
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return "".join(lines).encode()


def npy(answer: Predictions) -> bytes:
    """The probabilities, float32 [n, K]; of numbers their means; of one-class scores [n]."""
    stream = io.BytesIO()
    np.save(stream, getattr(answer.answer, answer.space.mean), allow_pickle=False)
    return stream.getvalue()


def comma_separated(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Columns under their names as the text of a .csv file."""
    import csv as writer

    stream = io.StringIO(newline="")
    file = writer.writer(stream, lineterminator="\n")
    file.writerow(columns)
    file.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue().encode()


def _plain(value: object) -> object:
    """A value as JSON has it; dates as text."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _scores_csv(scored: Scored) -> bytes:
    return comma_separated(scored.columns())


def _scores_jsonl(scored: Scored) -> bytes:
    import json

    return "".join(json.dumps(record) + "\n" for record in scored.records()).encode()


def _scores_npy(scored: Scored) -> bytes:
    stream = io.BytesIO()
    np.save(stream, scored.scores.score, allow_pickle=False)
    return stream.getvalue()


SCORE: dict[str, Callable[[Scored], bytes]] = {
    ".csv": _scores_csv,
    ".jsonl": _scores_jsonl,
    ".npy": _scores_npy,
}
CLASSIFY: dict[str, Callable[[Predictions], bytes]] = {
    ".csv": csv,
    ".jsonl": jsonl,
    ".parquet": parquet,
    ".npy": npy,
}
