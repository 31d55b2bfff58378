"""Benchmarks that are tables of cells: each a file, run once, so that they go on anywhere."""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Cell = dict[str, Any]
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Cells:
    """What a table is made of.

    Attributes:
        name: Of the benchmark, and of the folder of its cells below `runs`.
        keys: From a draw to what is to be run of it.
        measure: From the folder, a key and a draw to what a cell has.
        write: From the cells that are there to a result.
        seeds: The draws.
    """

    name: str
    keys: Callable[[], Iterable[Key]]
    measure: Callable[[Path, Key, int], Cell]
    write: Callable[[list[Cell]], object]
    seeds: Sequence[int] = (0, 1, 2, 3, 4)

    def main(self, doc: str) -> None:
        """The command line: run what is missing, the first draw of everything first."""
        parser = argparse.ArgumentParser(description=doc.splitlines()[0])
        parser.add_argument("--out", type=Path, default=Path("runs") / self.name)
        parser.add_argument("--seeds", nargs="+", type=int, default=[*self.seeds])
        parser.add_argument("--table", action="store_true", help="the result from what is there")
        given = parser.parse_args()
        if not given.table:
            self._run(given.out, given.seeds)
        self.write(ended(given.out))

    def _run(self, out: Path, seeds: Sequence[int]) -> None:
        torch.set_num_threads(1)
        out.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            for key in self.keys():
                path = out / f"{_slug(*key, seed)}.json"
                if path.exists():
                    continue
                cell = self.measure(out, key, seed)
                path.write_text(json.dumps(cell, indent=2) + "\n")
                print(path.name, json.dumps(cell), file=sys.stderr, flush=True)


def _slug(*parts: object) -> str:
    """Words of small letters and digits, joined."""
    return "-".join(re.findall("[a-z0-9]+", " ".join(map(str, parts)).lower()))


def ended(out: Path) -> list[Cell]:
    """The cells of a folder."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]


def by_draw(cells: Iterable[Cell], figure: str, **wanted: object) -> dict[int, float]:
    """A figure of the cells that have such values, by their draws."""
    mine = (c for c in cells if all(c[name] == value for name, value in wanted.items()))
    return {c["seed"]: c[figure] for c in mine}


def mean(figures: Mapping[int, float], factor: float = 1, unit: str = "", digits: int = 2) -> str:
    """The mean over draws, with the deviation where there are several."""
    values = [factor * value for value in figures.values()]
    word = f"{statistics.mean(values):.{digits}f}{unit}"
    return f"{word} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else word


def gain(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """How much more one has than another on average over the draws of both; None without any."""
    common = ours.keys() & theirs.keys()
    return statistics.mean(ours[s] - theirs[s] for s in common) if common else None
