"""One cell, a contender on a set with a draw of labels: its figures, and the wrong rows.

A cell that ends writes its files into its folder; `keep` copies them to the results, where they
count without the folder too.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import kept, ours, sets, tuning
from benchmarks.contest.contenders import OURS, RIVALS, TITLES
from benchmarks.contest.sets import Array

Cell = dict[str, Any]
NAME, WRONG = "cell.json", "wrong.npz"


@dataclass(frozen=True, order=True)
class Key:
    """Which cell; in the order that they are run: the first draw of all before a second."""

    seed: int
    budget: int
    name: str
    contender: str

    def folder(self, out: Path) -> Path:
        """Where it lies."""
        return out / f"{self.name}-{self.budget}-{self.contender}-{self.seed}"

    @property
    def entry(self) -> str:
        """Its name among the cells of its set."""
        return f"{self.budget}-{self.contender}-{self.seed}"

    def words(self) -> list[str]:
        """On the command line."""
        return [self.name, str(self.budget), self.contender, str(self.seed)]


def asked(
    names: list[str], budgets: list[int], only: list[str], seeds: list[int] | None
) -> list[Key]:
    """The cells, the first draw of every one first; all draws without any seeds."""
    keys = [
        Key(seed, budget, name, contender)
        for budget in budgets
        for name in names
        if sets.has(name, budget)
        for contender in only
        for seed in (range(sets.draws(name, budget)) if seeds is None else seeds)
    ]
    return sorted(keys, key=lambda key: (key.seed, budgets.index(key.budget)))


def every() -> list[Key]:
    """What the claim is about."""
    return asked(list(sets.SETS), list(sets.BUDGETS), list(TITLES), None)


def run(out: Path, key: Key, minutes: float | None) -> None:
    """Bring a cell to its end: its folder then holds `cell.json`."""
    folder = key.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"set": key.name, "labels": key.budget, "contender": key.contender, "seed": key.seed}
    rival = RIVALS.get(key.contender)
    if rival and rival.lacking:
        _write(folder, {**about, "left_out": f"{rival.needs} is not installed"})
        return
    begun, found = time.perf_counter(), sets.load(key.name)
    y = sets.drawn(found, key.name, key.budget, key.seed)
    about |= {"labelled": int((y != sets.UNKNOWN).sum())}
    if rival:
        more, wrong = tuning.compete(rival, found, y, key.seed)
    else:
        asked_for = sets.minutes(key.name) if minutes is None else minutes
        more, wrong = ours.compete(found, y, folder, key.name, key.seed, asked_for)
    spent = {"error": float(wrong.mean()), "minutes": (time.perf_counter() - begun) / 60}
    np.savez(folder / WRONG, wrong=np.packbits(wrong), rows=len(wrong))
    _write(folder, {**about, **spent, **more})


def _write(folder: Path, found: Cell) -> None:
    part = folder / f"part-{NAME}"
    part.write_text(json.dumps(found, indent=2) + "\n")
    part.rename(folder / NAME)


def read(out: Path, key: Key) -> Cell | None:
    """A cell that has ended, unless it was left out and could now be run."""
    found = _there(out, key)
    if found is None:
        return None
    again = "left_out" in found and not RIVALS[key.contender].lacking
    return None if again else found


def _there(out: Path, key: Key) -> Cell | None:
    path = key.folder(out) / NAME
    if path.exists():
        found: Cell = json.loads(path.read_text())
        return found
    entry = kept.load(key.name).get(key.entry)
    return entry and entry["cell"]


def keep(out: Path, keys: list[Key]) -> None:
    """Copy the cells that count from their folders to the results."""
    for name in {key.name for key in keys}:
        entries = kept.load(name)
        for key in keys:
            here = key.name == name and (key.folder(out) / NAME).exists()
            found = read(out, key) if here else None
            if found is not None and counts(found, key):
                entries[key.entry] = {"cell": found, **kept.packed(wrongs(out, key))}
        if entries:
            kept.save(name, entries)


def ended(out: Path, key: Key, minutes: float | None) -> bool:
    """Whether there is nothing to run: minutes of one's own are not asked for again."""
    entry = read(out, key)
    if entry is None:
        return False
    return "left_out" in entry or minutes is not None or counts(entry, key)


def wrongs(out: Path, key: Key) -> Array:
    """Which test rows are wrong."""
    path = key.folder(out) / WRONG
    if not path.exists():
        return kept.unpacked(kept.load(key.name)[key.entry])
    with np.load(path) as found:
        return np.unpackbits(found["wrong"], count=int(found["rows"])).astype(bool)


def counts(found: Cell | None, key: Key) -> bool:
    """Whether a cell belongs into the table: it has ended, with the minutes that are asked."""
    if found is None or "left_out" in found:
        return False
    return key.contender != OURS or found["budget_minutes"] == sets.minutes(key.name)
