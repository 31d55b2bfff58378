"""Tables: CSV and Parquet files with named columns, one of which holds the labels.

A row is float32 [columns], as `problems.columns` has it. Files are read twice: once to learn
what the columns are, once to fill the rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_runtime.readers import tables as runtime
from ssdgm_runtime.rows import columns
from ssdgm_train import problems
from ssdgm_train.data import dataset, partnames, store
from ssdgm_train.data.partnames import PARTS, TEST, TRAIN
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import AUTO, DEFAULTS, DataPlan
from ssdgm_train.data.tables import cells, discovery, labelfile, tablefile

Files = tuple[tuple[str, tablefile.Table], ...]
"""Each file of a data set with its part."""


def are_there(found: tree.Tree) -> bool:
    """Whether a tree is tables, and nothing that has images."""
    names = [name for name in found.names if runtime.is_table(name) and name != labelfile.NAME]
    below = bool(found.empty) or any("/" in name or images.is_image(name) for name in found.names)
    return bool(names) and not below


def load(found: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Read tables.

    Args:
        found: One file, or several with the same columns; those whose names begin or end
            with the word `test` hold the test rows, as do those rows whose column `split` says so.
        name: What reports call it.
        plan: Which column holds the labels, which are left out, which are categories.

    Returns:
        Rows whose label is blank, or -1, are unlabelled.

    Raises:
        DataError: A file, a column or a value that cannot be trained on; it names all three.
        MissingExtra: pyarrow is not installed.
    """
    _check_kind(plan, found)
    opened = files(found)
    known = _learn(
        _Source(opened, discovery.roles(opened[0][1].names, opened[0][1].place, plan)), plan
    )
    parts = {part: _filled(known, part) for part in PARTS if known.counts[part]}
    tablefile.release()
    (x, y), (x_test, y_test) = parts[TRAIN], parts.get(TEST, (None, None))
    return dataset.make(
        name, x, y, x_test, y_test, columns=known.columns, classes=values(known.classes)
    )


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some rows of one part: cleaned columns by name, and what messages call a row's value."""

    part: str
    arrays: Mapping[str, cells.Array]
    told: Callable[[str, int], str]

    def chosen(self, part: str, rows: NDArray[np.int64]) -> "_Piece":
        """Those of the rows that are of another part."""
        arrays = {name: array.take(rows) for name, array in self.arrays.items()}
        return _Piece(part, arrays, lambda name, row: self.told(name, int(rows[row])))


@dataclass(frozen=True)
class _Source:
    """Files and what their columns serve."""

    files: Files
    roles: discovery.Roles

    def pieces(self) -> Iterator[_Piece]:
        """All rows, some at a time."""
        for part, file in self.files:
            start = 0
            for batch in file.batches(self.roles.read):
                yield from self._parted(_cleaned(part, file, batch, start))
                start += batch.num_rows

    def _parted(self, piece: _Piece) -> Iterator[_Piece]:
        """A piece by what its column of parts says."""
        if not self.roles.split:
            yield piece
            return
        words = cells.words(piece.arrays[self.roles.split]).to_pylist()
        said = partnames.of_cells(words, partial(piece.told, self.roles.split))
        for part in PARTS:
            rows = np.flatnonzero(np.array(said) == part)
            if len(rows):
                yield piece.chosen(part, rows)


@dataclass(frozen=True)
class _Known:
    """What the first reading has found: the columns, numbers first, the classes, the rows."""

    source: _Source
    columns: columns.Columns
    classes: tuple[str, ...]
    counts: Mapping[str, int]


def files(found: tree.Tree) -> Files:
    """Open the tables of a tree, each with its part by its name; errors as of `load`."""
    names = [name for name in found.names if runtime.is_table(name) and name != labelfile.NAME]
    said = partnames.of_files(names, partial(tree.place, found))
    opened = [tablefile.load(found, name) for name in names]
    first = opened[0]
    for other in opened[1:]:
        if odd := sorted(set(first.names) ^ set(other.names)):
            raise errors.DataError(
                f"{other.place} and {first.place} do not both have the column {odd[0]!r}",
                "tables with the same columns",
                "Give one of them alone, or make them alike.",
            )
    return tuple(zip(said, opened, strict=True))


def _check_kind(plan: DataPlan, found: tree.Tree) -> None:
    if plan.kind not in (AUTO, problems.TABLE):
        raise errors.DataError(
            f"data.kind is {plan.kind} and {found.title} holds tables",
            "data.kind = table, or windows by data.series, the column that tells series apart",
        )


def _cleaned(part: str, file: tablefile.Table, batch: tablefile.Batch, start: int) -> _Piece:
    def told(name: str, row: int) -> str:
        return f"{file.row(start + row)} column {name!r},"

    arrays = zip(batch.schema.names, batch.columns, strict=True)
    clean = {n: cells.clean(a, partial(told, n)) for n, a in arrays}
    return _Piece(part, clean, told)


def _learn(source: _Source, plan: DataPlan) -> _Known:
    roles, counts = source.roles, Counter(dict.fromkeys(PARTS, 0))
    seen = {name: discovery.Seen() for name in (*roles.features, roles.label)}
    for piece in source.pieces():
        counts[piece.part] += len(piece.arrays[roles.label])
        for name, found in seen.items() if piece.part == TRAIN else ():
            names = name == roles.label or name in plan.categorical
            found.add(piece.arrays[name], partial(piece.told, name), names=names)
    place = source.files[0][1].place
    if not counts[TRAIN]:
        raise errors.DataError(f"{place} has no rows to train on", "a head and rows below it")
    classes = discovery.classes(roles.label, seen[roles.label].words, place)
    features = [
        discovery.column(name, seen[name], place, names=name in plan.categorical)
        for name in roles.features
    ]
    ordered = sorted(features, key=lambda column: column.kind != columns.NUMBER)
    return _Known(source, tuple(ordered), classes, counts)


def _filled(known: _Known, part: str) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """The rows of a part, and their class indices."""
    count, label = known.counts[part], known.source.roles.label
    x = store.room((count, len(known.columns)), np.float32, known.source.files[0][1].place)
    y = store.room((count,), np.int64, known.source.files[0][1].place, beside=x)
    start = 0
    for piece in known.source.pieces():
        if piece.part != part:
            continue
        end = start + len(piece.arrays[label])
        for i, column in enumerate(known.columns):
            x[start:end, i] = _column(piece, column)
        y[start:end] = cells.codes(piece.arrays[label], known.classes)
        if part == TEST:
            _check_known(piece, label, y[start:end], known.classes)
        store.give_back(x)
        store.give_back(y)
        start = end
    return x, y


def _column(piece: _Piece, column: columns.Column) -> cells.Floats:
    array = piece.arrays[column.name]
    if column.kind == columns.NUMBER:
        return cells.numbers(array, partial(piece.told, column.name))
    if column.kind == columns.BOOLEAN:
        return cells.truths(array, partial(piece.told, column.name))
    return cells.codes(array, column.categories)


def _check_known(
    piece: _Piece, label: str, y: NDArray[np.int64], classes: tuple[str, ...]
) -> None:
    """Refuse a test row without a label that training has."""
    strange = np.flatnonzero(y < 0)
    if len(strange):
        row = int(strange[0])
        word = piece.arrays[label][row].as_py()
        raise discovery.unseen(piece.told(label, row), word, classes, "row")


def values(classes: tuple[str, ...]) -> tuple[int | str, ...]:
    """Labels as the numbers that all of them are, or as words."""
    return tuple(map(int, classes)) if discovery.whole(classes) else classes
