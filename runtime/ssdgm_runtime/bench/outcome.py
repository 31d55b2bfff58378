"""From a request to a report that is written, drawn, and compared with a baseline."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ssdgm_runtime import atomic
from ssdgm_runtime.bench import backends, compare, report, request

Json = dict[str, Any]
PathLike = request.PathLike


@dataclass(frozen=True, eq=False)
class Result:
    """What becomes of a report.

    Attributes:
        out: A .json file to write it to.
        plot: A .png file to draw it to.
        baseline: An older report to compare it with.
        fail_if: Conditions that it must not meet, as `compare` has them.
        force: Replace files that are there.
        draw: From a report to the bytes of its picture; None where nothing can draw.
    """

    out: PathLike | None = None
    plot: PathLike | None = None
    baseline: PathLike | None = None
    fail_if: Sequence[str] = ()
    force: bool = False
    draw: Callable[[Json], bytes] | None = None


def run(
    path: PathLike,
    result: Result,
    wanted: request.Request,
    *,
    engines: Mapping[str, backends.Opener],
    watch: report.Watch | None = None,
) -> Json:
    """Measure a bundle; everything that can be checked is checked before.

    Returns:
        The report, with `comparison` if there was a baseline or a condition, and `passed`.

    Raises:
        InputError: A condition cannot be read, or a file has another suffix or is what is read.
        DataError: The baseline is not a report.
        OutputExists: A file is there and `force` is not given.
        MissingExtra: There is nothing to draw with.
        SsdgmError: As of `report.measure`.
    """
    checked = compare.conditions(result.fail_if, baseline=result.baseline is not None)
    old = None if result.baseline is None else compare.read(result.baseline)
    read = {"bundle": path, "data": wanted.rows, "baseline": result.baseline}
    draw = _drawer(result, read)
    if result.out is not None:
        atomic.check_output(result.out, (".json",), force=result.force, **read)
    table = report.measure(path, wanted, engines=engines, watch=watch or _nobody)
    judged = compare.judge(table, old, checked) if old or checked else None
    table |= {"comparison": judged, "passed": judged is None or judged["passed"]}
    if result.out is not None:
        text = json.dumps(table, indent=1, allow_nan=False) + "\n"
        atomic.write(result.out, text.encode(), force=result.force)
    if result.plot is not None and draw is not None:
        atomic.write(result.plot, draw(table), force=result.force)
    return table


def _drawer(result: Result, read: Mapping[str, PathLike | None]) -> Callable[[Json], bytes] | None:
    if result.plot is None:
        return None
    if result.draw is None:
        raise backends.training_install("--plot", "matplotlib", f"--plot {result.plot}")
    atomic.check_output(result.plot, (".png",), force=result.force, **read)
    return result.draw


def _nobody(done: int, total: int, text: str) -> None:
    pass
