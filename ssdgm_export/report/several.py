"""Several runs side by side: what each is, what it came to, and their learning curves."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssdgm_export import plates
from ssdgm_runtime import errors
from ssdgm_train.evaluation import Score
from ssdgm_train.runs import directory, metrics

Json = dict[str, Any]
RECORD = "run.json"


@dataclass(frozen=True)
class Line:
    """A run in a table; scores are None where there are no such rows, or the run goes on.

    Attributes:
        run: Its folder, below the one that was searched.
        method: Its method.
        recipe: The recipe's name; empty where it has none.
        dataset: Its data.
        labelled: How many labelled rows it was trained on.
        seed: Its seed.
        step: The last step that was written.
        ended: Whether it is at its end.
        validation: The error of validation rows.
        test: The error of test rows.
        nll: -log q(y given x) of the test rows, or else of validation rows, in nats.
    """

    run: str
    method: str
    recipe: str
    dataset: str
    labelled: int
    seed: int
    step: int
    ended: bool
    validation: float | None
    test: float | None
    nll: float | None

    def to_json(self) -> Json:
        """As a command line prints it."""
        return asdict(self)


def lines(folder: Path) -> list[Line]:
    """The runs below a folder, by their names; baselines within runs are left out.

    Raises:
        DataNotFound: There is no run.
        RunError: One is damaged.
    """
    places = sorted(path for path in _runs(folder))
    if not places:
        raise errors.DataNotFound(
            f"There is no run in {folder}", "a folder below which ssdgm-export train wrote runs"
        )
    return [_line(folder, directory.Run(place)) for place in places]


def _runs(folder: Path) -> list[Path]:
    """Folders with a run, those inside of runs left out."""
    places = []
    for place, below, files in os.walk(folder):
        if RECORD in files:
            places.append(Path(place))
            below.clear()
    return places


def _line(folder: Path, run: directory.Run) -> Line:
    record, result = run.read(), run.result
    validation, test = (result.validation, result.test) if result else (None, None)
    best = test or validation
    return Line(
        run=run.path.relative_to(folder).as_posix(),
        method=record.plan.spec.name,
        recipe=record.taken.name if record.taken else "",
        dataset=record.data.name,
        labelled=record.data.labelled,
        seed=record.seed,
        step=result.steps if result else run.step,
        ended=result is not None,
        validation=_error(validation),
        test=_error(test),
        nll=best.nll if best else None,
    )


def _error(score: Score | None) -> float | None:
    return score.error if score else None


def picture(folder: Path, shown: Sequence[Line]) -> bytes:
    """The validation error of each run by its steps, as a PNG.

    Raises:
        DataError: No run has validation rows.
    """
    curves = {line.run: _curve(directory.Run(folder / line.run)) for line in shown}
    drawn = plates.figure(8.0, 4.5)
    axes = drawn.subplots()
    for name, points in curves.items():
        if points:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, ".-", label=plates.short(name), linewidth=1.2, markersize=4)
    if not any(curves.values()):
        raise errors.DataError(
            "No run has validation rows", mend="Train with data.validation above 0, or without -o."
        )
    axes.set_xlabel("step")
    axes.set_ylabel("validation error, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=plates.SIZE, frameon=False)
    return plates.encode(drawn)


def _curve(run: directory.Run) -> list[tuple[int, float]]:
    known = [(one.step, one.validation) for one in metrics.read(run.path)]
    return [(step, 100 * score.error) for step, score in known if score]
