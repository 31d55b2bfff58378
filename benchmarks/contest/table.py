"""The tables, the picture and the result of the cells that are there."""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import results, run
from benchmarks.contest import cell, paired, sets
from benchmarks.contest.cell import Cell, Key
from benchmarks.contest.contenders import OURS, TITLES

FOLDER, TABLE, PICTURE = "contest", "table.md", "ranks.png"
Column = tuple[str, int]
"""A set and its labels a class."""


@dataclass(frozen=True)
class Beside:
    """Errors of ours less a rival's, in points, on the draws that both have."""

    mean: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class Found:
    """The cells that count, and the pairs of ours with each rival."""

    cells: dict[Key, Cell]
    pairs: dict[tuple[Column, str], Beside]

    def errors(self, column: Column, contender: str) -> list[float]:
        """In percent, draw by draw."""
        return [100 * entry["error"] for entry in self.of(column, contender)]

    def of(self, column: Column, contender: str) -> list[Cell]:
        """The cells of an entry of the table."""
        at = (*column, contender)
        return [c for key, c in self.cells.items() if (key.name, key.budget, key.contender) == at]

    def means(self, column: Column) -> dict[str, float]:
        """Mean errors of all contenders that have one."""
        errors = {contender: self.errors(column, contender) for contender in TITLES}
        return {name: statistics.mean(each) for name, each in errors.items() if each}


def columns() -> list[Column]:
    """In the order of the tables."""
    return [(n, b) for b in sets.BUDGETS for n in sets.SETS if sets.has(n, b)]


def read(out: Path) -> Found:
    """The cells of the claim that are there."""
    cells = {
        key: entry
        for key in cell.every()
        if (entry := cell.read(out, key)) is not None and cell.counts(entry, key)
    }
    pairs = {
        (column, contender): beside
        for column in columns()
        for contender in TITLES
        if contender != OURS and (beside := _beside(out, cells, column, contender))
    }
    return Found(cells, pairs)


def _beside(out: Path, cells: dict[Key, Cell], column: Column, rival: str) -> Beside | None:
    both = [
        (Key(seed, column[1], column[0], OURS), Key(seed, column[1], column[0], rival))
        for seed in range(sets.draws(*column))
    ]
    both = [(mine, theirs) for mine, theirs in both if mine in cells and theirs in cells]
    if not both:
        return None
    ours, others = ([cell.wrongs(out, key) for key in side] for side in zip(*both, strict=True))
    means = 100 * paired.bootstrap(ours, others)
    low, high = np.quantile(means, (0.025, 0.975))
    return Beside(100 * float(np.mean(ours) - np.mean(others)), float(means.std()), low, high)


def missed(found: Found) -> dict[str, str]:
    """The columns where a rival errs less by more than a standard error; with ours' points."""
    worse = {}
    for column in columns():
        each = {n: found.pairs[column, n] for n in TITLES if (column, n) in found.pairs}
        if each:
            least = max(each, key=lambda name: each[name].mean)
            if each[least].mean > each[least].error:
                points = f"{each[least].mean:.2f} ± {each[least].error:.2f} points above {least}"
                worse[title(column)] = points
    return worse


def title(column: Column) -> str:
    """Of a column in the result."""
    return f"{column[0]}, {column[1]}"


def ranked(found: Found) -> tuple[dict[str, float], int]:
    """Mean ranks by title, of the contenders with a cell on every set that has ours' cells."""
    means = [found.means((name, sets.USUAL)) for name in sets.SETS]
    means = [each for each in means if OURS in each]
    names = [name for name in TITLES if means and all(name in each for each in means)]
    if len(means) < 2 or len(names) < 2:
        return {}, len(means)
    ranks = paired.ranks(np.array([[each[name] for name in names] for each in means]))
    plain = {name: TITLES[name].replace("`", "") for name in names}
    return {plain[name]: float(rank) for name, rank in zip(names, ranks, strict=True)}, len(means)


def write(out: Path) -> None:
    """Write results/contest.json, the tables and the picture, and the pages that show them."""
    asked = cell.every()
    cell.keep(out, asked)
    found = read(out)
    folder = results.RESULTS / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    ranks, over = ranked(found)
    critical = paired.critical_difference(len(ranks), over) if ranks else None
    if critical is not None:
        paired.picture(ranks, critical, over, folder / PICTURE)
    text = "\n".join(markdown(found, critical is not None))
    (folder / TABLE).write_text(text + "\n")
    worse, unequal = missed(found), unlike(found)
    results.write(
        "contest",
        claim="with a few labels a class `train --method auto` errs least, or is within one"
        " standard error of the least, on every set, beside what users would take instead",
        passed=len(found.cells) == len(asked) and not worse and not unequal,
        figures={
            "cells": f"{len(found.cells)} of {len(asked)}",
            "missed": worse,
            "runtime_or_verify_failed": unequal,
            "mean_ranks": ranks,
            "critical_difference": critical,
            "table": {title(column): _entries(found, column) for column in columns()},
        },
    )
    run.rewrite()
    print(f"{len(asked) - len(found.cells)} cells are not there", file=sys.stderr)


def unlike(found: Found) -> list[str]:
    """Ours' cells whose bundle errs otherwise than the run, or does not verify."""
    return [
        "-".join(key.words())
        for key, entry in found.cells.items()
        if key.contender == OURS and not (entry["runtime_equal"] and entry["verified"])
    ]


def _entries(found: Found, column: Column) -> dict[str, object]:
    """A line a contender: mean, deviation, draws, minutes; and ours less it."""
    entries: dict[str, object] = {}
    for contender in found.means(column):
        mine = found.of(column, contender)
        text = f"{_entry(found, column, contender)} %, {_mean(mine, 'minutes'):.2g} min"
        if beside := found.pairs.get((column, contender)):
            text += f"; ours {beside.mean:+.2f}, {beside.low:+.2f} to {beside.high:+.2f}"
        entries[contender] = text
    if mine := found.of(column, OURS):
        entries["auto's"] = {
            "chosen": ", ".join(f"{c['method']} ({c['chosen']})" for c in mine),
            "bundle_bytes": round(_mean(mine, "bundle_bytes")),
            "microseconds_a_row": _mean(mine, "microseconds_a_row"),
            "baseline": _baseline(found, column),
        }
    return entries


def _mean(cells: list[Cell], key: str) -> float:
    return float(statistics.mean(entry[key] for entry in cells))


def _entry(found: Found, column: Column, contender: str) -> str:
    return _spread(found.errors(column, contender), sets.draws(*column))


def _spread(errors: list[float], asked: int) -> str:
    """Mean and deviation, and how many draws where some are not there."""
    if not errors:
        return "–"
    spread = f" ± {statistics.stdev(errors):.1f}" if len(errors) > 1 else ""
    draws = f" ({len(errors)} of {asked})" if len(errors) < asked else ""
    return f"{statistics.mean(errors):.1f}{spread}{draws}"


def _baseline(found: Found, column: Column) -> str:
    """Of the runs' own baseline."""
    kept = [entry["baseline"] for entry in found.of(column, OURS)]
    errors = [100 * each["error"] for each in kept if each]
    return _spread(errors, sets.draws(*column))


def markdown(found: Found, ranked: bool) -> Iterator[str]:
    """A table of 10 labels a class, one of the other budgets, and the picture."""
    yield from _table(found, [c for c in columns() if c[1] == sets.USUAL], "10 labels a class")
    yield ""
    yield from _table(found, [c for c in columns() if c[1] != sets.USUAL], "other budgets")
    if ranked:
        yield ""
        yield f"![Mean ranks of the contenders](results/{FOLDER}/{PICTURE})"


def _table(found: Found, wanted: list[Column], head: str) -> Iterator[str]:
    """A line a contender, a column a set; the least error is bold."""
    names = [n if b == sets.USUAL else f"{n}, {b}" for n, b in wanted]
    yield f"| {head} | {' | '.join(names)} |"
    yield "|---|" + "--:|" * len(wanted)
    for contender, words in TITLES.items():
        yield f"| {words} | {' | '.join(_bold(found, c, contender) for c in wanted)} |"
    baselines = " | ".join(_baseline(found, column) for column in wanted)
    yield f"| its baseline on the labels alone | {baselines} |"


def _bold(found: Found, column: Column, contender: str) -> str:
    means, text = found.means(column), _entry(found, column, contender)
    least = contender in means and means[contender] == min(means.values())
    return f"**{text}**" if least else text
