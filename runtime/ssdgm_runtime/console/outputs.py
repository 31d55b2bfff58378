"""Answers as files: CSV, JSON lines, npy, npz and pictures, written whole or not at all."""

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.console import views
from ssdgm_runtime.inference import answers
from ssdgm_runtime.pictures import latent, png, traces
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.views.view import Views

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Answer, Space

Json = dict[str, Any]
_PIXELS = 48


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


@dataclass(frozen=True, eq=False)
class Drawn:
    """Generated rows with what a picture of them needs.

    Attributes:
        samples: The rows, in the order of the grid.
        columns: How many stand beside one another in a grid.
        low: The value that is black.
        high: The value that is white.
        known: The columns of a table's rows.
        views: The views of rows that have several; `samples` then has whole rows or a dict.
        space: What a label is.
        windows: Whether rows are windows of series.
        label: What the column of labels is called; "label" where nobody says.
    """

    samples: answers.Samples | latent.Picture
    columns: int
    low: float
    high: float
    known: table.Columns = ()
    space: "Space | None" = None
    windows: bool = False
    label: str = ""
    views: Views = ()


def label_of(training: Mapping[str, Any]) -> str:
    """The name of the column of labels, where a bundle's training says it."""
    name = training.get("label", "")
    return name if isinstance(name, str) else ""


def csv(answer: Predictions) -> bytes:
    """Rows of comma-separated values under a header."""
    return _table(answer.columns())


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


def npz(drawn: Drawn) -> bytes:
    """Arrays x, y, z, label where there are labels, seed if one was used, columns of a picture.

    Of rows with several views x is an array for each, x.NAME.
    """
    samples, stream = drawn.samples, io.BytesIO()
    arrays = {**views.arrays(samples.x, drawn.views), "y": samples.y, "z": samples.z}
    seed = {} if samples.seed is None else {"seed": np.array(samples.seed)}
    label = {"label": samples.labels} if samples.y.shape[1] else {}
    laid = {"columns": np.array(drawn.columns)} if isinstance(samples, latent.Picture) else {}
    np.savez(stream, allow_pickle=False, **arrays, **seed, **label, **laid)
    return stream.getvalue()


def picture(drawn: Drawn) -> bytes:
    """A PNG grid of the rows, small images enlarged by whole pixels, windows as lines.

    Raises:
        DataError: There are no rows, or they are not images.
    """
    shown = views.shown(drawn.samples.x, drawn.views)
    x, low, high, windows = shown or (drawn.samples.x, drawn.low, drawn.high, drawn.windows)
    if windows and len(x):
        lines = traces.images(x, low, high, _PIXELS)
        return png.encode_png(png.grid(lines, drawn.columns, pad=4))
    if isinstance(x, dict) or not len(x) or not png.is_image(x.shape[1:]):
        raise errors.DataError(
            f"Generated values of {views.sizes(x)} are not images",
            "[n, height, width] or [n, height, width, 3]",
            "Write an .npz file instead.",
        )
    images = png.to_images(x, low, high)
    zoom = max(1, math.ceil(_PIXELS / max(images.shape[1:3])))
    large = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return png.encode_png(png.grid(large, drawn.columns, pad=2))


def generated(drawn: Drawn) -> bytes:
    """A table's rows under its header, the label asked for in the last column.

    Raises:
        DataError: They are not rows of a table.
    """
    if not drawn.known:
        raise errors.DataError(
            f"Generated values of {views.sizes(drawn.samples.x)} are not rows of a table",
            mend="Write an .npz file instead.",
        )
    columns = table.named(drawn.samples.x, drawn.known)
    if drawn.space and drawn.samples.y.shape[1]:
        columns[_free(drawn.label or "label", columns)] = drawn.space.captions(drawn.samples.y)
    return _table({name: [*map(_cell, values)] for name, values in columns.items()})


def _table(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Columns under their names as comma-separated values."""
    import csv as writer

    stream = io.StringIO(newline="")
    file = writer.writer(stream, lineterminator="\n")
    file.writerow(columns)
    file.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue().encode()


def _free(name: str, taken: Iterable[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _plain(value: object) -> object:
    """A value as JSON has it; dates as text."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return str(np.float32(value))
    return str(value).lower() if isinstance(value, bool) else value


def _scores_csv(scored: Scored) -> bytes:
    return _table(scored.columns())


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
GENERATE: dict[str, Callable[[Drawn], bytes]] = {
    ".png": picture,
    ".npz": npz,
    ".csv": generated,
}
