"""Learning curves: every term of every phase, and the validation error."""

from collections.abc import Iterable
from itertools import pairwise

from matplotlib.axes import Axes

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_train.runs.records import Metrics

COLUMNS = 2
ERROR = "validation error, %"
RMSE = "validation RMSE, % of the labels' deviation"
Line = tuple[list[int], list[float]]


def of(material: Material) -> list[plates.Plate]:
    """One plate with a small axis for every curve; none where the run's records are gone."""
    records = material.records
    if not records:
        return []
    panels = _panels(records)
    lines = -(-len(panels) // COLUMNS)
    drawn = plates.figure(8.0, 0.3 + 2.2 * lines)
    places = list(drawn.subplots(lines, COLUMNS, squeeze=False).flat)
    for axes, (title, curves) in zip(places, panels.items(), strict=False):
        _draw(axes, title, curves)
        _mark(axes, records)
    for axes in places[len(panels) :]:
        axes.remove()
    drawn.supxlabel("step", fontsize=9)
    plate = plates.Plate(
        "curves",
        "Every term, step by step",
        _caption(records),
        f"Learning curves over {records[-1].step} steps: {', '.join(panels)}.",
        plates.encode(drawn),
    )
    return [plate]


def _panels(records: list[Metrics]) -> dict[str, dict[str, Line]]:
    """The curves of every axis by its title: those of a term, and the validation error."""
    names = dict.fromkeys(name for record in records for name in record.terms)
    panels = {
        name: {
            "training": _line((r.step, r.terms.get(name)) for r in records),
            "validation": _line((r.step, (r.validation_terms or {}).get(name)) for r in records),
        }
        for name in names
    }
    scores = ((r.step, r.validation) for r in records)
    numbers = any(r.validation and r.validation.rmse is not None for r in records)
    error = _line((step, 100 * score.error if score else None) for step, score in scores)
    return panels | ({RMSE if numbers else ERROR: {"validation": error}} if error[0] else {})


def _line(points: Iterable[tuple[int, float | None]]) -> Line:
    """The points that are there, as steps and values."""
    known = [(step, value) for step, value in points if value is not None]
    return [step for step, _ in known], [value for _, value in known]


def _draw(axes: Axes, title: str, curves: dict[str, Line]) -> None:
    for name, (steps, values) in curves.items():
        colour = {"training": "tab:blue", "validation": "tab:orange"}[name]
        axes.plot(steps, values, ".-", color=colour, label=name, linewidth=1.2, markersize=4)
    axes.set_title(title, fontsize=9, parse_math=False)
    axes.tick_params(labelsize=plates.SIZE)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(fontsize=plates.SIZE, frameon=False)


def _mark(axes: Axes, records: list[Metrics]) -> None:
    """The whole run's steps, with a line and a name where a phase begins."""
    axes.set_xlim(0, records[-1].step * 1.02)
    phases = _phases(records)
    for begin, name in phases.items() if len(phases) > 1 else ():
        axes.axvline(begin, color="grey", linewidth=0.8, linestyle=":")
        place = axes.get_xaxis_transform()
        axes.text(begin, 0.02, f" {name}", transform=place, fontsize=7, color="grey")


def _phases(records: list[Metrics]) -> dict[int, str]:
    """The step after which each phase begins, and its name."""
    first = {0: records[0].phase}
    return first | {a.step: b.phase for a, b in pairwise(records) if a.phase != b.phase}


def _caption(records: list[Metrics]) -> str:
    names = ", then ".join(_phases(records).values())
    return (
        "Each term's mean an example, likelihoods in nats: in training over the steps since the "
        "point before; in validation on the first held-out rows, under the same noise every time "
        "and with weights as at the phase's end. "
        f"Phases: {names}. Source: metrics.jsonl."
    )
