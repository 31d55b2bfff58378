"""Golden rows: whose they are, and what they must be like."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exported
import numpy as np
import pytest
from numpy.typing import NDArray

import ssdgm_export
from ssdgm_export.bundle import golden
from ssdgm_runtime import errors, model
from ssdgm_train.runs import directory, records

Array = NDArray[Any]


def shipped(path: Path) -> Array:
    found: Array = np.load(path / "golden/classifier/x.npy", allow_pickle=False)
    return found


def record(run: Path) -> records.RunRecord:
    """The run's `run.json`."""
    return directory.Run(run).read()


def common(a: Array, b: Array) -> int:
    """How many rows of a are among those of b."""
    theirs = {row.tobytes() for row in b}
    return sum(row.tobytes() in theirs for row in a)


@pytest.mark.parametrize("case", exported.EVERY_METHOD)
def test_no_row_of_the_data_ships(
    case: exported.Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = exported.folder(tmp_path_factory, *case)
    rows, data = shipped(place / "bundle.ssdgm"), exported.rows(place / "run")
    assert rows.shape == (golden.ROWS, *data.shape[1:])
    assert rows.dtype == data.dtype
    assert common(rows, data) == 0
    for array in (place / "bundle.ssdgm").rglob("*.npy"):
        found = np.load(array, allow_pickle=False)
        if found.shape[1:] == data.shape[1:]:
            assert common(found.astype(data.dtype), data) == 0, array.name


@pytest.mark.parametrize("case", exported.EVERY_LIKELIHOOD[:3])
def test_drawn_rows_lie_in_the_data_s_range(
    case: exported.Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = exported.folder(tmp_path_factory, *case)
    rows, data = shipped(place / "bundle.ssdgm"), exported.rows(place / "run")
    if data.dtype == np.uint8:
        assert rows.max() <= exported.problem(place / "run").scale[0]
    else:
        spread = data.max() - data.min()
        assert data.min() - spread <= rows.min() <= rows.max() <= data.max() + spread
    assert len(np.unique(rows.reshape(len(rows), -1), axis=0)) > golden.ROWS // 2


def test_golden_from_ships_the_rows_that_it_is_given(baseline: Path, tmp_path: Path) -> None:
    given = exported.rows(baseline / "run")[:20]
    np.save(tmp_path / "rows.npy", given)
    made = ssdgm_export.convert(
        baseline / "run", tmp_path / "opted.ssdgm", golden_from=tmp_path / "rows.npy"
    )
    np.testing.assert_array_equal(shipped(made.path), given[: golden.ROWS])
    with model.load(made.path) as opened:
        assert opened.verify().passed


def test_float64_rows_are_taken_for_float32_ones(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = exported.folder(tmp_path_factory, "m1", "gaussian-float32") / "run"
    given = exported.rows(run)[:3]
    np.save(tmp_path / "rows.npy", given.astype(np.float64))
    found = golden.chosen(exported.traced_modules(run), record(run), tmp_path / "rows.npy")
    np.testing.assert_array_equal(found, given)
    assert found.dtype == np.float32


WRONG: dict[str, Callable[[Array], Array]] = {
    "another shape": lambda x: x[:, :2],
    "another dtype": lambda x: x.astype(np.int32),
    "float for uint8": lambda x: x / 255,
    "flat": lambda x: x.reshape(len(x), -1),
    "no rows": lambda x: x[:0],
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_rows_unlike_the_model_s_are_refused(
    change: Callable[[Array], Array], baseline: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", change(exported.rows(baseline / "run")))
    with pytest.raises(errors.DataError, match="rows") as caught:
        ssdgm_export.convert(
            baseline / "run", tmp_path / "x.ssdgm", golden_from=tmp_path / "rows.npy"
        )
    assert "[3, 3] uint8" in caught.value.expected
    assert exported.left_behind(tmp_path) == ["rows.npy"]


def test_rows_that_are_not_finite_are_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = exported.folder(tmp_path_factory, "m1", "gaussian-float32") / "run"
    rows = exported.rows(run)[:3].copy()
    rows[1, 0] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    with pytest.raises(errors.DataError, match="NaN"):
        golden.chosen(exported.traced_modules(run), record(run), tmp_path / "rows.npy")


def test_a_file_that_is_missing_is_an_error(baseline: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.DataNotFound):
        ssdgm_export.convert(
            baseline / "run", tmp_path / "x.ssdgm", golden_from=tmp_path / "none.npy"
        )
    assert exported.left_behind(tmp_path) == []


def test_the_noise_of_every_graph_ships_with_its_rows(m2: Path) -> None:
    golden_folder = m2 / "bundle.ssdgm/golden"
    inputs = {
        graph: {path.stem: np.load(path) for path in (golden_folder / graph).glob("*.npy")}
        for graph in ("encoder", "decoder")
    }
    assert inputs["decoder"].keys() == {"y", "z"}
    assert inputs["decoder"]["z"].std() > 0.5
    assert inputs["encoder"].keys() == {"x", "y"}
    one_hot = (inputs["encoder"]["y"].max(1) == 1).sum()
    assert 0 < one_hot < golden.ROWS, "labels come as probabilities and one-hot"
