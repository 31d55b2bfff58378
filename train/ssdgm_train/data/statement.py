"""From rows to a `Problem`: the likelihood that fits them and their scaling to observations."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.views.view import View, spans
from ssdgm_train import likelihoods, problems
from ssdgm_train.data import dataset, store, targets
from ssdgm_train.data.settings import AUTO, POINTS, DataPlan
from ssdgm_train.data.split import Split
from ssdgm_train.labels import classes, continuous, dense, lookup, oneclass, points, tags
from ssdgm_train.labels.space import Space
from ssdgm_train.problems import Pieces, Problem

COUNT_LEVELS = 64
"""Images of whole numbers that are all below this are counts, not grey levels out of 255."""

COLOURS = 3
PIECE = 1 << 16
"""Rows read at once; fewer, if they have more than `FEATURES` features together."""

FEATURES = 1 << 23


def problem(data: dataset.Dataset, split: Split, plan: DataPlan) -> Problem:
    """State the problem; scaling and likelihood are fitted on training rows only.

    Args:
        data: The data set.
        split: Which of its rows are trained on.
        plan: The recipe's settings, which override what would be chosen.

    Raises:
        DataError: The likelihood or the prior does not fit the data.
    """
    if data.views:
        return _of_views(data, split, plan)
    chosen, size = split.training, max(1, min(PIECE, FEATURES // math.prod(data.shape)))

    def whole() -> Iterator[NDArray[np.generic]]:
        return (store.take(data.x, rows) for _, rows in store.pieces(chosen, size))

    count = columns.numbers(data.columns) if data.columns else data.x.shape[-1]

    def pieces() -> Iterator[NDArray[np.generic]]:
        return (x[:, :count] for x in whole()) if data.columns else whole()

    gaps = _gaps(pieces) if data.columns else ()
    mixed = len(data.columns) > count or bool(gaps)
    name = _fitting(data, pieces, mixed) if plan.likelihood == AUTO else plan.likelihood
    _check_columns(name, data, gaps)
    scaling = likelihoods.LIKELIHOODS[name].fit(pieces, plan.total)
    if data.space == targets.MASKS:  # every place of a picture is scaled alike
        scaling = likelihoods.alike(scaling)
    return Problem(
        shape=data.shape,
        dtype=data.x.dtype.name,
        labels=_labels(data, split, plan),
        likelihood=name,
        shift=scaling.shift,
        scale=scaling.scale,
        total=scaling.total,
        kind=data.kind,
        columns=data.columns,
        gaps=gaps,
        unseen=_unseen(data.columns[count:], lambda: (x[:, count:] for x in whole())),
        series=data.series,
        features=data.features,
        padded=data.shortest > 0,
        shortest=data.shortest,
    )


def _of_views(data: dataset.Dataset, split: Split, plan: DataPlan) -> Problem:
    """The problem of rows with several views, each with the likelihood and scaling that fit it."""
    views = tuple(
        _stated(known, places, data.x, split.training) for known, places in spans(data.views)
    )
    return Problem(
        shape=data.shape,
        dtype=data.x.dtype.name,
        labels=_labels(data, split, plan),
        likelihood="views",
        shift=(0.0,),
        scale=(1.0,),
        kind=data.kind,
        views=views,
    )


def _stated(known: View, places: slice, x: store.Array, training: store.Indices) -> problems.View:
    """One view as the training rows that have it show it."""

    def pieces() -> Iterator[NDArray[np.generic]]:
        for _, rows in store.pieces(training, max(1, min(PIECE, FEATURES // x.shape[1]))):
            values = store.take(x, rows)[:, places]
            there = values[~np.isnan(values[:, 0])]
            if len(there):
                yield there.reshape(-1, *known.shape).astype(known.dtype)

    if next(pieces(), None) is None:
        raise errors.DataError(
            f"No training row of this split has the view {known.name}",
            mend="Leave the view out, or give more rows that have it.",
        )
    name = fitting(known.kind, known.shape, pieces)
    scaling = likelihoods.LIKELIHOODS[name].fit(pieces, 0)
    return problems.View(
        name=known.name,
        shape=known.shape,
        dtype=known.dtype,
        likelihood=name,
        shift=scaling.shift,
        scale=scaling.scale,
        total=scaling.total,
        kind=known.kind,
    )


def _fitting(data: dataset.Dataset, pieces: Pieces, mixed: bool) -> str:
    """The likelihood that fits a data set, some of whose columns may be no plain numbers."""
    if mixed:
        return "columns"
    if data.space == targets.MASKS:
        return "logistic" if data.x.dtype == np.uint8 else "gaussian"
    return fitting(data.kind, data.shape, pieces)


def fitting(kind: str, shape: tuple[int, ...], pieces: Pieces) -> str:
    """The likelihood that fits rows of this kind: bits, counts, colours, real numbers."""
    if kind != problems.IMAGE:
        return "gaussian"
    if next(pieces()).dtype != np.uint8:
        return "bernoulli" if all(_within(x) for x in pieces()) else "gaussian"
    if max(int(x.max()) for x in pieces()) < COUNT_LEVELS:
        return "binomial"
    return "logistic" if shape[2:] == (COLOURS,) else "bernoulli"


def _within(x: NDArray[np.generic]) -> bool:
    return bool(((x >= 0) & (x <= 1)).all())  # type: ignore[operator]


def _gaps(pieces: Pieces) -> tuple[int, ...]:
    """The columns of numbers in which some training rows have no value."""
    with_gaps = np.any([np.isnan(x).any(0) for x in pieces()], axis=0)
    return tuple(np.flatnonzero(with_gaps).tolist())


def _unseen(categories: columns.Columns, pieces: Pieces) -> tuple[int, ...]:
    """The categories that no training row has, numbered through all columns."""
    counts = [np.zeros(len(column.categories), np.int64) for column in categories]
    for x in pieces() if categories else ():
        for count, codes in zip(counts, x.T, strict=True):
            seen = codes[codes >= 0].astype(np.int64)
            count += np.bincount(seen, minlength=len(count))
    every = np.concatenate([np.zeros(0, np.int64), *counts])
    return tuple(np.flatnonzero(every == 0).tolist())


def _check_columns(name: str, data: dataset.Dataset, gaps: tuple[int, ...]) -> None:
    """Check that the likelihood can express categories and missing values, and ends of series."""
    if data.shortest and name != "gaussian":
        raise errors.DataError(
            f"data.likelihood is {name}, and series of {data.name} have unequal lengths",
            mend="Leave data.likelihood out.",
        )
    if name == "columns":
        if not data.columns:
            raise errors.DataError(
                "data.likelihood is columns, but the data is not a table with named columns",
                mend="Leave data.likelihood out.",
            )
        return
    unfit = [data.columns[i].name for i in gaps]
    unfit += [c.name for c in data.columns if c.kind != columns.NUMBER]
    if unfit:
        raise errors.DataError(
            f"data.likelihood is {name}, but the column {unfit[0]!r} is a category or has gaps",
            mend="Leave data.likelihood out, or set data.likelihood=columns.",
        )


def _labels(data: dataset.Dataset, split: Split, plan: DataPlan) -> Space:
    """The label space with its prior."""
    if lookup.is_own(plan.labels_as):
        y = store.take(data.y, split.labelled)
        own: Space = lookup.find(plan.labels_as).stated(y, data.classes, plan.prior)
        return own
    if data.space == targets.NUMBERS:
        if plan.prior:
            raise errors.DataError(
                "data.prior is set, and labels are numbers", mend="Leave data.prior out."
            )
        y = store.take(data.y, split.labelled)
        return points.stated(y) if plan.labels_as == POINTS else continuous.stated(y)
    if data.space == targets.ONE_CLASS:
        if plan.prior:
            raise errors.DataError(
                "data.prior is set, and labels are of one class", mend="Leave data.prior out."
            )
        return oneclass.OneClass(plan.false_alarms)
    if data.space == targets.MASKS:
        return _masks(data, split, plan)
    if data.space == targets.TAGS:
        return tags.Tags(_of_tags(plan.prior, len(data.classes)) or _shares(data, split))
    return _classes(plan, len(data.classes))


def _masks(data: dataset.Dataset, split: Split, plan: DataPlan) -> Space:
    """The classes of places with their shares, or the prior that the recipe gives."""
    y, size = store.take(data.y, split.labelled), len(data.classes)
    space = dense.stated(y, size, plan.cut, plan.turned)
    return dataclasses.replace(space, prior=_classes(plan, size).prior) if plan.prior else space


def _classes(plan: DataPlan, size: int) -> classes.Classes:
    """The classes that have labels, and those to be found, with their prior."""
    extra, prior = plan.extra_classes, plan.prior or (1 / max(size, 1),) * size
    if plan.prior and (len(prior) != size or min(prior) <= 0 or abs(sum(prior) - 1) > 1e-6):
        raise errors.DataError(
            f"data.prior is {list(prior)}", f"{size} positive numbers that sum to one"
        )
    if not extra:
        return classes.Classes(prior)
    share = (plan.extra_share or extra / (size + extra)) if size else 1.0
    others = (share / extra,) * extra
    return classes.Classes((*(p * (1 - share) for p in prior), *others), extra)


def _of_tags(prior: tuple[float, ...], size: int) -> tuple[float, ...]:
    """The prior of tags that the recipe gives, if any."""
    if prior and (len(prior) != size or not all(0 < share < 1 for share in prior)):
        raise errors.DataError(
            f"data.prior is {list(prior)}", f"{size} numbers between 0 and 1, one for each tag"
        )
    return prior


def _shares(data: dataset.Dataset, split: Split) -> tuple[float, ...]:
    """Each tag's share of the labelled training rows, as if one more had it and one had not."""
    y = store.take(data.y, split.labelled)
    shares = ((y == 1).sum(0) + 1) / ((y >= 0).sum(0) + 2)
    return tuple(shares.tolist())
