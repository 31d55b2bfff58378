"""`labels.csv`: which image has which labels, for images that no folders sort."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ssdgm_runtime import errors
from ssdgm_runtime.readers import tables
from ssdgm_runtime.rows import columns
from ssdgm_train.data import partnames
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import POINTS, DataPlan
from ssdgm_train.data.tables import arrow, discovery, roles

NAME = "labels.csv"
FILE = ("file", "filename", "file_name", "image", "path")
LABEL = ("label", "class")
SPLIT = ("split",)
EVERY_POINT = "*_x,*_y"
"""The columns of points, if none are named."""

_MEND = "Begin labels.csv with the line: file,label"
_MEND_LABEL = "Name the column of labels, for example with --label NAME"

Reader = Callable[[str, str], str]
"""Reads the cell of a label, given what to call it in messages; "" where it is not known."""


@dataclass(frozen=True)
class Listed:
    """One line: the image's name relative to the file's folder, its labels, and its part."""

    line: int
    name: str
    labels: dict[str, str]
    split: str


@dataclass(frozen=True)
class _Header:
    """The columns by their numbers: of the image, of each label by name, and of the part."""

    file: int
    labels: dict[str, int]
    split: int | None
    width: int


def read(folder: tree.Tree, plan: DataPlan) -> list[Listed]:
    """Read the labels of a folder of images.

    The first line names the columns: the image's name (`file`, `filename`, `file_name`,
    `image` or `path`), its `label` (or `class`, or those that the plan names) and, if there is
    one, its `split`, train or test. Other columns are passed over. What stands in tables for a
    label that is not known does so here. Several columns hold tags, "1" or "0", or numbers.

    Args:
        folder: The folder.
        plan: How labels are read.

    Raises:
        DataError: Lines or columns that cannot be understood; it names the line and the column.
    """
    place, measured = tree.place(folder, NAME), plan.measured
    with folder.open(NAME) as stream:
        lines = [line for line in tables.records(stream, place) if any(map(str.strip, line[1]))]
    if not lines:
        raise errors.DataError(f"{place} is empty", "a line of column names first", _MEND)
    header = _header([cell.strip() for cell in lines[0][1]], place, plan)
    tagged = len(header.labels) > 1 and not measured
    reader = partial(_word, plan.unlabelled, measured, tagged)
    listed = [_listed(cells, line, header, place, reader) for line, cells in lines[1:]]
    _check(listed, header, place, signed=measured)
    return listed


def _word(unlabelled: Sequence[str], measured: bool, tagged: bool, cell: str, where: str) -> str:
    """The cell of a label; "" where it is not known."""
    if cell.strip() in unlabelled:
        return ""
    return (
        _tag(cell, where)
        if tagged
        else (discovery.measured if measured else discovery.label)(cell)
    )


def _tag(cell: str, where: str) -> str:
    """A tag as "1" or "0"."""
    word = discovery.label(cell).lower()
    for value, meaning in enumerate(arrow.TAGS):
        if word in meaning:
            return str(value)
    if word:
        raise errors.DataError(
            f"{where}, is {cell!r}",
            "a tag: 1 or 0, yes or no, true or false, or an empty cell where it is not known",
            "Name the columns of tags with --label, and no others.",
        )
    return ""


def _header(names: Sequence[str], place: str, plan: DataPlan) -> _Header:
    lower = [name.lower() for name in names]
    twice = sorted({name for name in lower if lower.count(name) > 1})
    if twice:
        raise errors.DataError(f"{place} has two columns {twice[0]!r}", "each name once", _MEND)
    pointed = plan.labels_as == POINTS
    asked = roles.asked(names, plan.label or (EVERY_POINT if pointed else ""))
    for name in asked:
        if name not in names:
            raise errors.DataError(
                f"{place} has no column {name!r}, which data.label names; it has the columns "
                f"{columns.some(names)}",
                mend="Correct the name.",
            )
    file = _only(lower, FILE, "Name the column of image files: file", place)
    usual = () if asked else (names[_only(lower, LABEL, _MEND_LABEL, place)],)
    split = lower.index(SPLIT[0]) if SPLIT[0] in lower else None
    wanted = (*asked, *(set(names) & _visible(asked) if pointed else ())) or usual
    labels = {name: names.index(name) for name in wanted}
    return _Header(file, labels, split, len(names))


def _visible(columns: Sequence[str]) -> set[str]:
    """The columns that may say whether a point means anything, of those of its places."""
    return {name.removesuffix("_x") + "_visible" for name in columns if name.endswith("_x")}


def _only(names: Sequence[str], wanted: Sequence[str], mend: str, place: str) -> int:
    """The number of the one column that has a name of those."""
    fitting = [number for number, name in enumerate(names) if name in wanted]
    if len(fitting) == 1:
        return fitting[0]
    many = "more than one" if fitting else "no"
    raise errors.DataError(
        f"{place}, line 1, has the columns {columns.some(names)}: {many} column {wanted[0]}",
        f"one column named {', '.join(wanted[:-1])} or {wanted[-1]}",
        f"{mend}.",
    )


def _listed(cells: list[str], line: int, header: _Header, place: str, reader: Reader) -> Listed:
    if len(cells) != header.width:
        raise errors.DataError(
            f"{place}, line {line}, has {len(cells)} cells",
            f"{header.width}, as in the first line",
        )
    name = cells[header.file].strip().replace("\\", "/").removeprefix("./")
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise errors.DataError(
            f"{place}, line {line}, column file, is {cells[header.file]!r}",
            "the name of an image, relative to the folder of labels.csv",
        )
    part = partnames.TRAIN if header.split is None else cells[header.split].strip().lower()
    if part not in partnames.PARTS:
        raise errors.DataError(f"{place}, line {line}, column split, is {part!r}", "train or test")
    known = {
        label: reader(cells[number], f"{place}, line {line}, column {label}")
        for label, number in header.labels.items()
    }
    if part == partnames.TEST and not any(known.values()):
        label, number = next(iter(header.labels.items()))
        said = repr(cells[number]) if cells[number].strip() else "empty"
        raise errors.DataError(
            f"{place}, line {line}, column {label}, is {said}", "a label for every test row"
        )
    return Listed(line, name, known, part)


def _check(listed: list[Listed], header: _Header, place: str, *, signed: bool) -> None:
    seen: dict[str, int] = {}
    for row in listed:
        if seen.setdefault(row.name, row.line) != row.line:
            raise errors.DataError(
                f"{place}, line {row.line}, names {row.name!r}, as line {seen[row.name]} does",
                "each image once",
                "Remove one of the lines.",
            )
    for name in header.labels:
        known = {row.labels[name] for row in listed if row.split == partnames.TRAIN} - {""}
        if not known:
            raise errors.DataError(
                f"{place}, column {name}, is empty for all of {len(listed)} images",
                "labels for some training images of every class",
            )
        if not signed:
            discovery.check_signs(name, known, place)
