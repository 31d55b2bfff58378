"""Cells that have ended, kept with the results, a file a set: a contest goes on anywhere."""

import base64
import json
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.contest.sets import Array

FOLDER = results.RESULTS / "contest" / "cells"
Entry = dict[str, Any]


def load(name: str) -> dict[str, Entry]:
    """The cells of a set, by labels a class, contender and draw."""
    path = FOLDER / f"{name}.json"
    entries: dict[str, Entry] = json.loads(path.read_text()) if path.exists() else {}
    return entries


def save(name: str, entries: dict[str, Entry]) -> None:
    """Write the cells of a set, in order."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(sorted(entries.items())), indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def packed(wrong: Array) -> dict[str, object]:
    """Which test rows are wrong, as text."""
    bits = np.packbits(wrong).tobytes()
    return {"rows": len(wrong), "wrong": base64.b64encode(bits).decode()}


def unpacked(entry: Entry) -> Array:
    """Which test rows are wrong, [rows]."""
    bits = np.frombuffer(base64.b64decode(entry["wrong"]), np.uint8)
    return np.unpackbits(bits, count=int(entry["rows"])).astype(bool)
