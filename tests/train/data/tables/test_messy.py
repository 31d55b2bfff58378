"""Tables as they are: dates, identifiers, texts, words for what is missing or has no label."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from ssdgm_runtime.readers import inputs
from ssdgm_runtime.readers import tables as runtime
from ssdgm_runtime.rows import columns, dates, named
from ssdgm_runtime.rows.row import Row
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train import data
from ssdgm_train.data import dataset
from ssdgm_train.data.settings import DataPlan

DAYS = [datetime.date(2020, 1, 1) + datetime.timedelta(i // 2) for i in range(40)]
LABELS = ["p", "q"] * 20


def read(folder: Path, suffix: str, values: dict[str, Any], **plan: Any) -> dataset.Dataset:  # noqa: ANN401
    """Columns as a data set, by way of a file."""
    path = folder / f"t{suffix}"
    table = pa.table({"n": [float(i % 7) for i in range(40)], **values, "label": LABELS})
    if suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
    return data.load(str(path), plan=DataPlan(**plan))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_date_is_a_number_of_days_in_training_and_on_the_device(
    suffix: str, tmp_path: Path
) -> None:
    found = read(tmp_path, suffix, {"day": [None, *DAYS[1:]]})
    column = found.columns[1]
    assert (column.name, column.kind, column.unit) == ("day", columns.NUMBER, dates.UNIT)
    assert np.isnan(found.x[0, 1])
    assert found.x[1:, 1].tolist() == [18262 + i // 2 for i in range(1, 40)]
    np.testing.assert_array_equal(runtime.read(tmp_path / f"t{suffix}", found.columns), found.x)
    assert columns.named(found.x[1:2], found.columns)["day"] == ["2020-01-01"]
    (again,) = columns.parse([column.to_json()])
    assert again == column


@pytest.mark.parametrize(
    "values",
    [
        ["2020-01-01T12:00", "NaT", None],
        ["2020-01-01 12:00:00", "", "NA"],
        ["2020-01-01T13:00:00+01:00", None, None],
        [18262.5, None, np.nan],
        [datetime.datetime(2020, 1, 1, 12), None, None],
        np.array(["2020-01-01T12:00", "NaT", "NaT"], "datetime64[s]"),
    ],
)
def test_a_caller_s_dates_are_read_whatever_they_are(values: Sequence[Any]) -> None:
    known = (columns.Column("day", unit=dates.UNIT),)
    found = named.given({"day": values}, known, Tensor("x", "float32", ("batch", 1)))
    np.testing.assert_array_equal(found, [[18262.5], [np.nan], [np.nan]])


def test_what_is_no_date_is_refused() -> None:
    known = (columns.Column("day", unit=dates.UNIT),)
    for value in ("03/04/2020", "2020-13-01", "soon", np.inf, 1735689600000, "1735689600000"):
        with pytest.raises(ValueError, match=r"x\['day'\]\[0\].*expected (a date such|a number)"):
            named.given({"day": [value]}, known, Tensor("x", "float32", ("batch", 1)))


def test_a_missing_date_may_be_any_number() -> None:
    known = (columns.Column("day", unit=dates.UNIT, missing=("99999999",)),)
    found = named.given({"day": [99999999.0, 3.0]}, known, Tensor("x", "float32", ("batch", 1)))
    np.testing.assert_array_equal(found, [[np.nan], [3]])


def test_milliseconds_are_no_days(tmp_path: Path) -> None:
    """As pandas has long written dates into JSON lines by default."""
    known = (columns.Column("day", unit=dates.UNIT),)
    wanted = r"is 1577836800000; expected a date such as.*milliseconds are divided by 86400000"
    (tmp_path / "t.jsonl").write_text('{"day": 1577836800000}\n')
    with pytest.raises(ValueError, match=wanted):
        inputs.read_rows(tmp_path / "t.jsonl", Row((1,), "float32", known))
    (tmp_path / "t.jsonl").write_text('{"day": "2020-01-01T00:00:00.000"}\n')
    assert inputs.read_rows(tmp_path / "t.jsonl", Row((1,), "float32", known)).x[0, 0] == 18262


NUMBERS = [4_000 + 7 * i for i in range(40)]
WORDS = [f"P{i:04d}" for i in range(40)]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_identifiers_are_left_out_unless_they_are_asked_for(suffix: str, tmp_path: Path) -> None:
    values = {"code": WORDS, "patient_id": NUMBERS, "area": NUMBERS}
    found = read(tmp_path, suffix, values)
    assert found.left == ("code", "patient_id")
    assert [c.name for c in found.columns] == ["n", "area"]
    kept = read(tmp_path, suffix, values, categorical=("code",))
    assert [c.name for c in kept.columns] == ["n", "area", "code"]


def test_an_identifier_of_thousands_of_rows_is_left_out_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"P{i},{i % 3},{'pq'[i % 2]}" for i in range(3000)]
    path.write_text("\n".join(["who,n,label", *lines]))
    assert data.load(str(path)).left == ("who",)


def test_where_nothing_else_is_left_identifiers_stay(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["who,label", *(f"P{i},{'pq'[i % 2]}" for i in range(40))]))
    found = data.load(str(path))
    assert (found.left, len(found.columns)) == ((), 1)


def test_texts_are_refused_with_a_way_out(tmp_path: Path) -> None:
    notes = [f"the patient number {i} felt quite well" for i in range(40)]
    with pytest.raises(ValueError, match="column 'note', has texts, such as 'the patient") as told:
        read(tmp_path, ".csv", {"note": notes})
    assert 'data.ignore=["note"]' in str(told.value)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_words_for_a_missing_value_are_a_setting_that_the_device_knows(
    suffix: str, tmp_path: Path
) -> None:
    values = {"m": [*["-"] * 3, *map(str, range(37))], "k": ["?", *["a", "b", "c"] * 13]}
    values["t"] = [-999, *range(39)]
    found = read(tmp_path, suffix, values, missing=("-", "?", "-999"))
    names = [c.name for c in found.columns]
    assert names == ["n", "m", "t", "k"]
    assert found.columns[3].categories == ("a", "b", "c")
    assert np.isnan(found.x[:3, 1]).all()
    assert np.isnan(found.x[0, 2])
    assert found.x[0, 3] == columns.UNKNOWN
    np.testing.assert_array_equal(runtime.read(tmp_path / f"t{suffix}", found.columns), found.x)
    row = {"n": 1.0, "m": "-", "t": -999, "k": "?"}
    given = named.given(row, found.columns, Tensor("x", "float32", ("batch", 4)))
    np.testing.assert_array_equal(given, [[1, np.nan, np.nan, -1]])
    assert columns.parse([c.to_json() for c in found.columns]) == found.columns


def test_words_for_an_unknown_label_are_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    labels = ["p", "q", "unknown", "?"] * 10
    path.write_text("\n".join(["n,label", *(f"{i % 7},{y}" for i, y in enumerate(labels))]))
    assert data.load(str(path)).classes == ("?", "p", "q", "unknown")
    found = data.load(str(path), plan=DataPlan(unlabelled=("unknown", "?")))
    assert found.classes == ("p", "q")
    assert found.y[:4].tolist() == [0, 1, -1, -1]
    rows = cases.saved(tmp_path / "r.npz", cases.separable("gaussian-float32", 12))
    assert data.load(rows, plan=DataPlan(unlabelled=("2",))).classes == (0, 1)
