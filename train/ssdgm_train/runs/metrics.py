"""`metrics.jsonl`: one JSON object a line, a line a validation: what learning curves show."""

import json
import os
from pathlib import Path
from typing import Any

from ssdgm_runtime import atomic
from ssdgm_train.runs.storage import RunError

Json = dict[str, Any]
NAME = "metrics.jsonl"


def append(folder: Path, record: Json) -> None:
    """Add a record."""
    with (folder / NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path, upto: int | None = None) -> list[Json]:
    """The records up to a step; a last line cut short is left out.

    Raises:
        RunError: A line is no record.
    """
    path = folder / NAME
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        records: list[Json] = [json.loads(line) for line in lines]
        return [r for r in records if upto is None or r["step"] <= upto]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError(
            f"{path} is damaged ({error})",
            "one JSON object a line",
            "Remove it to go on without its history.",
        ) from None


def truncate(folder: Path, step: int) -> None:
    """Drop the records after a step, those that a resumed run will write again."""
    kept = "".join(json.dumps(r) + "\n" for r in read(folder, step))
    atomic.write(folder / NAME, kept.encode(), force=True)
