"""Long tables of time series, one line per moment, as windows [channels, time].

`data.series` names the column that tells series apart, `data.time` the one that orders their
lines. One column has the labels, `split` may divide train from test; all others are channels. With
`data.window` a series is a recording, of which windows are cut.
"""

import bisect
import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import windows
from ssdgm_runtime.rows import series
from ssdgm_train import problems
from ssdgm_train.data import dataset, partnames, targets
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DEFAULTS, DataPlan
from ssdgm_train.data.tables import arrow, discovery, table, tablefile
from ssdgm_train.data.tables import roles as purposes

Indices = NDArray[np.int64]
MEND = (
    "Fill the series that are shorter; or set data.window, the moments of the windows that each "
    "is then cut into."
)


def load(files: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Read long tables.

    Args:
        files: One file, or several, as in `table.load`.
        name: The name of the data set in reports.
        plan: The columns of series, times and labels, and those to leave out.

    Returns:
        Rows float32 [channels, time], one per series, or several where they are cut, in the order
        of the series' first lines; one whose label is blank, or -1, is unlabelled.

    Raises:
        DataError: A file, a column or a value cannot be trained on; the message names all three.
        MissingExtra: pyarrow is not installed.
    """
    tables = table.open_tables(files)
    names, place = tables[0][1].names, tables[0][1].place
    roles = purposes.roles(names, place, plan)
    _check_classes(roles, place)
    stride = plan.window and (plan.stride or plan.window)
    about = series.Series(plan.series, plan.time, _channels(roles, place, plan), stride)
    gathered = _Gathered(tables, about, roles)
    windows = gathered.lines.cut(plan.window or None)
    said = gathered.labels.last if plan.window else gathered.labels.agreed
    words = said(windows, partial(gathered.where, column=roles.label))
    labels = ["" if word in plan.unlabelled else word for word in words]
    parts = gathered.parts.agreed(windows, partial(gathered.where, column=roles.split))
    train, test = (np.flatnonzero(np.array(parts) == part) for part in partnames.PARTS)
    if not len(train):
        raise tablefile.no_rows(place)
    if roles.measured:
        y = np.array([discovery.measured(word) for word in labels])
        return _made(name, windows, y, train, test, roles.labels, about, measured=True)
    seen = {labels[i] for i in (train if plan.least else range(len(labels))) if labels[i]}
    classes = discovery.classes(roles.label, seen, place, least=plan.least)
    index = {word: code for code, word in enumerate(classes)}
    y = np.array([index.get(word, dataset.UNLABELLED) for word in labels])
    if (strange := test[y[test] < 0]).size:
        where = gathered.where(int(windows.lines[strange[0], -1]), roles.label)
        raise discovery.unseen(where, labels[strange[0]], classes, "series")
    return _made(name, windows, y, train, test, table.as_labels(classes), about)


def _made(
    name: str,
    cut: windows.Windows,
    y: NDArray[np.generic],
    train: Indices,
    test: Indices,
    classes: tuple[int | str, ...],
    about: series.Series,
    *,
    measured: bool = False,
) -> dataset.Dataset:
    made = dataset.make(
        name,
        cut.x[train],
        y[train],
        cut.x[test] if len(test) else None,
        y[test] if len(test) else None,
        kind=problems.WINDOWS,
        classes=classes,
        series=about,
        labels_as=targets.NUMBERS if measured else targets.CLASSES,
    )
    recordings = cut.series[train] if about.stride else None
    return dataclasses.replace(made, recordings=recordings)


class _Said:
    """A word on each line that is the same for all lines of a series, such as the label."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._codes: list[Indices] = []

    def add(self, words: Sequence[str]) -> None:
        """Add the words of some lines."""
        codes_by_word = self._known
        codes = (codes_by_word.setdefault(word, len(codes_by_word)) for word in words)
        self._codes.append(np.fromiter(codes, np.int64, len(words)))

    def agreed(self, windows: windows.Windows, where: Callable[[int], str]) -> list[str]:
        """The one word of each window's series.

        Args:
            windows: The lines of each window.
            where: From a line to the place of its word in messages.

        Raises:
            DataError: The lines of a series disagree; the message names two of them.
        """
        codes, words = self._on(windows), list(self._known)
        begins = np.unique(windows.series, return_index=True)[1]  # of series, in their windows
        wanted = codes[begins[windows.series], 0] if codes.size else codes[:, :1].ravel()
        differs = np.argwhere(codes != wanted[:, None])
        if len(differs):
            odd, moment = differs[0]
            first = int(windows.lines[begins[windows.series[odd]], 0])
            name = windows.keys[windows.series[odd]]
            raise errors.DataError(
                f"{where(int(windows.lines[odd, moment]))} is {words[codes[odd, moment]]!r} "
                f"and {where(first)} is {words[wanted[odd]]!r}, both in the series {name!r}",
                mend="Give all lines of a series the same value.",
            )
        return [words[code] for code in wanted]

    def last(self, windows: windows.Windows, _: Callable[[int], str]) -> list[str]:
        """The word of each window's last line."""
        words = list(self._known)
        return [words[code] for code in self._on(windows)[:, -1]]

    def _on(self, windows: windows.Windows) -> Indices:
        """The codes of words on the lines of each window, [n, time]."""
        codes: Indices = np.concatenate([np.zeros(0, np.int64), *self._codes])[windows.lines]
        return codes


class _Gathered:
    """The lines of all files, with the labels and parts of their series."""

    def __init__(self, files: table.Files, about: series.Series, roles: purposes.Roles) -> None:
        self._about, self._roles = about, roles
        self._files, self._starts = [file for _, file in files], [0]
        self.lines = windows.Lines(about, self.where, MEND)
        self.labels, self.parts = _Said(), _Said()
        marks = (roles.label, *((roles.split,) if roles.split else ()))
        for part, file in files:
            self._starts.append(self._starts[-1])
            for batch in file.batches(tuple(dict.fromkeys((*about.names, *marks)))):
                self._add(part, batch)
                self._starts[-1] += batch.num_rows

    def where(self, line: int, column: str) -> str:
        """The place of a value in messages; lines are counted from 0 through all files."""
        index = bisect.bisect_right(self._starts, line, 1, len(self._starts) - 1) - 1
        return f"{self._files[index].row(line - self._starts[index])} column {column!r},"

    def _add(self, part: str, batch: tablefile.Batch) -> None:
        """Add some lines of the last file."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        stamps = windows.stamps(columns[self._about.time]) if self._about.time else []
        values = [arrow.numbers(*self._clean(columns, name)) for name in self._about.channels]
        keys = self._words(columns, self._about.key)
        self.lines.add(keys, stamps, np.stack(values, axis=1))
        self.labels.add(self._labels(columns))
        self.parts.add(self._parts(columns) if self._roles.split else [part] * batch.num_rows)

    def _clean(
        self, columns: dict[str, arrow.Array], name: str
    ) -> tuple[arrow.Array, Callable[[int], str]]:
        """A column's values, and the function from a row's number to its place."""
        start = self._starts[-1]

        def where(row: int) -> str:
            return self.where(start + row, name)

        return arrow.clean(columns[name], where), where

    def _words(self, columns: dict[str, arrow.Array], name: str) -> list[str]:
        array, _ = self._clean(columns, name)
        return [word or "" for word in arrow.words(array).to_pylist()]

    def _labels(self, columns: dict[str, arrow.Array]) -> list[str]:
        words = self._words(columns, self._roles.label)
        unknown = () if self._roles.measured else (discovery.UNLABELLED,)
        return ["" if word in unknown else word for word in words]

    def _parts(self, columns: dict[str, arrow.Array]) -> list[str]:
        array, where = self._clean(columns, self._roles.split)
        return partnames.parts_of_cells(arrow.words(array).to_pylist(), where)


def _check_classes(roles: purposes.Roles, place: str) -> None:
    if len(roles.labels) > 1:
        raise errors.DataError(
            f"data.label names {len(roles.labels)} columns of {place}, but a series has one label",
            mend="Name one column, or save windows and their labels as x and y of an .npz file.",
        )


def _channels(roles: purposes.Roles, place: str, plan: DataPlan) -> tuple[str, ...]:
    channels = tuple(n for n in roles.features if n not in (plan.series, plan.time))
    if not channels:
        raise errors.DataError(
            f"{place} has no columns besides the series, the times and the labels",
            mend="Add one column per channel.",
        )
    if names := [name for name in channels if name in plan.categorical]:
        raise errors.DataError(
            f"data.categorical names the column {names[0]!r}, but channels must be numbers",
            mend=f"Leave it out with --set 'data.ignore=[\"{names[0]}\"]'.",
        )
    return channels
