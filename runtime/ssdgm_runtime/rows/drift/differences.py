"""How rows differ from the training's: categories that it did not have, numbers far beyond it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows import cells, dates
from ssdgm_runtime.rows import columns as table

Json = dict[str, Any]
Raw = Mapping[str, Sequence[object]]

BEYOND = 0.1
"""A number is beyond the training's if it is so much of their span outside of it."""

SHOWN = 3
"""How many columns a sentence has."""


def drift(
    rows: NDArray[np.float32], known: table.Columns, raw: Raw, beyond: float = BEYOND
) -> list[Json]:
    """Each column in which rows are others than in training: what, in how many, and an example.

    Args:
        rows: [n, columns].
        known: The columns.
        raw: The values of categorical columns as they came.
        beyond: How much of their span numbers may lie outside of it.
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
        for what, count, example in _of_column(rows[:, i], column, raw, beyond)
    ]


def _of_column(
    values: NDArray[np.float32], column: table.Column, raw: Raw, beyond: float
) -> Iterator[tuple[str, int, object]]:
    if column.kind == table.CATEGORY:
        usual = {*column.categories, *column.missing, *cells.MISSING}
        words = map(cells.as_word, raw.get(column.name, ()))
        if strange := [word for word in words if word not in usual]:
            yield "unknown categories", len(strange), strange[0]
    elif column.range:
        low, high = column.range
        edge = beyond * (high - low)
        far = (values < low - edge) | (values > high + edge)
        if far.any():
            value = float(str(values[far][0]))  # with the digits of float32
            example = dates.written(value) if column.unit == dates.UNIT else value
            yield "numbers beyond the training's", int(far.sum()), example


def outside(x: NDArray[Any], span: tuple[float, float]) -> list[Json]:
    """The same of rows [n, *shape] of values that are limited: how many have others, if any."""
    low, high = span
    if not x.size or (x.max() <= high and x.min() >= low):
        return []
    other = (x < low) | (x > high)
    count = int(other.reshape(len(x), -1).any(1).sum())
    what = f"values that are not within {low:g} and {high:g}"
    example = x[other][0].item()
    return [
        {"column": "x", "what": what, "rows": count, "share": count / len(x), "example": example}
    ]


def sentence(differences: Sequence[Json]) -> str:
    """All of it in a line."""
    parts = [
        f"{one['column']!r} has {one['what']} in {one['share']:.0%} of the rows "
        f"(such as {one['example']!r})"
        for one in sorted(differences, key=lambda one: -one["share"])
    ]
    more = f"; so have {len(parts) - SHOWN} more columns" if len(parts) > SHOWN else ""
    return f"rows differ from the training's: {'; '.join(parts[:SHOWN])}{more}"
