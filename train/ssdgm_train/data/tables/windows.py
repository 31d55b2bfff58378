"""Long tables of time series, one line a moment, as windows [channels, time].

`data.series` names the column that tells series apart, `data.time` the one by which their lines
are ordered. One column has the labels, `split` may part train from test; all others are channels.
"""

import bisect
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import windows
from ssdgm_runtime.rows import series
from ssdgm_train import problems
from ssdgm_train.data import dataset, partnames
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DEFAULTS, DataPlan
from ssdgm_train.data.tables import cells, discovery, table, tablefile

Indices = NDArray[np.int64]


def load(found: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Read long tables.

    Args:
        found: One file, or several, as `table.load` takes them.
        name: What reports call it.
        plan: Which columns hold the series, the times and the labels, and which are left out.

    Returns:
        float32 rows [channels, time], one a series, in the order of their first lines; a series
        whose label is blank, or -1, is unlabelled.

    Raises:
        DataError: A file, a column or a value that cannot be trained on; it names all three.
        MissingExtra: pyarrow is not installed.
    """
    files = table.files(found)
    names, place = files[0][1].names, files[0][1].place
    roles = discovery.roles(names, place, plan)
    about = series.Series(plan.series, plan.time, _channels(roles, place, plan))
    gathered = _Gathered(files, about, roles)
    windows = gathered.lines.cut()
    labels = gathered.labels.agreed(windows, partial(gathered.told, column=roles.label))
    parts = gathered.parts.agreed(windows, partial(gathered.told, column=roles.split))
    train, test = (np.flatnonzero(np.array(parts) == part) for part in partnames.PARTS)
    if not len(train):
        raise errors.DataError(f"{place} has no rows to train on", "a head and rows below it")
    seen = {labels[i] for i in train if labels[i]}
    classes = discovery.classes(roles.label, seen, place)
    index = {word: code for code, word in enumerate(classes)}
    y = np.array([index.get(word, dataset.UNLABELLED) for word in labels])
    if (strange := test[y[test] < 0]).size:
        where = gathered.told(int(windows.lines[strange[0], 0]), roles.label)
        raise discovery.unseen(where, labels[strange[0]], classes, "series")
    return _made(name, windows.x, y, train, test, table.values(classes), about)


def _made(
    name: str,
    x: series.Floats,
    y: Indices,
    train: Indices,
    test: Indices,
    classes: tuple[int | str, ...],
    about: series.Series,
) -> dataset.Dataset:
    return dataset.make(
        name,
        x[train],
        y[train],
        x[test] if len(test) else None,
        y[test] if len(test) else None,
        kind=problems.WINDOWS,
        classes=classes,
        series=about,
    )


class _Said:
    """What each line says of its series, such as its label."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._codes: list[Indices] = []

    def add(self, words: Sequence[str]) -> None:
        """Take in some lines."""
        known = self._known
        codes = (known.setdefault(word, len(known)) for word in words)
        self._codes.append(np.fromiter(codes, np.int64, len(words)))

    def agreed(self, windows: windows.Windows, told: Callable[[int], str]) -> list[str]:
        """What the lines of each series agree on.

        Raises:
            DataError: They disagree; it names two lines.
        """
        words = list(self._known)
        codes = np.concatenate([np.zeros(0, np.int64), *self._codes])[windows.lines]
        differs = np.argwhere(codes != codes[:, :1])
        if len(differs):
            odd, moment = differs[0]
            first, other = (int(windows.lines[odd, i]) for i in (0, moment))
            was, now = (words[codes[odd, i]] for i in (0, moment))
            raise errors.DataError(
                f"{told(other)} is {now!r} and {told(first)} is {was!r}",
                f"one value for all lines of the series {windows.names[odd]!r}",
                "Correct one of them.",
            )
        return [words[code] for code in codes[:, :1].ravel()]


class _Gathered:
    """The lines of all files, with what they say of their series."""

    def __init__(self, files: table.Files, about: series.Series, roles: discovery.Roles) -> None:
        self._about, self._roles = about, roles
        self._files, self._starts = [file for _, file in files], [0]
        self.lines, self.labels, self.parts = windows.Lines(about, self.told), _Said(), _Said()
        marks = (roles.label, *((roles.split,) if roles.split else ()))
        for part, file in files:
            self._starts.append(self._starts[-1])
            for batch in file.batches(tuple(dict.fromkeys((*about.names, *marks)))):
                self._add(part, batch)
                self._starts[-1] += batch.num_rows

    def told(self, line: int, column: str) -> str:
        """What messages call a value's place, its line counted from 0 through all files."""
        index = bisect.bisect_right(self._starts, line, 1, len(self._starts) - 1) - 1
        return f"{self._files[index].row(line - self._starts[index])} column {column!r},"

    def _add(self, part: str, batch: tablefile.Batch) -> None:
        """Take in some lines of the last file."""
        given = dict(zip(batch.schema.names, batch.columns, strict=True))
        stamps = windows.stamps(given[self._about.time]) if self._about.time else []
        values = [cells.numbers(*self._clean(given, name)) for name in self._about.channels]
        keys = self._words(given, self._about.key)
        self.lines.add(keys, stamps, np.stack(values, axis=1))
        self.labels.add(self._labels(given))
        self.parts.add(self._parts(given) if self._roles.split else [part] * batch.num_rows)

    def _clean(
        self, given: dict[str, cells.Array], name: str
    ) -> tuple[cells.Array, Callable[[int], str]]:
        """A column's values, and the way from their numbers to their places."""
        start = self._starts[-1]

        def told(row: int) -> str:
            return self.told(start + row, name)

        return cells.clean(given[name], told), told

    def _words(self, given: dict[str, cells.Array], name: str) -> list[str]:
        array, _ = self._clean(given, name)
        return [word or "" for word in cells.words(array).to_pylist()]

    def _labels(self, given: dict[str, cells.Array]) -> list[str]:
        found = self._words(given, self._roles.label)
        return ["" if word == discovery.UNLABELLED else word for word in found]

    def _parts(self, given: dict[str, cells.Array]) -> list[str]:
        array, told = self._clean(given, self._roles.split)
        return partnames.of_cells(cells.words(array).to_pylist(), told)


def _channels(roles: discovery.Roles, place: str, plan: DataPlan) -> tuple[str, ...]:
    found = tuple(n for n in roles.features if n not in (plan.series, plan.time))
    if not found:
        raise errors.DataError(
            f"{place} has no column beside the series, its times and its labels",
            "a column a channel",
        )
    if names := [name for name in found if name in plan.categorical]:
        raise errors.DataError(
            f"data.categorical names the column {names[0]!r}",
            "channels of numbers in windows",
            f"Leave it out with --set 'data.ignore=[\"{names[0]}\"]'.",
        )
    return found
