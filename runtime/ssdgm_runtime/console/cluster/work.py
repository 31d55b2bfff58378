"""What a worker does: it opens a bundle once, and answers one piece after another."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import rowfiles
from ssdgm_runtime.console import outputs
from ssdgm_runtime.console.cluster.pieces import Piece
from ssdgm_runtime.inference import parts
from ssdgm_runtime.readers import images, parquet, tables
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_runtime.rows.row import Row

Columns = dict[str, Any]
Array = np.ndarray[Any, Any]
Kept = Mapping[str, Sequence[object]]


class Job(NamedTuple):
    """What is to be done with every piece; it travels to each worker once.

    Attributes:
        bundle: The bundle's path, which every worker must see.
        out: The folder of the parts, which every worker must see.
        task: "classify", "predict" or "score".
        settings: Arguments of `model.load`.
        top: How many labels to list for a row.
        keep: Columns of the rows' table to repeat.
        probabilities: Whether there is a column of probabilities for each label.
        batch_size: The most rows computed at once.
    """

    bundle: str
    out: str
    task: str
    settings: dict[str, Any]
    top: int = 1
    keep: tuple[str, ...] = ()
    probabilities: bool = False
    batch_size: int | None = None


def part(out: str | Path, number: int) -> Path:
    """Where the answers of a piece are, which sort as pieces do."""
    return Path(out) / f"part-{number:06d}.parquet"


def is_part(name: str) -> bool:
    """Whether a file is such a part by its name."""
    return name.startswith("part-") and name.endswith(".parquet")


def sweep(out: str | Path) -> None:
    """Remove what workers that were lost had begun to write."""
    for path in Path(out).glob("*.tmp"):
        path.unlink()


class Worker:
    """Answers pieces; its class is what an engine makes an actor of."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._opened = model.load(job.bundle, **job.settings)
        about = self._opened.graphs.bundle.manifest
        component = parts.scorer(about.graphs) if job.task == "score" else "classifier"
        self._row = rowfiles.row(about, component)
        self._label = outputs.label_of(about.training)

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a piece and write its part.

        Args:
            item: `piece`, a `Piece` as a tuple.

        Returns:
            Its `number`, how many `rows` were written, `counts` of answers by name as pairs, how
            its rows differ from the training's as `note`, empty if they do not, and `error`: the
            class and the arguments of what was wrong with it, else None.
        """
        piece = Piece(*item["piece"])
        empty: dict[str, Any] = {"number": piece.number, "rows": 0, "counts": [], "note": ""}
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", DriftWarning)
                rows, counts = self.answer(piece)
        except errors.SsdgmError as error:
            shown = [type(error).__name__, *map(str, error.args)]
            return {**empty, "error": shown}
        notes = [str(one.message) for one in caught if one.category is DriftWarning]
        note = notes[0] if notes else ""
        return {**empty, "rows": rows, "counts": [*counts.items()], "note": note, "error": None}

    def answer(self, piece: Piece) -> tuple[int, Counter[str]]:
        """Write the part of a piece, whole or not at all; its rows, and how often what was said.

        A piece that is answered again, since a worker was lost, has the same part.
        """
        import pyarrow as pa
        from pyarrow import parquet as writer

        place, done, counts = part(self._job.out, piece.number), 0, Counter[str]()
        draft = place.with_suffix(f".{os.getpid()}.tmp")
        file = None
        try:
            for x, names, kept in self._read(piece):
                said, given = self._said(x, names, kept)
                if "row" not in kept:
                    said["row"] = np.arange(piece.start + done, piece.start + done + len(x))
                listed = pa.table({k: _arrow(pa, values) for k, values in said.items()})
                file = file or writer.ParquetWriter(draft, listed.schema)
                file.write_table(listed)
                done += len(x)
                counts.update(given)
            if file:
                file.close()
                os.replace(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        return done, counts

    def _read(self, piece: Piece) -> Iterator[tuple[Array, tuple[str, ...], Kept]]:
        """The rows of a piece, their files' names and the columns to keep, some at a time."""
        if piece.group < 0:
            yield _pictures(piece, self._row), piece.files, {}
            return
        wanted, start = self._row.columns or self._row.features, piece.start
        names = dict.fromkeys([*(column.name for column in wanted), *self._job.keep])
        place = f"{piece.place}, row"
        with open(piece.place, "rb") as stream:
            file = parquet.parsed(stream, piece.place)
            for name in names:
                columns.index_in(file.schema_arrow.names, name, piece.place)
            for batch in parquet.pieces(file, [*names], piece.place, [piece.group]):
                rows = tables.coded(batch, wanted, place, start)
                start += len(rows)
                shaped = rows.reshape(-1, *(self._row.shape or ()))
                kept = {name: batch.column(name) for name in self._job.keep}
                yield columns.exact(shaped, self._row.dtype), (), kept

    def _said(self, x: Array, names: tuple[str, ...], kept: Kept) -> tuple[Columns, Counter[str]]:
        """Columns of answers to rows, and how often each answer was given."""
        job, opened = self._job, self._opened
        if job.task == "score":
            scores = opened.score(x, batch_size=job.batch_size)
            return outputs.Scored(scores, names).columns(), Counter()
        answer = opened.classify(x, batch_size=job.batch_size)
        more = (names, job.top, kept, self._label, job.probabilities)
        said = outputs.Predictions(answer, opened.space, *more).columns()
        return said, Counter(answer.counts())


def _pictures(piece: Piece, row: Row) -> Array:
    load: Callable[[Path], Array] = lambda path: images.load(path, row.shape, row.resize)  # noqa: E731
    return np.stack([load(Path(piece.place) / name) for name in piece.files])


def _arrow(pa: Any, values: Any) -> Any:  # noqa: ANN401  (pyarrow and its arrays)
    return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array([*values])
