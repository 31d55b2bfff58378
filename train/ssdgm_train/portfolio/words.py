"""What a search came to, in words: a table and sentences, for people, reports and model cards."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ssdgm_train.evaluation import Trial, Trials

HEADING = ("candidate", "cross-validated error", "minutes")


def read(record: dict[str, Any]) -> Trials:
    """The record of a search from its JSON."""
    return msgspec.convert(record, Trials)


def table(trials: Trials) -> list[tuple[str, str, str]]:
    """A line for each candidate and each classifier of scikit-learn's, as `HEADING` has it."""
    return [_line(one, trials.chosen) for one in (*trials.candidates, *trials.baseline)]


def _line(one: Trial, chosen: str) -> tuple[str, str, str]:
    name = f"{one.name} (chosen)" if one.name == chosen else one.name
    minutes = "" if one.seconds is None else f"{one.seconds / 60:.1f}"
    return name, error(one), minutes


def error(one: Trial) -> str:
    """An error with its standard error, in percent."""
    if one.error is None or one.deviation is None:
        return "not measured"
    return f"{100 * one.error:.1f} ± {100 * one.deviation:.1f} %"


def sentences(trials: Trials) -> list[str]:
    """How the recipe was chosen, and how sure that is."""
    return [*_way(trials), *_equals(trials), *_better(trials), *trials.notes]


def _way(trials: Trials) -> Iterator[str]:
    if trials.folds:
        yield (
            f"The recipe is {trials.chosen}, chosen by {trials.folds}-fold cross-validation on "
            f"{trials.rows} labelled training rows, {trials.steps} steps a fold; validation rows "
            "and test rows had no say."
        )
    else:
        yield f"The recipe is {trials.chosen}, chosen without cross-validation."


def _equals(trials: Trials) -> Iterator[str]:
    """Who is too close to the chosen candidate to be told from it."""
    best = _chosen(trials)
    near = [
        one.name
        for one in trials.candidates
        if one is not best and (one.error or 0.0) <= (best.error or 0.0) + (best.deviation or 0.0)
    ]
    if near and best.error is not None:
        yield f"Within one standard error of it: {', '.join(near)}."


def _better(trials: Trials) -> Iterator[str]:
    """That scikit-learn's classifiers erred less than the chosen candidate, where they did."""
    best = _chosen(trials)
    if best.error is None:
        return
    for one in trials.baseline:
        if one.error is not None and one.error < best.error:
            yield (
                f"scikit-learn's {one.name} had a lower cross-validated error ({error(one)}), but "
                f"{_but(one.name)}."
            )


def _but(name: str) -> str:
    """Why a classifier of scikit-learn's with a lower error was not taken."""
    if name.startswith("LabelSpreading"):
        return "it needs all training rows, so no bundle can hold it"
    return "these very folds took it of several, which flatters it"


def _chosen(trials: Trials) -> Trial:
    return next(one for one in trials.candidates if one.name == trials.chosen)
