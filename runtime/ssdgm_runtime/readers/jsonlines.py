"""JSON lines: a row as an object a line, its values by their names."""

import json
from pathlib import Path
from typing import Any

from ssdgm_runtime import errors

SUFFIXES = (".jsonl", ".ndjson")
LONGEST = 1 << 23
"""Characters of a line."""

Json = dict[str, Any]


def is_lines(name: str) -> bool:
    """Whether a file has JSON lines by its name."""
    return name.lower().endswith(SUFFIXES)


def read(path: Path) -> list[Json]:
    """The rows of a file; empty lines are passed over.

    Raises:
        DataError: It cannot be read, has no row, or a line is no object; it names the line.
    """
    rows = []
    try:
        with open(path, encoding="utf-8-sig") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(LONGEST), ""), 1):
                if line.strip():
                    rows.append(_row(line, f"{path}, line {number},"))
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{path} cannot be read ({error})"
        raise errors.DataError(problem, mend="Save it as UTF-8, and check its name.") from None
    if not rows:
        raise errors.DataError(f"{path} has no rows", mend="Write a JSON object a line.")
    return rows


def _row(line: str, place: str) -> Json:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        problem = f"{place} is not JSON, or is too long ({reason})"
        raise errors.DataError(problem, mend="Write a JSON object a line.") from None
    if not isinstance(row, dict):
        raise errors.DataError(f"{place} is not an object", 'one, such as {"age": 34}')
    return row
