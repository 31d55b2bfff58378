"""`classes.csv`: which image has which label, for images that no folders sort."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssdgm_runtime import errors
from ssdgm_runtime.readers import tables
from ssdgm_train.data import partnames
from ssdgm_train.data.places import tree
from ssdgm_train.data.tables import discovery

NAME = "labels.csv"
FILE = ("file", "filename", "file_name", "image", "path")
LABEL = ("label", "class")
SPLIT = ("split",)
_MEND = "Begin labels.csv with the line: file,label"


@dataclass(frozen=True)
class Listed:
    """One line: the image's name relative to the file's folder, its label, and its part."""

    line: int
    name: str
    label: str
    split: str


def read(
    folder: tree.Tree, measured: bool = False, unlabelled: Sequence[str] = ()
) -> list[Listed]:
    """Read the labels of a folder of images.

    The first line names the columns: the image's name (`file`, `filename`, `file_name`,
    `image` or `path`), its `label` (or `class`; what stands in tables for one that is not known
    does so here) and, if there is one, its `split`, train or test. Other columns are passed over.

    Args:
        folder: The folder.
        measured: Whether labels are numbers, which may be negative.
        unlabelled: Further words for a label that is not known.

    Raises:
        DataError: Lines or columns that cannot be understood; it names the line and the column.
    """
    place = tree.place(folder, NAME)
    with folder.open(NAME) as stream:
        lines = [line for line in tables.records(stream, place) if any(map(str.strip, line[1]))]
    if not lines:
        raise errors.DataError(f"{place} is empty", "a line of column names first", _MEND)
    header = [cell.strip().lower() for cell in lines[0][1]]
    columns = _columns(header, place)
    usual = discovery.measured if measured else discovery.label

    def reader(cell: str) -> str:
        return "" if cell.strip() in unlabelled else usual(cell)

    listed = [_listed(c, line, columns, len(header), place, reader) for line, c in lines[1:]]
    _check(listed, place, signed=measured)
    return listed


def _columns(header: Sequence[str], place: str) -> tuple[int, int, int | None]:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise errors.DataError(f"{place} has two columns {twice[0]!r}", "each name once", _MEND)
    places = [[i for i, n in enumerate(header) if n in wanted] for wanted in (FILE, LABEL, SPLIT)]
    for columns, wanted in zip(places[:2], (FILE, LABEL), strict=True):
        if len(columns) != 1:
            many = "no" if not columns else "more than one"
            raise errors.DataError(
                f"{place}, line 1, has the columns {list(header)}: {many} column {wanted[0]}",
                f"one column named {', '.join(wanted[:-1])} or {wanted[-1]}",
                _MEND,
            )
    return places[0][0], places[1][0], places[2][0] if places[2] else None


def _listed(
    cells: list[str],
    line: int,
    columns: tuple[int, int, int | None],
    width: int,
    place: str,
    reader: Callable[[str], str],
) -> Listed:
    if len(cells) != width:
        raise errors.DataError(
            f"{place}, line {line}, has {len(cells)} cells", f"{width}, as in the first line"
        )
    file, label, split = columns
    name = cells[file].strip().replace("\\", "/").removeprefix("./")
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise errors.DataError(
            f"{place}, line {line}, column file, is {cells[file]!r}",
            "the name of an image, relative to the folder of labels.csv",
        )
    part = partnames.TRAIN if split is None else cells[split].strip().lower()
    if part not in partnames.PARTS:
        raise errors.DataError(f"{place}, line {line}, column split, is {part!r}", "train or test")
    known = reader(cells[label])
    if part == partnames.TEST and not known:
        said = repr(cells[label]) if cells[label].strip() else "empty"
        raise errors.DataError(
            f"{place}, line {line}, column label, is {said}", "a label for every test row"
        )
    return Listed(line, name, known, part)


def _check(listed: list[Listed], place: str, *, signed: bool) -> None:
    seen: dict[str, int] = {}
    for row in listed:
        if seen.setdefault(row.name, row.line) != row.line:
            raise errors.DataError(
                f"{place}, line {row.line}, names {row.name!r}, as line {seen[row.name]} does",
                "each image once",
                "Remove one of the lines.",
            )
    known = {row.label for row in listed if row.split == partnames.TRAIN} - {""}
    if not known:
        raise errors.DataError(
            f"{place}, column label, is empty for all of {len(listed)} images",
            "labels for some training images of every class",
        )
    if not signed:
        discovery.check_signs(LABEL[0], known, place)
