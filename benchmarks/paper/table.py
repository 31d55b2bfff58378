"""The table and the plot of the grid, from the cells that are there."""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.paper import cell
from benchmarks.paper.published import LABELS, NAMES, OTHERS, PAPER

Cell = dict[str, Any]


def write(out: Path, kind: str) -> None:
    """Write results/paper-KIND.json, and the table, plot and cells in results/paper-KIND/.

    Raises:
        SystemExit: The results hold cells that `out` does not.
    """
    found = read(out)
    _check_whole(found, results.RESULTS / f"paper-{kind}" / "cells.json", out)
    spent = out / f"{cell.FIRST}-{cell.SPENT}"
    first = json.loads(spent.read_text()) / 60 if spent.exists() else None
    summary = [summarise(found, method, labels) for method in PAPER for labels in LABELS]
    kept = [entry for entry in summary if entry["runs"]]
    folder = results.RESULTS / f"paper-{kind}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cells.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "table.md").write_text("\n".join(markdown(summary, first)) + "\n")
    plot(summary, folder / "plot.png")
    results.write(
        f"paper-{kind}",
        claim="the paper's test errors on MNIST are reached, and the bundles verify and err alike",
        passed=len(kept) == len(summary) and all(map(_holds, kept)),
        figures={
            "recipes": kind,
            "m1_minutes_of_one_core": first,
            "mean_test_error_percent": {_key(entry): entry["mean"] for entry in kept},
            "runs": {_key(entry): entry["runs"] for entry in kept},
            "missed": [_key(entry) for entry in kept if not _holds(entry)],
        },
        script="paper",
    )


def _check_whole(found: list[Cell], kept: Path, out: Path) -> None:
    known = json.loads(kept.read_text()) if kept.exists() else []
    here = {_run(cell) for cell in found}
    if not here or {_run(cell) for cell in known} - here:
        sys.exit(
            f"{out} has {len(here)} runs and lacks some of the {len(known)} of {kept}: nothing is"
            f" written. Run the rest, or remove {kept} to begin anew."
        )


def _run(found: Cell) -> tuple[str, int, int]:
    return found["method"], found["labelled"], found["seed"]


def _holds(entry: Cell) -> bool:
    return bool(entry["reached"] and entry["runtime_equal"] and entry["verified"])


def _key(entry: Cell) -> str:
    return f"{entry['method']}-{entry['labels']}"


def read(out: Path) -> list[Cell]:
    """The cells that have ended."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("*/cell.json"))]


def summarise(found: list[Cell], method: str, labels: int) -> Cell:
    """Mean and spread of one entry of the table, in percent."""
    mine = [c for c in found if c["method"] == method and c["labelled"] == labels]
    errors = [100 * c["runtime_test_error"] for c in mine]
    mean = statistics.mean(errors) if errors else None
    return {
        "method": method,
        "labels": labels,
        "runs": len(mine),
        "errors": [round(error, 2) for error in errors],
        "mean": mean,
        "stdev": statistics.stdev(errors) if len(errors) > 1 else None,
        "pool": statistics.mean(100 * c["pool_error"] for c in mine) if mine else None,
        "paper": PAPER[method][labels][0],
        "reached": mean is not None and mean <= PAPER[method][labels][0],
        "runtime_equal": all(c["test_error"] == c["runtime_test_error"] for c in mine),
        "verified": all(c["verified"] for c in mine),
        "minutes": [round(c["minutes"], 1) for c in mine],
        "steps": sorted({c["steps"] for c in mine}),
    }


def markdown(summary: list[Cell], first: float | None) -> Iterator[str]:
    """The table: the paper, others, ours; in percent of the 10,000 test images.

    Args:
        summary: The entries.
        first: What the M1 that all start from took, in minutes of one core.
    """
    after = "" if first is None else f", after M1's {first:.0f}"
    yield "| | " + " | ".join(f"{labels} labels" for labels in LABELS) + " |"
    yield "|---|" + "--:|" * len(LABELS)
    for method, (theirs, mine) in NAMES.items():
        yield _line(
            f"{theirs}, the paper", [f"{m:.2f} ± {s:g}" for m, s in PAPER[method].values()]
        )
        for who, errors in OTHERS[method].items():
            yield _line(who, [f"{errors[labels]:.2f}" for labels in LABELS])
        ours = [entry for entry in summary if entry["method"] == method]
        yield _line(f"**{mine}, ours**", [_error(entry) for entry in ours])
        yield _line(f"draws, minutes of one core a run{after}", [_cost(entry) for entry in ours])


def _line(head: str, entries: list[str]) -> str:
    return f"| {head} | " + " | ".join(entries) + " |"


def _error(entry: Cell) -> str:
    if entry["mean"] is None:
        return "–"
    spread = "" if entry["stdev"] is None else f" ± {entry['stdev']:.2f}"
    mark = "" if entry["reached"] else " (missed)"
    return f"**{entry['mean']:.2f}**{spread}{mark}"


def _cost(entry: Cell) -> str:
    if not entry["runs"]:
        return "–"
    return f"{entry['runs']}, {statistics.mean(entry['minutes']):.1f} min"


def plot(summary: list[Cell], path: Path) -> None:
    """Error against the number of labels: ours with their draws, the paper's dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for colour, (method, (theirs, mine)) in zip(("C0", "C1", "C2"), NAMES.items(), strict=True):
        paper = [PAPER[method][labels][0] for labels in LABELS]
        axes.plot(LABELS, paper, "--", color=colour, label=f"{theirs}, the paper")
        ours = [entry for entry in summary if entry["method"] == method and entry["runs"]]
        if ours:
            at, means = zip(*((entry["labels"], entry["mean"]) for entry in ours), strict=True)
            axes.plot(at, means, "o-", color=colour, label=f"{mine}, ours")
        for entry in ours:
            axes.plot([entry["labels"]] * entry["runs"], entry["errors"], ".", color=colour)
    axes.set(xscale="log", yscale="log", xlabel="labels", ylabel="test error, %")
    axes.set_xticks(LABELS, [str(labels) for labels in LABELS])
    axes.set_yticks(TICKS, [str(tick) for tick in TICKS])
    axes.minorticks_off()
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Software": None})


TICKS = (1, 2, 3, 5, 10, 20)
