"""Tables: CSV and Parquet files with named columns, one of which holds the labels.

A row is float32 [columns], as described in `ssdgm_runtime.rows.columns`. Files are read twice:
once to learn what the columns are, once to fill the rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_runtime.readers import tables as runtime
from ssdgm_runtime.rows import columns, dates
from ssdgm_train import problems
from ssdgm_train.data import dataset, partnames, quantities, store, targets
from ssdgm_train.data.partnames import PARTS, TEST, TRAIN
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import AUTO, DEFAULTS, DataPlan
from ssdgm_train.data.tables import arrow, discovery, labelfile, tablefile
from ssdgm_train.data.tables import roles as purposes
from ssdgm_train.labels import weights

Files = tuple[tuple[str, tablefile.Table], ...]
"""Each file of a data set with its part."""


def has_tables(files: tree.Tree) -> bool:
    """Whether a tree consists of tables, without images and folders."""
    names = [name for name in files.names if runtime.is_table(name) and name != labelfile.NAME]
    below = bool(files.empty) or any("/" in name or images.is_image(name) for name in files.names)
    return bool(names) and not below


def load(files: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Read tables.

    Args:
        files: One file, or several with the same columns; files whose names begin or end with
            the word `test` have the test rows, and so have rows whose column `split` says so.
        name: The name of the data set in reports.
        plan: The column of labels, those to leave out, and those of categories.

    Returns:
        Rows float32 [n, columns]; those whose label is blank, or -1, are unlabelled.

    Raises:
        DataError: A file, a column or a value cannot be trained on; the message names all three.
        MissingExtra: pyarrow is not installed.
    """
    _check_kind(plan, files)
    tables = open_tables(files)
    learnt = _learn(
        _Source(tables, purposes.roles(tables[0][1].names, tables[0][1].place, plan), plan), plan
    )
    parts = {part: _filled(learnt, part) for part in PARTS if learnt.counts[part]}
    tablefile.release()
    (x, y), (x_test, y_test) = parts[TRAIN], parts.get(TEST, (None, None))
    rows, named = (x, y, x_test, y_test), plan.read_as
    known = tuple(ranged(column, x[:, i]) for i, column in enumerate(learnt.columns))
    made = dataset.make(
        name, *rows, columns=known, classes=learnt.names, finds=plan.finds, labels_as=named
    )
    roles = learnt.source.roles
    label = "" if roles.tags or roles.measured else roles.label
    return replace(made, left=learnt.left, label=label, weights=_weights(learnt))


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some rows of one part: cleaned columns by name, and `where`, the place of a value."""

    part: str
    arrays: Mapping[str, arrow.Array]
    where: Callable[[str, int], str]

    def chosen(self, part: str, rows: NDArray[np.int64]) -> "_Piece":
        """Some of the rows, as a piece of another part."""
        arrays = {name: array.take(rows) for name, array in self.arrays.items()}
        return _Piece(part, arrays, lambda name, row: self.where(name, int(rows[row])))


@dataclass(frozen=True)
class _Source:
    """Files, the roles of their columns, and how they are read."""

    files: Files
    roles: purposes.Roles
    plan: DataPlan

    def pieces(self) -> Iterator[_Piece]:
        """Yield all rows, some at a time."""
        for part, file in self.files:
            start = 0
            for batch in file.batches(self.roles.read):
                yield from self._divided(self._cleaned(part, file, batch, start))
                start += batch.num_rows

    def _cleaned(
        self, part: str, file: tablefile.Table, batch: tablefile.Batch, start: int
    ) -> _Piece:
        def where(name: str, row: int) -> str:
            return f"{file.row(start + row)} column {name!r},"

        arrays = zip(batch.schema.names, batch.columns, strict=True)
        clean = {}
        for name, array in arrays:
            feature = name in self.roles.features
            label = name in self.roles.labels
            gaps = self.plan.missing if feature else self.plan.unlabelled if label else ()
            clean[name] = arrow.clean(array, partial(where, name), gaps, dated=feature)
        return _Piece(part, clean, where)

    def _divided(self, piece: _Piece) -> Iterator[_Piece]:
        """A piece divided by its column of parts, if there is one."""
        if not self.roles.split:
            yield piece
            return
        words = arrow.words(piece.arrays[self.roles.split]).to_pylist()
        said = partnames.parts_of_cells(words, partial(piece.where, self.roles.split))
        for part in PARTS:
            rows = np.flatnonzero(np.array(said) == part)
            if len(rows):
                yield piece.chosen(part, rows)


@dataclass(frozen=True)
class _Learnt:
    """The result of the first reading: the columns, numbers first, the classes, the row counts.

    There are no classes where labels are tags or numbers. `left` are columns that only tell rows
    apart.
    """

    source: _Source
    columns: columns.Columns
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    left: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[int | str, ...]:
        """The labels' own values, or the names of tags or numbers."""
        roles = self.source.roles
        return roles.labels if roles.measured or roles.tags else as_labels(self.classes)


def _weights(learnt: _Learnt) -> NDArray[np.float64] | None:
    """How much each training row counts, where a column says it."""
    name, source = learnt.source.roles.weight, learnt.source
    if not name:
        return None
    pieces = (piece for piece in source.pieces() if piece.part == TRAIN)
    parts = [arrow.numbers(piece.arrays[name], partial(piece.where, name)) for piece in pieces]
    place = f"{source.files[0][1].place} column {name!r},"
    return weights.checked(place, np.concatenate(parts), learnt.counts[TRAIN])


def ranged(column: columns.Column, values: store.Array) -> columns.Column:
    """A column of numbers with the least and the largest of them."""
    if column.kind != columns.NUMBER:
        return column
    ends = [(np.nanmin(p), np.nanmax(p)) for _, p in store.pieces(values) if not np.isnan(p).all()]
    return replace(column, range=(float(min(ends)[0]), float(max(high for _, high in ends))))


def open_tables(files: tree.Tree) -> Files:
    """Open the tables of a tree, each with the part that its name says; errors as in `load`."""
    names = [name for name in files.names if runtime.is_table(name) and name != labelfile.NAME]
    said = partnames.parts_of_files(names, partial(tree.place, files))
    opened = [tablefile.open_table(files, name) for name in names]
    first = opened[0]
    for other in opened[1:]:
        if odd := sorted(set(first.names) ^ set(other.names)):
            raise errors.DataError(
                f"Only one of {other.place} and {first.place} has the column {odd[0]!r}",
                mend="Give both the same columns, or give only one of them.",
            )
    return tuple(zip(said, opened, strict=True))


def _check_kind(plan: DataPlan, files: tree.Tree) -> None:
    if plan.kind not in (AUTO, problems.TABLE):
        raise errors.DataError(
            f"data.kind is {plan.kind}, but {files.title} contains tables",
            mend="Leave data.kind out; for windows, set data.series to the column that tells "
            "series apart.",
        )


def _learn(source: _Source, plan: DataPlan) -> _Learnt:
    roles, counts = source.roles, Counter(dict.fromkeys(PARTS, 0))
    classed = () if roles.tags or roles.measured else roles.labels
    seen = {name: discovery.Seen() for name in (*roles.features, *classed)}
    for piece in source.pieces():
        counts[piece.part] += len(piece.arrays[roles.label])
        said = classed if not plan.least else ()  # labels of test rows may be others
        for name in seen if piece.part == TRAIN else said:
            column, names = seen[name], name in (*classed, *plan.categorical)
            column.add(piece.arrays[name], partial(piece.where, name), names=names)
    place = source.files[0][1].place
    if not counts[TRAIN]:
        raise tablefile.no_rows(place)
    words = seen[roles.label].words if classed else []
    blank, least = plan.unlabelled, plan.least
    classes = discovery.classes(roles.label, words, place, blank, least) if classed else ()
    left = discovery.left(roles.features, seen, plan.categorical)
    features = [
        discovery.column(name, seen[name], place, names=name in plan.categorical)
        for name in roles.features
        if name not in left
    ]
    ordered = sorted(features, key=lambda column: column.kind != columns.NUMBER)
    known = tuple(replace(column, missing=plan.missing) for column in ordered)
    return _Learnt(source, known, classes, counts, left)


def _filled(learnt: _Learnt, part: str) -> tuple[NDArray[np.generic], targets.Labels]:
    """The rows of a part, float32 [n, columns], and their labels as `Dataset.y` has them."""
    count, roles = learnt.counts[part], learnt.source.roles
    place = learnt.source.files[0][1].place
    x = store.allocate((count, len(learnt.columns)), np.float32, place)
    several = roles.measured or bool(roles.tags)
    kind = np.float64 if roles.measured else np.int8 if roles.tags else np.int64
    y = store.allocate((count, len(roles.labels))[: 1 + several], kind, place, beside=x)
    start = 0
    for piece in learnt.source.pieces():
        if piece.part != part:
            continue
        end = start + len(piece.arrays[roles.label])
        for i, column in enumerate(learnt.columns):
            x[start:end, i] = _column(piece, column)
        y[start:end] = _labels(piece, learnt)
        store.give_back(x)
        store.give_back(y)
        start = end
    if roles.measured:
        _check_minus_one(learnt.source, y)
    return x, y


def _check_minus_one(source: _Source, y: NDArray[np.generic]) -> None:
    """Refuse whole numbers of which -1 alone is negative: it may stand for an unknown one."""
    for k, name in enumerate(source.roles.labels):
        lowest = np.nanmin(y[:, k], initial=0)
        written = lowest == -1 and any(
            arrow.says_minus_one(p.arrays[name]) for p in source.pieces()
        )
        if written:
            place = f"{source.files[0][1].place}, column {name!r},"
            raise quantities.ambiguous(place, "-1.0")


def _labels(piece: _Piece, learnt: _Learnt) -> targets.Labels:
    """The labels of some rows."""
    roles = learnt.source.roles
    if roles.measured:
        columns = [arrow.numbers(piece.arrays[n], partial(piece.where, n)) for n in roles.labels]
        return np.stack(columns, axis=1)
    if roles.tags:
        each = [arrow.tags(piece.arrays[tag], partial(piece.where, tag)) for tag in roles.tags]
        return np.stack(each, axis=1)
    y = arrow.codes(piece.arrays[roles.label], learnt.classes).astype(np.int64)
    if piece.part == TEST:
        _check_known(piece, roles.label, y, learnt.classes)
    return y


def _column(piece: _Piece, column: columns.Column) -> arrow.Floats:
    array = piece.arrays[column.name]
    if column.unit == dates.UNIT:
        return arrow.days(array, partial(piece.where, column.name))
    if column.kind == columns.NUMBER:
        return arrow.numbers(array, partial(piece.where, column.name))
    if column.kind == columns.BOOLEAN:
        return arrow.truths(array, partial(piece.where, column.name))
    return arrow.codes(array, column.categories)


def _check_known(
    piece: _Piece, label: str, y: NDArray[np.int64], classes: tuple[str, ...]
) -> None:
    """Check that every test row has a label that training has."""
    strange = np.flatnonzero(y < 0)
    if len(strange):
        row = int(strange[0])
        word = piece.arrays[label][row].as_py()
        raise discovery.unseen(piece.where(label, row), word, classes, "row")


def as_labels(classes: tuple[str, ...]) -> tuple[int | str, ...]:
    """Classes as integers if all are whole numbers, else as words."""
    return tuple(map(int, classes)) if discovery.whole(classes) else classes
