"""Files of tables on the device: columns by their names, whatever the file."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.readers import tables
from ssdgm_runtime.rows import columns

KNOWN = (
    columns.Column("a"),
    columns.Column("c", columns.CATEGORY, ("1", "x")),
    columns.Column("flag", columns.BOOLEAN, columns.TRUTH),
)
TEXT = "flag,other,c,a\ntrue,u,x,1.5\nFALSE,v,1.0,\n0,w,unheard,-2\n,,,1e2\n"
ROWS = [[1.5, 1, 1], [np.nan, 0, 0], [-2, -1, 0], [100, -1, -1]]


def csv(root: Path, text: str | bytes = TEXT, name: str = "t.csv") -> Path:
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root / name


FORMS: dict[str, tuple[str | bytes, str]] = {
    "commas": (TEXT, "t.csv"),
    "semicolons": (TEXT.replace(",", ";"), "t.csv"),
    "tabs": (TEXT.replace(",", "\t"), "T.TSV"),
    "gzip": (gzip.compress(TEXT.encode()), "t.tsv.gz"),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), "t.csv"),
    "ends of lines of two bytes, and empty lines": (TEXT.replace("\n", "\r\n\r\n"), "t.csv"),
    "quotes": (TEXT.replace("flag,other", '"flag","oth\n""er,;\t"'), "t.csv"),
    "a label as the last column": (TEXT.replace("\n", ",q\n").replace("q", "label", 1), "t.csv"),
}


@pytest.mark.parametrize("name", list(FORMS))
def test_rows_by_the_names_of_columns(name: str, tmp_path: Path) -> None:
    found = tables.read(csv(tmp_path, *FORMS[name]), KNOWN)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(ROWS, np.float32))


def test_a_head_alone_is_no_rows(tmp_path: Path) -> None:
    assert tables.read(csv(tmp_path, TEXT.split("\n", 1)[0]), KNOWN).shape == (0, 3)


def test_one_column_alone(tmp_path: Path) -> None:
    found = tables.read(csv(tmp_path, 'a\n1\n""\n3\n'), KNOWN[:1])
    np.testing.assert_array_equal(found, np.array([[1], [np.nan], [3]]))


def test_many_lines(tmp_path: Path) -> None:
    count = 2 * tables.PIECE + 3
    text = "a\n" + "".join(f"{n}\n" for n in range(count))
    assert tables.read(csv(tmp_path, text), KNOWN[:1])[:, 0].tolist() == list(range(count))


LINE = "true,u,x,1\n"
BAD: dict[str, tuple[str | bytes, str]] = {
    "a word": (TEXT + LINE.replace("1", "red"), "{}, line 6, column 'a', is 'red'; expected a "
               "finite number or a missing value"),
    "a word after lines in quotes": (TEXT + '1,"\n\n",x,1\n' + LINE.replace("1", "red"),
                                     "{}, line 9, column 'a', is 'red'"),
    "too large": (TEXT + LINE.replace("1", "1e39"), "{}, line 6, column 'a', is 1e+39"),
    "no truth value": (TEXT + LINE.replace("true", "yes"), "{}, line 6, column 'flag', is 'yes'"),
    "a cell too few": (TEXT + "true,u\n", "{}, line 6, has 2 cells; expected 4, as in the first"),
    "a line of spaces": (TEXT + "  \n", "{}, line 6, has 1 cells"),
    "a column is not there": ("flag,a\ntrue,1\n", "{} has no column 'c', only 'flag', 'a'; "
                              "expected every column that the model was trained on. Add it, with "
                              "empty cells where the value is unknown."),
    "another case": (TEXT.replace("flag", "Flag"), "{} has no column 'flag'"),
    "a column twice": (TEXT.replace("other", "a"), "{}, line 1, has two columns 'a'"),
    "empty": ("", "{}, line 1, is empty; expected the names of the columns"),
    "UTF-16": (TEXT.encode("utf-16"), "{}, line 1, is not written in UTF-8 (byte 0xff)"),
    "UTF-16 without its mark": (TEXT.encode("utf-16-be"), "{}, line 1, is not written in UTF-8 "
                                "(it looks like UTF-16). Save it as UTF-8"),
    "columns without names": (TEXT.replace("other", "").replace("flag", ""), "{}, line 1, has 2 "
                              "columns without a name; expected a name for each. Name them"),
    "Latin-1": (TEXT.encode() + LINE.replace("u", "é").encode("latin-1"),
                "{}, line 6, is not written in UTF-8 (byte 0xe9)"),
    "quotes that stay open": (TEXT + '"' + LINE, "{}, line 6, cannot be read (a quote is not "
                              "closed); expected closed quotes"),
    "a long cell": (TEXT + LINE.replace("u", "u" * 200000), "{}, line 6, cannot be read (field "
                    "larger than field limit (131072)); expected closed quotes, and at "
                    "most 131072 characters per cell"),
    "a long line": (TEXT + LINE.replace("u", "u" * 9000000), "{}, line 6, has more than 8388608 "
                    "characters"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_wrong_is_told_with_line_and_column(name: str, tmp_path: Path) -> None:
    text, wanted = BAD[name]
    place = csv(tmp_path, text)
    with pytest.raises(errors.DataError) as caught:
        tables.read(place, KNOWN)
    assert wanted.replace("{}", str(place)) in str(caught.value)


PACKED: dict[str, tuple[bytes, str]] = {
    "no gzip": (TEXT.encode(), "Not a gzipped file"),
    "cut short": (gzip.compress(TEXT.encode())[:-10], "ended before the end-of-stream marker"),
    "damaged": (gzip.compress(TEXT.encode())[:-8] + bytes(8), "CRC check failed"),
    "a bomb": (gzip.compress(TEXT.encode() + b"0" * 50_000_000), "line 6, has more than 8388608"),
    "a bomb for a head": (gzip.compress(b"0" * 50_000_000), "line 1, has more than 8388608"),
}


@pytest.mark.parametrize("name", list(PACKED))
def test_a_damaged_or_hostile_gzip_is_refused(name: str, tmp_path: Path) -> None:
    content, wanted = PACKED[name]
    with pytest.raises(errors.DataError) as caught:
        tables.read(csv(tmp_path, content, "t.csv.gz"), KNOWN)
    assert str(tmp_path / "t.csv.gz") in str(caught.value)
    assert wanted in str(caught.value)


def test_names_of_tables() -> None:
    assert all(map(tables.is_table, ("a.csv", "A.CSV.GZ", "a.tsv", "a.parquet", "a.pq")))
    assert not any(map(tables.is_table, ("a.gz", "csv", "a.csv.zip", "a.npz", "")))
    assert [tables.stem(n) for n in ("a.b.csv", "A.CSV.GZ", "a.pq", "a")] == ["a.b", "A", "a", "a"]


class TestParquet:
    """Parquet files, by pyarrow."""

    @pytest.fixture
    def written(self, tmp_path: Path) -> Callable[..., Path]:
        """Writes a file of good columns, but for some."""
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")

        def write(**changes: Any) -> Path:  # noqa: ANN401
            table = {
                "flag": [True, False, False, None],
                "other": [[1], None, [2], []],
                "c": ["x", "1", "unheard", None],
                "a": [1.5, None, -2, 100],
            }
            parquet.write_table(pa.table(table | changes), tmp_path / "t.parquet")
            return tmp_path / "t.parquet"

        return write

    @pytest.mark.parametrize("changes", [
        {},
        {"c": ["x", "1.0", "NA", " "]},
        {"a": ["1.5", "NaN", "-2", "1e2"]},
        {"a": np.array([1.5, np.nan, -2, 100], np.float32)},
        {"flag": ["True", "false", "0", ""]},
        {"flag": [1, 0, 0, None]},
    ])  # fmt: skip
    def test_rows_as_from_csv(self, changes: Any, written: Callable[..., Path]) -> None:  # noqa: ANN401
        np.testing.assert_array_equal(tables.read(written(**changes), KNOWN), ROWS)

    def test_dictionaries_and_numbers_name_categories(self, written: Callable[..., Path]) -> None:
        pa = pytest.importorskip("pyarrow")
        for values in (pa.array(["x", "1", "u", None]).dictionary_encode(),
                       pa.array(["x", "1", "u", None], pa.large_string())):  # fmt: skip
            assert tables.read(written(c=values), KNOWN)[:, 1].tolist() == [1, 0, -1, -1]
        for values in ([1, 7, None, 0], [1.0, 7.5, None, np.nan]):
            assert tables.read(written(c=values), KNOWN)[:, 1].tolist() == [0, -1, -1, -1]

    @pytest.mark.parametrize(("changes", "wanted"), [
        ({"a": ["1", "2", "red", None]}, "{}, row 2, column 'a', is 'red'"),
        ({"a": [1.0, 2.0, np.inf, None]}, "{}, row 2, column 'a', is inf"),
        ({"a": [[1], [2], [3], [4]]}, "{}, row 0, column 'a', holds list<element: int64>"),
        ({"c": [b"x"] * 4}, "{}, row 0, column 'c', holds binary"),
        ({"c": np.arange(4).astype("M8[s]")}, "{}, row 0, column 'c', holds timestamp[ms]"),
        ({"flag": [0, 1, 2, 3]}, "{}, row 2, column 'flag', is '2'"),
    ])  # fmt: skip
    def test_what_is_wrong_is_told_with_row_and_column(
        self,
        changes: Any,  # noqa: ANN401
        wanted: str,
        written: Callable[..., Path],
    ) -> None:
        place = written(**changes)
        with pytest.raises(errors.DataError) as caught:
            tables.read(place, KNOWN)
        assert wanted.replace("{}", str(place)) in str(caught.value)

    def test_rows_are_counted_through_the_file(self, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        values = [*map(str, range(40_000)), "red"]
        parquet.write_table(pa.table({"a": values}), tmp_path / "t.pq")
        with pytest.raises(errors.DataError, match="row 40000, column 'a', is 'red'"):
            tables.read(tmp_path / "t.pq", KNOWN[:1])

    @pytest.mark.parametrize("change", [
        lambda b: b[:200], lambda b: b[200:], lambda b: b"", lambda b: b"PAR1",
        lambda b: b[:4] + b"\xff" * 30 + b[34:],
    ])  # fmt: skip
    def test_a_damaged_file_is_refused(
        self, change: Callable[[bytes], bytes], written: Callable[..., Path]
    ) -> None:
        place = written(other=["x" * 100] * 4)
        place.write_bytes(change(place.read_bytes()))
        with pytest.raises(errors.DataError, match=r"t\.parquet cannot be read"):
            tables.read(place, (columns.Column("other", columns.CATEGORY, ("x",)), *KNOWN))

    def test_a_column_that_is_not_there(self, written: Callable[..., Path]) -> None:
        with pytest.raises(errors.DataError, match="has no column 'b', only 'flag'"):
            tables.read(written(), (columns.Column("b"),))

    def test_without_pyarrow_it_is_asked_for(
        self, written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = written()
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        with pytest.raises(errors.MissingExtra, match=r"ssdgm-runtime\[tables\]"):
            tables.read(place, KNOWN)
