"""What an inspection says of labels that are numbers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ssdgm_train.data import dataset
from ssdgm_train.inspection import Report, inspect
from ssdgm_train.recipes import recipe

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 3)).astype(np.float32)
PLAN = recipe.load(None, "m2", ['data.labels_as="numbers"'])


def looked(y: NDArray[np.float64], x: NDArray[np.float32] = X) -> Report:
    return inspect(dataset.make("set", x, y, labels_as="numbers"), PLAN)


def topics(y: NDArray[np.float64]) -> list[str]:
    return [finding.topic for finding in looked(y).findings]


@pytest.mark.parametrize(
    ("y", "topic"),
    [
        (np.arange(120) % 4 + 0.5, "few different labels"),
        (np.where(np.arange(120) % 3, RNG.random(120) + 1, -1.0), "-1 among numbers"),
        (np.exp(3 * RNG.standard_normal(120)), "a long tail"),
    ],
)
def test_what_looks_odd_is_said(y: NDArray[np.float64], topic: str) -> None:
    assert topic in topics(y)


def test_usual_numbers_are_passed_over() -> None:
    assert topics(RNG.standard_normal(120)) == []


def test_equal_rows_may_have_different_numbers() -> None:
    x = np.repeat(X[:60], 2, axis=0)
    said = {f.topic for f in looked(RNG.standard_normal(120), x).findings}
    assert "conflicting labels" not in said


def test_each_number_is_summarised() -> None:
    y = np.stack([RNG.standard_normal(120), 5 + RNG.random(120)], 1)
    y[:30, 0] = np.nan
    numbers = looked(y).to_json()["numbers"]
    assert [each["known"] for each in numbers] == [90, 120]
    assert numbers[1]["mean"] == pytest.approx(y[:, 1].mean())
    assert numbers[1]["quantiles"][0] == pytest.approx(y[:, 1].min())
    assert numbers[0]["quantiles"][2] == pytest.approx(np.nanmedian(y[:, 0]))
