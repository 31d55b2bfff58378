"""What the files of folds say together."""

import json
from pathlib import Path

import pytest

from ssdgm_train.evaluation import calibration
from ssdgm_train.portfolio import folds
from ssdgm_train.runs import directory

SIZE = len(folds.TEMPERATURES)
ONE = folds.TEMPERATURES.index(1.0)


def lowest(at: int, least: float) -> tuple[float, ...]:
    """Scores that are lowest at one of the temperatures."""
    return tuple(least + 0.01 * abs(k - at) for k in range(SIZE))


def written(place: Path, *every: folds.Outcome) -> directory.Run:
    run = directory.Run(place)
    (place / folds.FOLDER).mkdir()
    for fold, one in enumerate(every):
        directory.write_json(folds.place(run, "m2", fold), one)
    return run


def test_scores_are_means_over_rows_at_the_best_temperature_of_all(tmp_path: Path) -> None:
    first = folds.Outcome(0.1, lowest(ONE, 0.2), lowest(ONE, 0.5), 30, 2.0)
    second = folds.Outcome(0.4, lowest(ONE + 2, 0.5), lowest(ONE, 0.5), 10, 3.0)
    found = folds.trial(written(tmp_path, first, second), "m2", 2)
    assert found.error == pytest.approx(0.75 * 0.1 + 0.25 * 0.4)
    assert found.brier == pytest.approx(0.75 * 0.2 + 0.25 * 0.52)  # at 1, as most rows have it
    assert found.seconds == 5.0


@pytest.mark.parametrize(("at", "wanted"), [(ONE + 3, 2**1.5), (ONE, 1.0), (ONE - 2, 1.0)])
def test_the_temperature_is_where_held_out_rows_are_likeliest_and_at_least_one(
    at: int, wanted: float, tmp_path: Path
) -> None:
    one = folds.Outcome(0.1, lowest(ONE, 0.2), lowest(at, 0.5), calibration.FEWEST // 2, 1.0)
    assert folds.temperature(written(tmp_path, one, one), "m2", 2) == pytest.approx(wanted)


def test_few_rows_say_no_temperature(tmp_path: Path) -> None:
    rows = calibration.FEWEST - 1
    one = folds.Outcome(0.1, lowest(ONE, 0.2), lowest(ONE + 4, 0.5), rows, 1.0)
    run = written(tmp_path, one)
    assert folds.temperature(run, "m2", 1) == 1.0
    assert folds.temperature(run, "m2", 0) == 1.0


def test_a_file_of_another_version_is_none_that_has_ended(tmp_path: Path) -> None:
    one = folds.Outcome(0.1, lowest(ONE, 0.2), lowest(ONE, 0.5), 10, 1.0)
    path = folds.place(written(tmp_path, one), "m2", 0)
    assert folds.ended(path)
    old = {"error": 0.1, "brier": 0.2, "rows": 10, "seconds": 1.0}
    path.write_text(json.dumps(old))
    assert not folds.ended(path)
    assert not folds.ended(path.with_name("m2-2.json"))


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    one = folds.Outcome(0.1, lowest(ONE, 0.2), lowest(ONE, 0.5), 10, 1.0)
    run = written(tmp_path, one)
    path = folds.place(run, "m2", 0)
    path.write_text(json.dumps({**json.loads(path.read_text()), "brier": "low"}))
    with pytest.raises(directory.RunError, match=path.name):
        folds.trial(run, "m2", 1)
