"""How rows differ from the training's: categories that it did not have, numbers far beyond it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import atomic, errors, model
from ssdgm_runtime.readers import inputs, raw
from ssdgm_runtime.rows import cells, dates
from ssdgm_runtime.rows import columns as table

Json = dict[str, Any]
Raw = Mapping[str, Sequence[object]]

BEYOND = 0.1
"""A number is beyond the training's if it is so much of their span outside of it."""

STRANGE, SCORED = 0.01, 1000
"""The rank from which on down a row is strange, and how many rows are ranked at most."""

SHOWN = 3
"""How many columns a sentence has."""


def drift(rows: NDArray[np.float32], known: table.Columns, raw: Raw) -> list[Json]:
    """Each column in which rows are others than in training: what, in how many, and an example.

    Args:
        rows: [n, columns].
        known: The columns.
        raw: The values of categorical columns as they came.
    """
    return [
        {
            "column": column.name,
            "what": what,
            "rows": count,
            "share": count / len(rows),
            "example": example,
        }
        for i, column in enumerate(known)
        for what, count, example in _of_column(rows[:, i], column, raw)
    ]


def _of_column(
    values: NDArray[np.float32], column: table.Column, raw: Raw
) -> Iterator[tuple[str, int, object]]:
    if column.kind == table.CATEGORY:
        usual = {*column.categories, *column.missing, *cells.MISSING}
        words = map(cells.as_word, raw.get(column.name, ()))
        if strange := [word for word in words if word not in usual]:
            yield "unknown categories", len(strange), strange[0]
    elif column.range:
        low, high = column.range
        edge = BEYOND * (high - low)
        far = (values < low - edge) | (values > high + edge)
        if far.any():
            value = float(values[far][0])
            example = dates.written(value) if column.unit == dates.UNIT else value
            yield "numbers beyond the training's", int(far.sum()), example


def familiarity(opened: model.Model, x: inputs.Array) -> Json:
    """How usual rows are beside validation rows, by a bundle's score; empty where it has none.

    Args:
        opened: The bundle.
        x: Rows, of which at most `SCORED` are scored, evenly spaced.

    Returns:
        How many were scored, the median of their ranks (0.5 where rows are as usual), and the
        share that is stranger than 99 of 100 validation rows.
    """
    if "score" not in opened.tasks or not len(x):
        return {}
    ranks = opened.score(x[np.linspace(0, len(x) - 1, min(len(x), SCORED)).astype(int)]).rank
    if np.isnan(ranks).any():
        return {}
    strange = float((ranks <= STRANGE).mean())
    return {"rows": len(ranks), "median_rank": float(np.median(ranks)), "strange": strange}


def unfamiliar(known: Json) -> str:
    """That many rows are strange, in a sentence; empty where they are as many as chance has."""
    if not known:
        return ""
    chance = STRANGE + 3 * np.sqrt(STRANGE * (1 - STRANGE) / known["rows"])
    if known["strange"] <= chance:
        return ""
    return (
        f"{known['strange']:.0%} of the rows are stranger to the model than 99 of 100 validation "
        f"rows, by its score"
    )


def sentence(differences: Sequence[Json]) -> str:
    """All of it in a line."""
    parts = [
        f"{one['column']!r} has {one['what']} in {one['share']:.0%} of the rows "
        f"(such as {one['example']!r})"
        for one in sorted(differences, key=lambda one: -one["share"])
    ]
    more = f"; so have {len(parts) - SHOWN} more columns" if len(parts) > SHOWN else ""
    return f"rows differ from the training's: {'; '.join(parts[:SHOWN])}{more}"


def beside(
    rows: atomic.PathLike, x: inputs.Array, known: table.Columns, keep: str | None
) -> tuple[raw.Values, list[Json]]:
    """The columns of a table that are to be kept, and how its rows differ from the training's."""
    path, names = Path(rows), [] if keep is None else [name.strip() for name in keep.split(",")]
    words = [c.name for c in known if c.kind == table.CATEGORY and raw.is_named(path.name)]
    values = raw.read(path, [*dict.fromkeys([*names, *words])]) if names or words else {}
    kept = {name: values[name] for name in names}
    for name, column in kept.items():
        if len(column) != len(x):
            raise errors.DataError(
                f"{path} has {len(column)} lines and {len(x)} rows, so {name!r} cannot be kept",
                mend="Leave --keep out; each answer has its series' name as source.",
            )
    return kept, drift(x, known, values) if known and len(x) else []
