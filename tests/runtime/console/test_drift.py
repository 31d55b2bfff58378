"""What is said of rows that differ from the training's."""

from typing import Any

import numpy as np
import pytest

from ssdgm_runtime.console import drift, summaries
from ssdgm_runtime.inference import answers
from ssdgm_runtime.rows import columns, dates
from ssdgm_runtime.rows.drift import differences

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
    found = differences.drift(rows, KNOWN, {"place": ["zurich", "?", "north"]})
    assert [(one["column"], one["rows"], one["example"]) for one in found] == [
        ("radius", 1, 1e9),
        ("day", 1, "2022-01-08"),
        ("place", 1, "zurich"),
    ]
    assert {one["share"] for one in found} == {1 / 3}
    text = differences.sentence(found)
    assert "'place' has unknown categories in 33% of the rows (such as 'zurich')" in text
    assert text.startswith("rows differ from the training's: 'radius' has numbers beyond the")


def test_nothing_is_said_of_rows_like_the_training_s() -> None:
    rows = np.array([[7, 18263, 3, 1], [27.9, np.nan, 4, -1]], np.float32)
    assert differences.drift(rows, KNOWN, {"place": [7.0, None]}) == []


class Scoring:
    """A bundle whose rows have themselves for ranks."""

    tasks = ("classify", "score")

    def score(self, x: Any) -> answers.Scores:  # noqa: ANN401
        self.rows = len(x)
        return answers.Scores(x[:, 0], x[:, 0].astype(float), None, "nats")


def test_rows_that_a_score_finds_strange_are_told() -> None:
    opened: Any = Scoring()
    usual = np.linspace(0, 1, 4000, dtype=np.float32)[:, None]
    known = drift.familiarity(opened, usual)
    assert opened.rows == known["rows"] == drift.SCORED
    assert known["median_rank"] == pytest.approx(0.5, abs=0.01)
    assert known["strange"] == pytest.approx(0.01, abs=0.002)
    assert drift.unfamiliar(known) == ""
    half = np.where(np.arange(40)[:, None] < 20, 0.0, usual[::100])
    strange = drift.familiarity(opened, half)
    assert strange["strange"] == pytest.approx(0.5, abs=0.05)
    assert drift.unfamiliar(strange).startswith("50% of the rows are stranger to the model than")
    lines = summaries.drift({"familiarity": strange})
    assert [line[:9] for line in lines] == ["note: 50%"]
    assert drift.familiarity(opened, np.full((3, 1), np.nan)) == {}
    opened.tasks = ("classify",)
    assert drift.familiarity(opened, usual) == {}
    assert drift.unfamiliar({}) == ""
