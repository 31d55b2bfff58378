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

    def missing(name: str, *rest: object) -> object:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return original(name, *rest)

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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "series of the manifest is list; expected dict"),
        ({"series": "id", "time": ""}, "The manifest has no field 'channels'"),
        ({**GOOD, "time": 3}, "time of the manifest is int; expected str"),
        ({**GOOD, "time": "id"}, "The manifest has the column 'id' twice"),
        ({**GOOD, "channels": ["a", "a"]}, "The manifest has the column 'a' twice"),
        ({**GOOD, "channels": ["a"]}, "series of the manifest has 1 channels and x is float32"),
    ],
)
def test_a_manifest_of_other_series_is_refused(data: Path, value: object, text: str) -> None:
    with pytest.raises(errors.FormatError, match=text):
        manifest.loads(described(data, value))


def test_windows_of_bytes_are_no_series(data: Path) -> None:
    with pytest.raises(errors.FormatError, match="4 channels and x is uint8"):
        manifest.loads(described(data, GOOD, "uint8"))
