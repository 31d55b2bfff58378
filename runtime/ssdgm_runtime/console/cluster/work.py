"""What a worker does: it opens a bundle once, and answers one piece after another."""

import contextlib
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


@contextlib.contextmanager
def written(out: str | Path, number: int) -> Iterator[Callable[[Columns], None]]:
    """Gives what writes columns of rows to a part, which is there whole at the end or not at all.

    A column is a sequence of values, or an array with an array for each row.
    """
    import pyarrow as pa
    from pyarrow import parquet as writer

    place, files = part(out, number), list[Any]()
    draft = place.with_suffix(f".{os.getpid()}.tmp")

    def write(said: Columns) -> None:
        listed = pa.table({name: _arrow(pa, values) for name, values in said.items()})
        if not files:
            files.append(writer.ParquetWriter(draft, listed.schema))
        files[0].write_table(listed)

    try:
        yield write
        for file in files:
            file.close()
            os.replace(draft, place)
    finally:
        draft.unlink(missing_ok=True)


def report(number: int, answer: Callable[[], tuple[int, Counter[str]]]) -> dict[str, Any]:
    """What a worker says of a piece that it answers; see `Worker.__call__`."""
    empty: dict[str, Any] = {"number": number, "rows": 0, "counts": [], "note": ""}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DriftWarning)
            rows, counts = answer()
    except errors.SsdgmError as error:
        shown = [type(error).__name__, *map(str, error.args)]
        return {**empty, "error": shown}
    notes = [str(one.message) for one in caught if one.category is DriftWarning]
    note = notes[0] if notes else ""
    return {**empty, "rows": rows, "counts": [*counts.items()], "note": note, "error": None}


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
        return report(piece.number, lambda: self.answer(piece))

    def answer(self, piece: Piece) -> tuple[int, Counter[str]]:
        """Write the part of a piece, whole or not at all; its rows, and how often what was said.

        A piece that is answered again, since a worker was lost, has the same part.
        """
        done, counts = 0, Counter[str]()
        with written(self._job.out, piece.number) as write:
            for x, names, kept in self._read(piece):
                said, given = self._said(x, names, kept)
                if "row" not in kept:
                    said["row"] = np.arange(piece.start + done, piece.start + done + len(x))
                write(said)
                done += len(x)
                counts.update(given)
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
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(values))
    return pa.array(values if isinstance(values, np.ndarray) else [*values])
