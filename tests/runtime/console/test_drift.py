"""What is said of rows that differ from the training's."""

import numpy as np

from ssdgm_runtime.console import drift
from ssdgm_runtime.rows import columns, dates

KNOWN = (
    columns.Column("radius", range=(6.0, 26.0)),
    columns.Column("day", unit=dates.UNIT, range=(18262.0, 18272.0)),
    columns.Column("old"),
    columns.Column("place", columns.CATEGORY, ("north", "7"), missing=("?",)),
)


def test_numbers_far_beyond_the_training_and_unknown_categories_are_told() -> None:
    rows = np.array(
        [[1e9, 18262, 3, -1], [27.9, 19000, 4, -1], [np.nan, np.nan, 1e9, 0]], np.float32
    )
    found = drift.drift(rows, KNOWN, {"place": ["zurich", "?", "north"]})
    assert [(one["column"], one["rows"], one["example"]) for one in found] == [
        ("radius", 1, 1e9),
        ("day", 1, "2022-01-08"),
        ("place", 1, "zurich"),
    ]
    assert {one["share"] for one in found} == {1 / 3}
    text = drift.sentence(found)
    assert "'place' has unknown categories in 33% of the rows (such as 'zurich')" in text
    assert text.startswith("rows differ from the training's: 'radius' has numbers beyond the")


def test_nothing_is_said_of_rows_like_the_training_s() -> None:
    rows = np.array([[7, 18263, 3, 1], [27.9, np.nan, 4, -1]], np.float32)
    assert drift.drift(rows, KNOWN, {"place": [7.0, None]}) == []
