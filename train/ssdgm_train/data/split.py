"""Which rows are labelled, unlabelled and held out for validation: seeded and stratified.

Classes get equal parts of a budget of labels. Tags get rows in the shares that they have, except
that a row with every tag is set aside for training first. Numbers are cut into equal parts in
their order, and each part gets rows in its share. Of one-class a budget has as many outliers as
normal rows, if there are so many; outliers are held out only where that gives a few. Masks are cut
into equal parts like numbers, by how much of a picture is of other classes than the commonest, and
rows that together show every class are set aside first.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train import seeds
from ssdgm_train.data import dataset, draws, quantities, store, targets
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.labels import classes, continuous, dense, tags, weights
from ssdgm_train.labels.measures import overlaps

Indices = store.Indices
Codes = NDArray[np.signedinteger[Any]]

MOST = 10_000
"""The most rows that a share (`validation` below 1) holds out."""


@dataclass(frozen=True)
class Split:
    """Sorted indices into the training rows; no row is in two of them."""

    labelled: Indices
    unlabelled: Indices
    validation: Indices

    @property
    def digest(self) -> str:
        """SHA-256 over the three index arrays, as text."""
        sha256 = hashlib.sha256()
        parts = {"": self.labelled, "|": self.unlabelled, "||": self.validation}
        for before, part in parts.items():
            sha256.update(before[:1].encode())
            for start, piece in store.pieces(part, draws.PIECE):
                text = ",".join(map(str, piece.tolist()))
                sha256.update(("," * bool(start) + text).encode())
        return sha256.hexdigest()

    @property
    def training(self) -> Indices:
        """Sorted indices of all rows that are trained on."""
        rows = np.concatenate([self.labelled, self.unlabelled])
        rows.sort(kind="stable")  # fast: both parts are sorted already
        return rows


def pools(data: dataset.Dataset, parts: Split, plan: DataPlan) -> tuple[Indices, Indices]:
    """The labelled and the unlabelled rows to draw from, each as often as it counts.

    Raises:
        DataError: No labelled row has any weight, or `data.class_weight` cannot be used.
    """
    own = labelled_weights(data, parts, plan)
    if own is None:
        return parts.labelled, parts.unlabelled
    if len(own) and not own.any():
        raise errors.DataError(
            "Every labelled training row has the weight 0", mend="Give some of them more."
        )
    rest = parts.unlabelled
    every = np.ones(len(data.x)) if data.weights is None else data.weights
    return weights.repeated(parts.labelled, own), weights.repeated(rest, every[rest])


def labelled_weights(data: dataset.Dataset, parts: Split, plan: DataPlan) -> weights.Floats | None:
    """How much each labelled row counts, [n]; None where all count alike.

    Raises:
        DataError: `data.class_weight` cannot be used.
    """
    if data.weights is None and not plan.class_weight:
        return None
    own: weights.Floats = (
        np.ones(len(parts.labelled)) if data.weights is None else data.weights[parts.labelled]
    )
    if not plan.class_weight:
        return own
    y = store.take(data.y, parts.labelled)
    return weights.of_classes(plan.class_weight, data.classes, y, own)


def split(
    data: dataset.Dataset,
    labels: int | None,
    validation: float,
    seed: int,
    held: Indices | None = None,
) -> Split:
    """Draw a split.

    If every label is known (a benchmark), validation rows are held out first and their labels are
    not part of the budget. If labels are missing, the budget is all labels that are used, and a
    stratified part of it is held out for validation. Of recordings that windows were cut of whole
    ones are held out, and nothing of these is trained on.

    Args:
        data: The data set.
        labels: The budget of labelled training rows; None for every label there is.
        validation: The share of rows held out, of which there are at most `MOST`; from 1 on, the
            number of rows.
        seed: The seed of the draw.
        held: Validation rows to use instead of drawing some.

    Raises:
        DataError: The budget is below one label a class, or above the labels there are.
    """
    rng = seeds.generator(seed, seeds.SPLIT)
    y, size, fully = _codes(data), _size(data), data.fully_labelled
    labelled = draws.where(y != dataset.UNLABELLED)
    free = labelled if held is None else draws.without(labelled, _beside(data, held), len(y))
    kept = _kept(data, free, rng)
    draw = _DRAWS[data.space](y, size, rng, kept)
    budget = labelled if fully else draw.budget(labelled, labels)
    rest = draws.without(budget, kept, len(y))
    count, recordings = _count(validation, len(budget)), data.recordings
    drawn = (
        draw.held(rest, count)
        if recordings is None
        else draws.grouped(draw, rest, count, recordings)
    )
    held = drawn if held is None else draws.compact(held)
    if fully:
        chosen = draw.budget(draws.without(labelled, _beside(data, held), len(y)), labels)
    else:
        if not draws.within(held, budget, len(y)):
            left = draw.left(labels, len(held))
            budget = draw.budget(draws.without(labelled, _beside(data, held), len(y)), left)
        chosen = draws.without(budget, _beside(data, held), len(y))
    _check_every(data, chosen, draws.counted(y, chosen, size))
    _check_threshold(data, held)
    others = ~(draws.masked(_beside(data, held), len(y)) | draws.masked(chosen, len(y)))
    return Split(chosen, draws.where(others), held)


def fewer(data: dataset.Dataset, parts: Split, labelled: Indices) -> Split:
    """A split with only some of its labelled rows, and nothing of the others' recordings."""
    others = _beside(data, np.setdiff1d(parts.labelled, labelled))
    rest = parts.unlabelled
    if data.recordings is not None:
        rest = draws.without(rest, others, len(data.y))
    return dataclasses.replace(parts, labelled=labelled, unlabelled=rest)


def _beside(data: dataset.Dataset, held: Indices) -> Indices:
    """What is not trained on where rows are held out: these, or all of their recordings."""
    if data.recordings is None:
        return draws.compact(held)
    return draws.where(np.isin(data.recordings, data.recordings[held]))


def _codes(data: dataset.Dataset) -> Codes:
    """The number of each row's stratum in the smallest sufficient integer type."""
    size = len(data.classes)
    if data.space == targets.NUMBERS:
        return continuous.stated(data.y).strata(data.y)
    if data.space == targets.MASKS:
        return dense.Dense((1.0,) * size).strata(data.y)
    codes = np.empty(len(data.y), np.min_scalar_type(-size - 1))
    if _tagged(data):
        codes[:] = tags.Tags((tags.THRESHOLD,) * size).strata(data.y)
        return codes
    space = classes.Classes((1 / max(size, 1),) * size)
    for start, piece in store.pieces(data.y):
        codes[start : start + len(piece)] = space.strata(piece)
    return codes


def _size(data: dataset.Dataset) -> int:
    """The number of strata: the classes; the tags, and one for rows without any; the parts."""
    if data.space in (targets.NUMBERS, targets.MASKS):
        return continuous.BINS
    return len(data.classes) + _tagged(data)


_DRAWS = {
    targets.CLASSES: draws.Draw,
    targets.TAGS: draws.TagDraw,
    targets.NUMBERS: draws.NumberDraw,
    targets.ONE_CLASS: draws.NormalDraw,
    targets.MASKS: draws.MaskDraw,
}
"""How a budget of labels is drawn."""


def _tagged(data: dataset.Dataset) -> bool:
    return data.space == targets.TAGS


def _kept(data: dataset.Dataset, pool: Indices, rng: np.random.Generator) -> Indices:
    """Of tags and masks, rows of the pool that together show every one, the rarest one's first."""
    if not _tagged(data) and data.space != targets.MASKS:
        return pool[:0]
    has = _shows(data, pool)
    chosen: list[int] = []
    for tag in np.argsort(has.sum(0), kind="stable"):
        if not has[chosen, tag].any() and has[:, tag].any():
            chosen.append(int(rng.choice(np.flatnonzero(has[:, tag]))))
    return np.sort(pool[chosen])


def _shows(data: dataset.Dataset, rows: Indices) -> NDArray[np.bool_]:
    """Which tag, or class of a mask, each of these rows has, [n, K]."""
    y = store.take(data.y, rows)
    return overlaps.counted(y, len(data.classes)) > 0 if y.ndim == 3 else y == 1


def _count(validation: float, rows: int) -> int:
    return round(validation if validation >= 1 else min(validation * rows, MOST))


def _check_threshold(data: dataset.Dataset, held: Indices) -> None:
    """Refuse a split of one-class without normal rows to find the threshold on."""
    if data.space == targets.ONE_CLASS and not (store.take(data.y, held) == 0).any():
        raise errors.DataError(
            "No normal row is held out, and the threshold of one-class is found on such rows",
            mend="Raise data.validation, or give more normal rows.",
        )


def _check_every(data: dataset.Dataset, chosen: Indices, counts: NDArray[np.int64]) -> None:
    """Refuse a split that leaves a class, a tag or a number without labels to learn it from."""
    if data.space == targets.NUMBERS:
        for name, column in zip(data.classes, store.take(data.y, chosen).T, strict=True):
            quantities.check_varied(name, column)
        return
    if data.space == targets.ONE_CLASS:
        counts = counts[:1]
    one, rows = "class", "No label is left to train on for the classes"
    if _tagged(data) or data.space == targets.MASKS:
        counts = _shows(data, chosen).sum(0)
    if _tagged(data):
        one, rows = "tag", "No row is left to train on that has the tags"
    if not counts.all():
        missing = [data.classes[k] for k in np.flatnonzero(counts == 0)]
        raise errors.DataError(
            f"{rows} {missing}",
            mend=f"Each {one} needs at least two labelled rows, one of them for validation: label "
            "more rows, raise --labels, or lower data.validation.",
        )
