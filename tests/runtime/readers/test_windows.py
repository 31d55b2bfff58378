"""Long tables of time series without training's libraries; what the manifest says of them."""

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.readers import windows
from ssdgm_runtime.rows import series

ABOUT = series.Series("id", "t", ("u", "v"))
TABLE = "t;id;u;other;v\n2;a;1;x;10\n1;b;3;x;30\n1;a;2;;20\n2;b;4;y;40\n"


def table(root: Path, text: str = TABLE) -> Path:
    (root / "long.csv").write_text(text)
    return root / "long.csv"


def test_csv_needs_no_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def missing(name: str, *rest: object, **more: object) -> object:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    found = windows.read(table(tmp_path), ABOUT)
    assert found.names == ("a", "b")
    np.testing.assert_array_equal(found.x, [[[2, 1], [20, 10]], [[3, 4], [30, 40]]])
    assert found.x.flags.c_contiguous
    (tmp_path / "long.parquet").write_bytes(b"PAR1")
    with pytest.raises(errors.MissingExtra, match=r"ssdgm-runtime\[tables\]"):
        windows.read(tmp_path / "long.parquet", ABOUT)


def test_a_table_without_lines_has_no_windows(tmp_path: Path) -> None:
    found = windows.read(table(tmp_path, "id,t,u,v\n"), ABOUT, 7)
    assert (found.x.shape, found.names) == ((0, 2, 7), ())


BAD = {
    "another length": (
        "",
        "The series 'a' has 2 .* expected the same for all: 3 lines per series",
    ),
    "a gap": ("3;b;5;;\n", r"long\.csv, line 6, column 'v', is empty; expected a value in every"),
    "a word": ("3;b;5;;red\n", "line 6, column 'v', is 'red'; expected a finite number"),
    "a time twice": ("2;b;5;;1\n", "line 6, column 't', is 2, as is .*line 5, column 't', of the"),
    "no time": (";b;5;;1\n", "line 6, column 't', is empty"),
    "no series": ("3;;5;;1\n", "line 6, column 'id', is empty"),
    "no number": ("x;b;5;;1\n", "line 6, column 't', is 'x'; expected a number in every line"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_table_is_an_error_that_names_line_and_column(name: str, tmp_path: Path) -> None:
    more, text = BAD[name]
    with pytest.raises(errors.DataError, match=text):
        windows.read(table(tmp_path, TABLE + more), ABOUT, 3)


LONG = "id,t,u,v\n" + "".join(
    f"{name},{t},{10 * code + t},{-t}\n"
    for t in (3, 0, 4, 1, 2)
    for code, name in enumerate("ab")
    if t < 5 - code
)
"""The series a of five moments and b of four, whose lines are not in order."""

CUT = series.Series("id", "t", ("u", "v"), stride=2)


def test_recordings_are_cut_where_there_is_a_stride(tmp_path: Path) -> None:
    found = windows.read(table(tmp_path, LONG), CUT, 2)
    assert found.names == ("a@0", "a@2", "b@0", "b@2")
    assert found.series.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(found.x[:, 0], [[0, 1], [2, 3], [10, 11], [12, 13]])
    np.testing.assert_array_equal(found.x[:, 1], [[0, -1], [-2, -3], [0, -1], [-2, -3]])
    lines = LONG.splitlines()[1:]
    assert [lines[i].split(",")[1] for i in found.lines[1]] == ["2", "3"]


@pytest.mark.parametrize(("length", "starts"), [(3, ["a@0", "a@2", "b@0"]), (4, ["a@0", "b@0"])])
def test_what_is_left_of_a_recording_makes_no_window(
    length: int, starts: list[str], tmp_path: Path
) -> None:
    found = windows.read(table(tmp_path, LONG), CUT, length)
    assert list(found.names) == starts
    assert found.x.shape == (len(starts), 2, length)


def test_windows_overlap_where_the_stride_is_below_their_length(tmp_path: Path) -> None:
    one = series.Series("id", "t", ("u",), stride=1)
    found = windows.read(table(tmp_path, LONG), one, 4)
    np.testing.assert_array_equal(found.x[:, 0], [[0, 1, 2, 3], [1, 2, 3, 4], [10, 11, 12, 13]])


def test_a_recording_that_is_shorter_than_a_window_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        errors.DataError, match=r"The series 'b' has 4 lines .* at least the 5 of a"
    ):
        windows.read(table(tmp_path, LONG), CUT, 5)


def test_windows_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MOST_BYTES", 60)
    with pytest.raises(errors.DataError, match="Cut every 2 moments, the series make windows of"):
        windows.read(table(tmp_path, LONG), CUT, 2)


def test_pieces_must_agree_on_what_a_time_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssdgm_runtime.readers.tables.PIECE", 2)
    mixed = TABLE.replace("2;b", "2025-01-01;b")
    with pytest.raises(errors.DataError, match="line 5, column 't', is '2025-01-01'"):
        windows.read(table(tmp_path, mixed), ABOUT)
    fractions = windows.read(table(tmp_path, TABLE.replace("2;b", "0.5;b")), ABOUT)
    np.testing.assert_array_equal(fractions.x[1], [[4, 3], [40, 30]])


def test_a_column_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for name in ("id", "t", "u"):
        with pytest.raises(errors.DataError, match=f"has no column '{name}'"):
            windows.read(table(tmp_path, TABLE.replace(name, "z", 1)), ABOUT)


def described(data: Path, value: Any, dtype: str = "float32") -> str:  # noqa: ANN401
    """A manifest of rows [4, 4] that says what its series are."""
    document = json.loads((data / "tiny.ssdgm/manifest.json").read_text())
    ours = document["additional_metadata"]["ssdgm"]
    ours["series"] = value
    for graph in ours["io"].values():
        for tensor in graph["inputs"]:
            tensor["dtype"] = dtype if tensor["name"] == "x" else tensor["dtype"]
    return json.dumps(document)


GOOD = {"series": "id", "time": "", "channels": ["a", "b", "c", "d"]}


def test_a_manifest_may_have_series(data: Path) -> None:
    assert manifest.loads(described(data, None)).series is None
    found = manifest.loads(described(data, GOOD)).series
    assert found == series.Series("id", "", ("a", "b", "c", "d"))
    assert found.to_json() == GOOD
    cut = manifest.loads(described(data, {**GOOD, "stride": 5})).series
    assert cut is not None
    assert (cut.stride, cut.to_json()) == (5, {**GOOD, "stride": 5})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "series of the manifest is list; expected dict"),
        ({"series": "id", "time": ""}, "The manifest has no field 'channels'"),
        ({**GOOD, "time": 3}, "time of the manifest is int; expected str"),
        ({**GOOD, "time": "id"}, "The manifest has the column 'id' twice"),
        ({**GOOD, "channels": ["a", "a"]}, "The manifest has the column 'a' twice"),
        ({**GOOD, "stride": -1}, "stride of the manifest is -1; expected a whole number from 0"),
        ({**GOOD, "stride": 1.5}, "stride of the manifest is float; expected int"),
        ({**GOOD, "channels": ["a"]}, "series of the manifest has 1 channels and x is float32"),
    ],
)
def test_a_manifest_of_other_series_is_refused(data: Path, value: object, text: str) -> None:
    with pytest.raises(errors.FormatError, match=text):
        manifest.loads(described(data, value))


def test_windows_of_bytes_are_no_series(data: Path) -> None:
    with pytest.raises(errors.FormatError, match="4 channels and x is uint8"):
        manifest.loads(described(data, GOOD, "uint8"))
