"""The table of the cells that are there."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks import results
from benchmarks.rivals.cell import SETS, Cell
from benchmarks.rivals.contenders import OURS, TITLES


def summary(found: list[Cell], name: str, contender: str) -> Cell | None:
    """Mean and spread of one entry of the table, in percent; None where there is nothing."""
    mine = [c for c in found if c["set"] == name and c["contender"] == contender]
    errors = {c["seed"]: 100 * c["test_error"] for c in mine}
    if not errors:
        return None
    return {
        "mean": statistics.mean(errors.values()),
        "stdev": statistics.stdev(errors.values()) if len(errors) > 1 else 0.0,
        "draws": len(errors),
        "errors": errors,
        "validation_mean": statistics.mean(100 * c["validation_error"] for c in mine),
        "minutes": statistics.mean(c["minutes"] for c in mine),
    }


def margin(entries: dict[str, Cell]) -> float:
    """By how many points ours errs less than the best rival, on the seeds that the two share."""
    mine = entries[next(iter(OURS))]["errors"]
    found: float = min(
        statistics.mean(theirs[seed] - mine[seed] for seed in theirs.keys() & mine.keys())
        for theirs in (entry["errors"] for c, entry in entries.items() if c not in OURS)
    )
    return found


def write(out: Path) -> None:
    """Write results/rivals.json, and the table and the cells in results/rivals/."""
    cells = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    table = {
        name: {c: entry for c in TITLES if (entry := summary(cells, name, c))} for name in SETS
    }
    margins = {name: margin(entries) for name, entries in table.items()}
    folder = results.RESULTS / "rivals"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cells.json").write_text(json.dumps(cells, indent=2) + "\n")
    (folder / "table.md").write_text("\n".join(markdown(table, margins)) + "\n")
    results.write(
        "rivals",
        claim="on letter and pendigits with 10 labels a class M2 errs less than scikit-learn's"
        " SVC, LabelSpreading and SelfTrainingClassifier tuned by the same validation labels",
        passed=all(points > 0 for points in margins.values()),
        figures={
            "mean_test_error_percent": _each(table, "mean"),
            "stdev_percent": _each(table, "stdev"),
            "draws": _each(table, "draws"),
            "seeds": sorted({c["seed"] for c in cells}),
            "m2_points_below_the_best_rival": margins,
            "missed": [name for name, points in margins.items() if points <= 0],
        },
    )


def _each(table: dict[str, dict[str, Cell]], key: str) -> dict[str, Cell]:
    return {name: {c: e[key] for c, e in entries.items()} for name, entries in table.items()}


def markdown(table: dict[str, dict[str, Cell]], margins: dict[str, float]) -> Iterator[str]:
    """The table: a line a classifier, a column a set; by how much the claim is missed."""
    yield "| | " + " | ".join(table) + " |"
    yield "|---|" + "--:|" * len(table)
    for contender, title in TITLES.items():
        entries = [_entry(entries.get(contender)) for entries in table.values()]
        yield f"| {f'**{title}**' if contender in OURS else title} | {' | '.join(entries)} |"
    beside = [_margin(points) for points in margins.values()]
    yield f"| {next(iter(OURS.values()))} beside the best rival | {' | '.join(beside)} |"


def _margin(points: float) -> str:
    if points > 0:
        return f"{points:.2f} points less"
    return f"**missed** by {-points:.2f} points"


def _entry(found: Cell | None) -> str:
    if found is None:
        return "–"
    draws = f"{found['draws']} draw" + "s" * (found["draws"] > 1)
    spread = f" ± {found['stdev']:.1f}" if found["draws"] > 1 else ""
    return f"{found['mean']:.1f}{spread} ({draws}, {found['minutes']:.2g} min)"
