"""Inspect a data set: its contents, what is suspicious in it, and what `train` would do with it.

Rows are read in pieces, so the data may be larger than memory; of more than `pieces.LIMIT` rows an
evenly spaced part is inspected, and the report says so.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows.views.view import View, spans
from ssdgm_train import data as sources
from ssdgm_train.data import dataset, targets
from ssdgm_train.data.settings import CLASSES
from ssdgm_train.inspection import features, labels, pieces, place, proposal, repeats, rules, seen
from ssdgm_train.recipes import recipe, recommended

__all__ = ["Report", "inspect", "look"]

Json = dict[str, Any]
STEPS = ("training rows", "test rows", "equal rows", "the recipe")


@dataclass(frozen=True)
class Report:
    """The result of an inspection.

    Attributes:
        data: The data set.
        seen: What was measured.
        findings: What is worth knowing, most serious first.
        training: What `train` would do.
        tested: The number of test rows that were inspected.
    """

    data: dataset.Dataset
    seen: seen.Seen
    findings: tuple[seen.Finding, ...]
    training: proposal.Proposal | proposal.Refusal
    tested: int

    def to_json(self) -> Json:
        """The report as a JSON document; all numbers are finite."""
        data, positions = self.data, self.seen.positions
        refused = isinstance(self.training, proposal.Refusal)
        tagged = self.seen.tagged
        lists = zip(data.classes, self.seen.counts, self.seen.tests, strict=True)
        return {
            "name": data.name,
            "kind": data.kind,
            "dtype": data.x.dtype.name,
            "shape": list(data.shape),
            "views": [_view(each, places, positions) for each, places in spans(data.views)]
            or None,
            "rows": {
                "training": len(data.x),
                "labelled": data.labelled,
                "unlabelled": len(data.x) - data.labelled,
                "test": len(_tests(data)),
            },
            "looked_at": {"training": positions.rows, "test": self.tested},
            "classes": [
                {"label": label, "training": int(n), "test": int(m)} for label, n, m in lists
            ],
            "labels": data.space,
            "tags": tagged and dataclasses.asdict(tagged),
            "places": labels.places(data),
            "numbers": [dataclasses.asdict(each) for each in self.seen.numbers or ()] or None,
            "low": _least(positions.low, np.fmin),
            "high": _least(positions.high, np.fmax),
            "levels": len(positions.levels) or None,
            "missing": int(positions.missing.sum()),
            "constant": int(positions.constant.sum()),
            "features": [dataclasses.asdict(f) for f in self.seen.features],
            "repeats": dataclasses.asdict(self.seen.repeats),
            "findings": [dataclasses.asdict(f) for f in self.findings],
            "training": None if refused else dataclasses.asdict(self.training),
            "refused": dataclasses.asdict(self.training) if refused else None,
        }


def look(
    source: str,
    plan: recipe.Recipe | recommended.Asked,
    labelled: int | None = None,
    seed: int = 0,
    data_dir: str | None = None,
    downloading: sources.Tell = sources.quiet,
    tell: sources.Tell = sources.quiet,
    comparing: bool = False,
) -> tuple[place.Place, Report]:
    """Load a data set as `train` would, and inspect it.

    Args:
        source: As in `data.load`.
        plan: The recipe, or what was said of it.
        labelled: The budget of labels; None for all.
        seed: The seed of the split.
        data_dir: As in `data.load`.
        downloading: Called with the progress of a download.
        tell: Called when a step begins.
        comparing: Whether `train` would compare the recipe with others.

    Returns:
        The files of the data set, and the report.

    Raises:
        DataNotFound: There is no data at `source`.
        DataError: The data cannot be read or trained on.
    """
    lies_at = sources.locate(source, data_dir, downloading)
    files = place.count_files(lies_at)
    data = sources.load(lies_at, plan=recommended.plain(plan).data)
    return files, inspect(data, plan, labelled, seed, tell=tell, comparing=comparing)


def inspect(
    data: dataset.Dataset,
    plan: recipe.Recipe | recommended.Asked,
    labelled: int | None = None,
    seed: int = 0,
    limit: int = pieces.LIMIT,
    tell: sources.Tell = sources.quiet,
    comparing: bool = False,
) -> Report:
    """Inspect at most `limit` rows of each part of a data set; other arguments as in `look`."""
    tell(0, len(STEPS), STEPS[0])
    passage = features.Passage(data)
    y, y_test, names = labels.codes(data, _test_labels(data))
    ours = _part("training", data.x, y, limit, passage)
    tell(1, len(STEPS), STEPS[1])
    theirs = _part("test", _tests(data), y_test, limit)
    tell(2, len(STEPS), STEPS[2])
    equal = repeats.find_repeats(ours, theirs, names)
    measured = _seen(data, y, passage.positions, ours, equal)
    meant = recommended.plain(plan).data.labels_as == CLASSES
    measured = dataclasses.replace(measured, meant=meant)
    tell(3, len(STEPS), STEPS[3])
    training = proposal.propose(data, plan, labelled, seed, comparing)
    return Report(data, measured, tuple(rules.judge(measured)), training, len(theirs.rows))


def _part(
    name: str,
    x: pieces.Rows,
    y: NDArray[np.int64],
    limit: int,
    passage: features.Passage | None = None,
) -> repeats.Part:
    """One pass over the rows of a part."""
    chosen = pieces.spans(len(x), limit)
    digests = [np.empty((0, 2), np.uint64)]
    for piece in pieces.pieces(x, chosen):
        digests.append(repeats.digests(piece))
        if passage is not None:
            passage.add(piece)
    rows = pieces.numbers(chosen)
    return repeats.Part(name, np.concatenate(digests), rows, y[rows])


def _tests(data: dataset.Dataset) -> pieces.Rows:
    return data.x[:0] if data.x_test is None else data.x_test


def _test_labels(data: dataset.Dataset) -> targets.Labels:
    return data.y[:0] if data.y_test is None else data.y_test


def _seen(
    data: dataset.Dataset,
    y: NDArray[np.int64],
    positions: features.Positions,
    part: repeats.Part,
    equal: repeats.Repeats,
) -> seen.Seen:
    sampled = pieces.sample(data.x, part.rows)
    sample = features.values(data.x[sampled], data.columns)
    labelled = np.flatnonzero(y != dataset.UNLABELLED)
    chosen = pieces.sample(data.x, labelled)
    size = len(data.classes)
    return seen.Seen(
        data=data,
        rows=part.rows,
        positions=positions,
        features=features.summarise(data, positions, sample),
        sample=sample,
        sampled=sampled,
        known=features.values(data.x[chosen], data.columns),
        labels=y[chosen],
        repeats=equal,
        counts=labels.counts(data.y, size),
        tests=labels.counts(_test_labels(data), size),
        tagged=labels.tagged(data),
        numbers=labels.numbers(data),
    )


def _view(each: View, places: slice, positions: features.Positions) -> Json:
    """A view and how many of the rows that were looked at lack it."""
    return {**each.to_json(), "missing": int(positions.missing[places.start])}


def _least(array: features.Floats, extreme: np.ufunc) -> float | None:
    value = float(extreme.reduce(array))
    return None if np.isnan(value) else value
