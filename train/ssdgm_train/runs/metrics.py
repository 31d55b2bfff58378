"""`metrics.jsonl`: one JSON object a line, a line a validation: what learning curves show."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ssdgm_runtime import atomic
from ssdgm_train.runs import records
from ssdgm_train.runs.records import Metrics, RunError

NAME = "metrics.jsonl"
MEND = "Remove it to go on without its history."


def append(folder: Path, record: Metrics) -> None:
    """Add a record; raises WriteFailed where the disk is full or broken."""
    try:
        with (folder / NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(records.plain(record), allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise atomic.unwritten(folder / NAME, error) from None


def is_cut(folder: Path) -> bool:
    """Whether the last line was cut short, as by a kill; `read` and `truncate` leave it out."""
    path = folder / NAME
    return path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")


def read(folder: Path, upto: int | None = None) -> list[Metrics]:
    """The records up to a step; a last line cut short is left out.

    Raises:
        RunError: A line is no record.
    """
    return [record for record, _ in _lines(folder) if upto is None or record.step <= upto]


def truncate(folder: Path, step: int) -> None:
    """Drop the records after a step, those that a resumed run will write again."""
    kept = "".join(f"{line}\n" for record, line in _lines(folder) if record.step <= step)
    atomic.write(folder / NAME, kept.encode(), force=True)


def _lines(folder: Path) -> Iterator[tuple[Metrics, str]]:
    """Every record with the line that it was read from."""
    path = folder / NAME
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is damaged ({error})", mend=MEND) from None
    return ((records.parse(line, Metrics, path, MEND), line) for line in lines)
