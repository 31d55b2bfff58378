"""Rows cut into pieces that a worker reads by itself: nothing but names travels."""

from pathlib import Path
from typing import NamedTuple

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images, parquet

IMAGES = 512
"""Images a piece."""


class Piece(NamedTuple):
    """Some rows that follow one another.

    Attributes:
        number: Which piece it is, from 0.
        start: The number of its first row.
        rows: How many it has.
        place: The Parquet file, or the folder of images.
        group: The row group of the file; -1 for images.
        files: The images, relative to the folder.
    """

    number: int
    start: int
    rows: int
    place: str
    group: int = -1
    files: tuple[str, ...] = ()


def cut(place: Path) -> list[Piece]:
    """The pieces of a Parquet file, a folder of such files, or a folder of images, in order.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: It is none of these, both, or a file is damaged.
        MissingExtra: It is Parquet, and pyarrow is not installed.
    """
    if not place.exists():
        raise errors.DataNotFound(f"There is nothing at {place}", mend="Check the spelling.")
    if place.is_dir():
        tables, pictures = _tables(place), images.find(place)
    else:
        tables, pictures = [place] * (place.suffix.lower() in parquet.SUFFIXES), []
    if bool(tables) == bool(pictures):
        what = "holds both Parquet and images" if tables else "is no Parquet and holds no images"
        raise errors.DataError(
            f"{place} {what}",
            "for --engine ray a Parquet file, a folder of these, or a folder of images",
            "Leave --engine out, which reads more kinds of files.",
        )
    return _groups(tables) if tables else _pictures(place, pictures)


def _tables(folder: Path) -> list[Path]:
    """Every Parquet file below a folder, by name, but for those that engines leave behind."""
    files = (p for p in folder.rglob("*") if p.suffix.lower() in parquet.SUFFIXES and p.is_file())
    return sorted(p for p in files if not p.name.startswith((".", "_")))


def _groups(tables: list[Path]) -> list[Piece]:
    cut: list[Piece] = []
    start = 0
    for path in tables:
        with open(path, "rb") as stream:
            about = parquet.parsed(stream, str(path)).metadata
            sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        for group, rows in enumerate(sizes):
            cut.append(Piece(len(cut), start, rows, str(path), group))
            start += rows
    return cut


def _pictures(folder: Path, pictures: list[Path]) -> list[Piece]:
    names = [path.relative_to(folder).as_posix() for path in pictures]
    starts = range(0, len(names), IMAGES)
    parts = [tuple(names[start : start + IMAGES]) for start in starts]
    return [
        Piece(number, start, len(files), str(folder), files=files)
        for number, (start, files) in enumerate(zip(starts, parts, strict=True))
    ]
