"""Tables: CSV and Parquet, files and folders of them, from the cells to rows and labels."""

import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssdgm_runtime.errors import DataError, DataNotFound, MissingExtra
from ssdgm_runtime.readers import tables as runtime
from ssdgm_runtime.rows import cells, columns, named
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train import data, problems
from ssdgm_train.data import dataset, statement
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import table, tablefile
from ssdgm_train.likelihoods import observations
from ssdgm_train.problems import Problem

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Make = Callable[[Path], Path]

TEXT = (
    "colour,size,flag,label\n"
    "red,1.5,true,p\n"
    "blue,,FALSE,q\n"
    "NA,-2,,\n"
    '"red",1e2,True,-1\n'
)  # fmt: skip
ROWS = [[1.5, 1, 1], [np.nan, 0, 0], [-2, -1, -1], [100, 1, 1]]
COLUMNS = (
    columns.Column("size"),
    columns.Column("colour", columns.CATEGORY, ("blue", "red")),
    columns.Column("flag", columns.BOOLEAN, columns.TRUTH),
)


def load(place: Path, **plan: Any) -> data.Dataset:  # noqa: ANN401
    return data.load(str(place), plan=DataPlan(**plan))


def csv(root: Path, text: str | bytes = TEXT, name: str = "t.csv", **plan: Any) -> data.Dataset:  # noqa: ANN401
    content = text if isinstance(text, bytes) else text.encode()
    (root / name).write_bytes(content)
    return load(root / name, **plan)


def written(root: Path, table: Any, name: str = "t.parquet", **plan: Any) -> data.Dataset:  # noqa: ANN401
    parquet.write_table(pa.table(table), root / name)
    return load(root / name, **plan)


def test_a_table_is_numbers_then_categories_with_what_is_missing(tmp_path: Path) -> None:
    found = csv(tmp_path)
    assert (found.name, found.kind, found.columns) == ("t", problems.TABLE, COLUMNS)
    assert found.x.dtype == np.float32
    np.testing.assert_array_equal(found.x, ROWS)
    assert (found.classes, found.y.tolist()) == (("p", "q"), [0, 1, -1, -1])
    assert found.x_test is None


FORMS: dict[str, tuple[str | bytes, str]] = {
    "semicolons": (TEXT.replace(",", ";"), "t.csv"),
    "tabs": (TEXT.replace(",", "\t"), "t.tsv"),
    "tabs in a .csv": (TEXT.replace(",", "\t"), "t.csv"),
    "gzip": (gzip.compress(TEXT.encode()), "t.csv.gz"),
    "gzip in parts": (gzip.compress(TEXT[:30].encode()) + gzip.compress(TEXT[30:].encode()),
                      "t.CSV.GZ"),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), "t.csv"),
    "ends of lines of two bytes": (TEXT.replace("\n", "\r\n"), "t.csv"),
    "ends of lines of old": (TEXT.replace("\n", "\r"), "t.csv"),
    "no end": (TEXT.rstrip("\n"), "t.csv"),
    "empty lines": (TEXT.replace("\n", "\n\n") + "\n", "t.csv"),
    "spaces": (TEXT.replace(",", " ,\t").replace('\t"red"', '"red"'), "t.csv"),
    "quotes": ("\n".join('"' + line.replace('"', "").replace(",", '","') + '"'
                         for line in TEXT.splitlines()), "t.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FORMS))
def test_a_table_is_the_same_in_any_form(name: str, tmp_path: Path) -> None:
    text, file = FORMS[name]
    assert csv(tmp_path, text, file).digest == csv(tmp_path).digest
    np.testing.assert_array_equal(runtime.read(tmp_path / file, COLUMNS), ROWS)


TYPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "dictionaries": {"colour": pa.array(["red", "blue", None, "red"]).dictionary_encode()},
    "large words": {"colour": pa.array(["red", "blue", "NA", "red"], pa.large_string())},
    "float32": {"size": pa.array([1.5, None, -2, 100], pa.float32())},
    "NaN": {"size": [1.5, np.nan, -2, 100]},
    "decimals": {"size": pa.array([1.5, None, -2, 100]).cast(pa.decimal128(9, 1))},
    "words for numbers": {"size": ["1.5", "", "-2", "1e2"]},
    "words for truth values": {"flag": ["True", "false", None, "TRUE"]},
    "dictionaries of labels": {"label": pa.array(["p", "q", None, "-1"]).dictionary_encode()},
}


@pytest.mark.parametrize("name", list(TYPES))
def test_parquet_and_csv_of_a_table_are_the_same_data(name: str, tmp_path: Path) -> None:
    table = {
        "label": ["p", "q", None, "-1"],
        "flag": [True, False, None, True],
        "colour": ["red", "blue", None, "red"],
        "size": [1.5, None, -2, 100],
    }
    table |= TYPES[name]
    found = written(tmp_path, {key: table[key] for key in ("colour", "size", "flag", "label")})
    np.testing.assert_array_equal(found.x, ROWS)
    assert found.digest == csv(tmp_path).digest
    np.testing.assert_array_equal(runtime.read(tmp_path / "t.parquet", COLUMNS), ROWS)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_numbers_that_are_names_have_one_name_at_any_precision(kind: str, tmp_path: Path) -> None:
    values = pa.array([0.1, 2.5, None, 1e10], getattr(pa, kind)())
    table = {"a": [1.0, 2.0, 3.0, 4.0], "c": values, "label": ["p", "q", "p", "q"]}
    found = written(tmp_path, table, categorical=("c",))
    known = found.columns
    assert known[1].categories == ("0.1", "10000000000", "2.5")
    assert found.x[:, 1].tolist() == [0, 2, -1, 1]
    np.testing.assert_array_equal(runtime.read(tmp_path / "t.parquet", known), found.x)
    for told in ([0.1], np.array([0.1], np.float32), ["0.1"]):
        assert cells.encoded(told, known[1], str).tolist() == [0]
    given = named.given(pa.table(table), known, Tensor("x", "float32", ("batch", 2)))
    np.testing.assert_array_equal(given, found.x)


def test_row_groups_are_rows_in_a_row(tmp_path: Path) -> None:
    table = pa.table({"a": np.arange(1000.0), "label": np.arange(1000) % 2})
    parquet.write_table(table, tmp_path / "t.pq", row_group_size=7)
    found = load(tmp_path / "t.pq")
    assert found.x[:, 0].tolist() == list(range(1000))
    assert found.y.tolist() == [n % 2 for n in range(1000)]


LABELS: dict[str, tuple[list[str], tuple[int | str, ...], list[int]]] = {
    "words": (["q", "p", "", "q"], ("p", "q"), [1, 0, -1, 1]),
    "whole numbers": (["10", "9", "-1", "NA"], (9, 10), [1, 0, -1, -1]),
    "whole numbers with gaps": (["0.0", "1.0", "", "-1.0"], (0, 1), [0, 1, -1, -1]),
    "fractions": (["0.5", "1.5", "", "0.5"], ("0.5", "1.5"), [0, 1, -1, 0]),
    "truth values": (["true", "false", "", "true"], ("false", "true"), [1, 0, -1, 1]),
    "huge": (["9" * 30, "5", "", "5"], ("5", "9" * 30), [1, 0, -1, 0]),
    "spaces": ([" p", "q ", "p", " "], ("p", "q"), [0, 1, 0, -1]),
    "unicode": (["ä", "日", "", "ä"], ("ä", "日"), [0, 1, -1, 0]),
}


@pytest.mark.parametrize("name", list(LABELS))
def test_labels_of_any_kind_with_blanks(name: str, tmp_path: Path) -> None:
    words, classes, y = LABELS[name]
    found = csv(tmp_path, "a,y\n" + "".join(f"{i},{w}\n" for i, w in enumerate(words)))
    assert (found.classes, found.y.tolist()) == (classes, y)


TYPED: dict[str, tuple[Any, tuple[int | str, ...], list[int]]] = {
    "integers": ([10, 9, -1, None], (9, 10), [1, 0, -1, -1]),
    "numbers": ([1.0, 0.0, np.nan, -1.0], (0, 1), [1, 0, -1, -1]),
    "fractions": ([0.5, 1.0, None, -1.0], ("0.5", "1"), [0, 1, -1, -1]),
    "truth values": ([True, False, None, True], ("false", "true"), [1, 0, -1, 1]),
    "huge": (pa.array([2**64 - 1, 3, None, 3], pa.uint64()), (str(2**64 - 1), "3"), [0, 1, -1, 1]),
    "beyond whole numbers": ([1e300, 2.0, np.inf, None], ("1e+300", "2", "inf"), [0, 1, 2, -1]),
}


@pytest.mark.parametrize("name", list(TYPED))
def test_labels_by_their_type(name: str, tmp_path: Path) -> None:
    values, classes, y = TYPED[name]
    found = written(tmp_path, {"a": [1, 2, 3, 4], "target": values})
    assert (found.classes, found.y.tolist()) == (classes, y)


def test_columns_are_left_out_or_named_as_categories(tmp_path: Path) -> None:
    text = "id,zip,a,kind,label\n7,010,1,u,p\n8,9,2,v,q\n9,9.0,3,w,p\n"
    found = csv(tmp_path, text, ignore=("id", "label"), categorical=("zip",), label="kind")
    zips = columns.Column("zip", columns.CATEGORY, ("010", "9"))
    assert found.columns == (columns.Column("a"), zips)
    assert found.x[:, 1].tolist() == [0, 1, 1]
    assert found.classes == ("u", "v", "w")


def test_names_and_cells_may_have_quotes_ends_of_lines_and_delimiters(tmp_path: Path) -> None:
    text = '"a ""1""\n,b",x,label\n"u,\n""v""",1,p\n"u,\n""v""",2,q\nz,3,p\n'
    found = csv(tmp_path, text)
    name, words = 'a "1"\n,b', ('u,\n"v"', "z")
    assert found.columns == (columns.Column("x"), columns.Column(name, columns.CATEGORY, words))
    assert found.x.tolist() == [[1, 0], [2, 0], [3, 1]]
    np.testing.assert_array_equal(runtime.read(tmp_path / "t.csv", found.columns), found.x)


@given(st.text('ab",\n "', max_size=15))
def test_quotes_mean_the_same_in_training_as_on_the_device(text: str) -> None:
    """A cell may go on after its quotes; a quote that stays open is refused by both."""

    def trained() -> list[list[str]]:
        file = tablefile.open_table(tree.Held("set", {"t.csv": content}), "t.csv")
        pieces = [batch.to_pydict().values() for batch in file.batches(("a", "b"))]
        return [list(row) for piece in pieces for row in zip(*piece, strict=True)]

    def read() -> list[list[str]]:
        return [cells for _, cells in runtime.parse(io.BytesIO(content), "set/t.csv")[1]]

    def outcome(act: Callable[[], list[list[str]]]) -> object:
        try:
            return act()
        except DataError as error:
            return str(error)

    content = f"a,b\nc,d\n{text}\n".encode()
    assert outcome(trained) == outcome(read)


def test_names_are_told_apart_by_their_case(tmp_path: Path) -> None:
    found = csv(tmp_path, "A,a,label_,x,codes,label\n1,2,3,4,5,p\n6,7,8,9,0,q\n")
    assert [c.name for c in found.columns] == ["A", "a", "label_", "x", "codes"]


def test_a_name_that_begins_with_another_and_a_dot(tmp_path: Path) -> None:
    moments = pa.array([1, 2], pa.timestamp("s"))
    nested = pa.array([{"b": 1}, {"b": 2}])
    table = {"a": [1, 2], "a.b": moments, "s": nested, "label": ["p", "q"]}
    found = written(tmp_path, table, ignore=("a.b", "s"))
    assert [c.name for c in found.columns] == ["a"]
    assert runtime.read(tmp_path / "t.parquet", found.columns).tolist() == [[1], [2]]


def test_thousands_of_columns(tmp_path: Path) -> None:
    x = np.arange(6000, dtype=np.float32).reshape(3, 2000)
    names = [f"c{i}" for i in range(2000)]
    table = {name: x[:, i] for i, name in enumerate(names)} | {"label": [0, 1, 0]}
    found = written(tmp_path, table)
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(runtime.read(tmp_path / "t.parquet", found.columns), x)


def test_a_column_parts_the_rows(tmp_path: Path) -> None:
    text = "c,a,Split,label\nu,1,train,p\nv,2,TEST,q\nw,3,Train,q\n,4,test ,p\n"
    found = csv(tmp_path, text)
    assert found.x.tolist() == [[1, 0], [3, 1]]
    assert found.x_test is not None
    assert found.y_test is not None
    assert found.x_test.tolist() == [[2, -1], [4, -1]], "v is no category of training"
    assert (found.y.tolist(), found.y_test.tolist()) == ([0, 1], [1, 0])
    assert found.columns[1].categories == ("u", "w")


def folder(root: Path, **files: str) -> Path:
    place = root / "set"
    place.mkdir()
    for name, text in files.items():
        (place / (name if "." in name else name.replace("_", "."))).write_text(text)
    return place


def test_files_of_a_folder_are_parts_by_their_names(tmp_path: Path) -> None:
    more, test = "label,a\np,3\n", "a,label\n7,q\n"
    place = folder(tmp_path, train1_csv="a,label\n1,p\n2,q\n", train2_tsv=more, Test_csv=test)
    (place / "README.txt").write_text("of no concern")
    found = load(place)
    assert (found.name, found.x.tolist(), found.y.tolist()) == ("set", [[1], [2], [3]], [0, 1, 0])
    assert found.x_test is not None
    assert found.x_test.tolist() == [[7]]


def test_a_folder_may_hold_both_kinds_of_files(tmp_path: Path) -> None:
    place = folder(tmp_path, train1_csv="a,b,c,label\n1,true,u,p\n")
    table = {"label": ["q"], "c": ["v"], "b": [False], "a": ["2"]}
    parquet.write_table(pa.table(table), place / "train2.parquet")
    assert load(place).x.tolist() == [[1, 1, 0], [2, 0, 1]]


@pytest.mark.parametrize(
    "name", ["test-a", "test_1", "test1", "Testing", "TEST set", "a_test", "a-TEST"]
)
def test_test_is_a_word_at_either_end_of_a_name(name: str, tmp_path: Path) -> None:
    more = {"contest.csv": "a,label\n1,p\n2,q\n", "testcenter_b.csv": "a,label\n3,p\n"}
    place = folder(tmp_path, **more, **{f"{name}.csv": "a,label\n7,q\n"})
    found = load(place)
    assert sorted(found.x[:, 0].tolist()) == [1, 2, 3]
    assert found.x_test is not None
    assert found.x_test.tolist() == [[7]]


@pytest.mark.parametrize("name", ["val", "valid_2", "Validation", "dev", "a.val"])
def test_validation_rows_do_not_join_the_training_rows(name: str, tmp_path: Path) -> None:
    place = folder(tmp_path, train_csv=TEXT, **{f"{name}.csv": TEXT})
    told = cases.message(DataError, lambda: load(place))
    assert f"{place}/{name}.csv is named like validation rows. Rename it to train" in told
    (place / "train.csv").unlink()
    assert len(load(place).x) == 4, "alone it is all there is"


def test_files_named_test_alone_are_data(tmp_path: Path) -> None:
    assert len(load(folder(tmp_path, test_csv=TEXT)).x) == 4


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_of_tables_is_their_folder(kind: str, tmp_path: Path) -> None:
    import shutil

    place = folder(tmp_path, train_csv="a,label\n1,p\n2,q\n", test_csv="a,label\n7,q\n")
    form = {"zip": "zip", "tar.gz": "gztar"}[kind]
    shutil.make_archive(str(tmp_path / "packed"), form, tmp_path, "set")
    assert load(tmp_path / f"packed.{kind}").digest == load(place).digest


def test_a_folder_named_like_a_table_is_a_folder(tmp_path: Path) -> None:
    place = folder(tmp_path, t_csv=TEXT).rename(tmp_path / "x.csv")
    assert load(place).digest == csv(tmp_path).digest


def test_links_are_followed(tmp_path: Path) -> None:
    digest = csv(tmp_path).digest
    (tmp_path / "link.csv").symlink_to(tmp_path / "t.csv")
    assert load(tmp_path / "link.csv").digest == digest


def test_a_name_that_utf8_cannot_write(tmp_path: Path) -> None:
    place = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")
    Path(place).write_text(TEXT)
    assert load(Path(place)).name == "?"


HEAD = "a,b,label\n"
GOOD = HEAD + "1,x,p\n2,y,q\n"
BAD: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "a cell too few": (GOOD + "3,z\n", {}, "{}, line 4, has 2 cells; expected 3, as in the first"),
    "a cell too many": (GOOD + "3,z,p,q\n", {}, "{}, line 4, has 4 cells"),
    "after lines in quotes": (HEAD + '1,"x\ny",p\n2,y\n', {}, "{}, line 4, has 2 cells"),
    "spaces alone": (GOOD + "  \n3,z,p\n", {}, "{}, line 4, has 1 cells"),
    "Latin-1": (GOOD.encode() + "3,é,p\n".encode("latin-1"), {}, "{}, line 4, is not written in "
                "UTF-8 (byte 0xe9). Save it as UTF-8"),
    "Latin-1, far below": (GOOD.encode() + b"3,z,p\n" * 5000 + b"3,\xe9,p\n", {},
                           "{}, line 5004, is not written in UTF-8"),
    "Latin-1 in the head": (b"\xe9,label\n1,p\n", {}, "{}, line 1, is not written in UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), {}, "{}, line 1, is not written in UTF-8 (byte 0xff)"),
    "UTF-16 without its mark": (GOOD.encode("utf-16-le"), {}, "{}, line 1, is not written in UTF"
                                "-8 (it looks like UTF-16). Save it as UTF-8"),
    "columns without names": (",a,,label\n1,2,3,p\n", {}, "{}, line 1, has 2 columns without a"),
    "bars": (GOOD.replace(",", "|"), {}, "{} has only one column, 'a|b|label'; columns are "
             "separated by commas, semicolons or tabs. If '|' separates columns here, save"),
    "bars, the label named": (GOOD.replace(",", "|"), {"label": "label"}, "one column, 'a|b"),
    "spaces between": (GOOD.replace(",", "  "), {}, "{} has only one column, 'a  b  label'"),
    "half a pair of surrogates": (HEAD.encode() + b"1,\xed\xa0\x80,p\n", {}, "{}, line 2, is not"),
    "a column twice": ("a,b, a,label\n1,2,3,p\n", {}, "{}, line 1, has two columns 'a'. "
                       "Rename one."),
    "empty": (b"", {}, "{}, line 1, is empty; expected the names of the columns"),
    "ends of lines alone": ("\n\n", {}, "{}, line 1, is empty"),
    "a head alone": (HEAD, {}, "{} has no rows to train on. A table needs a header"),
    "a head without an end": (HEAD.strip(), {}, "{} has no rows to train on. A table needs"),
    "no such label": (GOOD, {"label": "z"}, "{} has no column 'z', which data.label "
                      "names; it has the columns 'a', 'b', 'label'"),
    "a blank label": ("a,label\n1,\n2,\n", {}, "{}, column 'label', has no labels"),
    "one class": ("a,label\n1,p\n2,p\n", {}, "{}, column 'label', has only one class, 'p'"),
    "an id for a label": ("a,label\n" + "".join(f"{i},{i}\n" for i in range(1001)), {},
                          "{}, column 'label', has more than 1000 different classes"),
    "a column without values": ("a,b,label\n1,,p\n2,NA,q\n", {}, "{}, column 'b', is completely"),
    "a word among numbers": (GOOD + "x1,z,p\n", {}, "{}, line 4, column 'a', is 'x1' in a column "
                             "of 2 numbers"),
    "NUL among numbers": (GOOD + "1\0,z,p\n", {}, "{}, line 4, column 'a', is '1\\x00'"),
    "infinity": (GOOD + "inf,z,p\n", {}, "{}, line 4, column 'a', is 'inf'"),
    "too large for float32": (GOOD + "1e39,z,p\n", {}, "{}, line 4, column 'a', is 1e+39; "
                              "expected a number that fits float32"),
    "quotes that stay open": (GOOD + '3,"z,p\n4,z,q\n', {}, "{}, line 4, cannot be read"),
    "a text": (GOOD + f"3,{'z' * 1000000},p\n", {}, "{}, column 'b', has a text of 1000000"),
    "a line of 20 MB": (GOOD + f"3,{'z' * 20000000},p\n", {}, "{}, line 4, has more than 8388608 "
                        "characters. Check that"),
    "a head of 10 MB": ("z" * 10000000 + GOOD, {}, "{}, line 1, has more than 8388608"),
    "decimal commas": (GOOD.replace(",", ";").replace("x", "1,5").replace("y", "2,5"), {},
                       "{}, line 2, column 'b', is '1,5', a number in a local format"),
    "numbers of rows": (",a,label\n0,5,p\n1,6,q\n", {}, "{} has a column without a name"),
    "another part": ("a,split,label\n1,train,p\n2,valid,q\n", {}, "{}, line 3, column 'split', is "
                     "'valid'; expected train or test"),
    "no part": ("a,split,label\n1,train,p\n2,,q\n", {}, "{}, line 3, column 'split', is ''"),
    "test rows alone": ("a,split,label\n1,test,p\n2,test,q\n", {}, "{} has no rows to train on"),
    "a class of test rows alone": ("a,split,label\n1,train,p\n2,train,q\n3,test,r\n", {},
                                   "{}, line 4, column 'label', is 'r' in a test row, but "
                                   "the training labels are 'p', 'q'"),
    "a test row without its label": ("a,split,label\n1,train,p\n2,train,q\n3,test,\n", {},
                                     "{}, line 4, column 'label', is empty in a test row"),
    "a word for a test row's number": ("a,split,label\n1,train,p\n2,train,q\nx,test,p\n", {},
                                       "{}, line 4, column 'a', is 'x'; expected a finite number"),
    "no truth value in a test row": ("a,split,label\ntrue,train,p\nfalse,train,q\nno,test,p\n", {},
                                     "{}, line 4, column 'a', is 'no'; expected true, false"),
    "a kind that it is not": (GOOD, {"kind": "image"}, "data.kind is image, but"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_wrong_is_told_with_file_line_and_column(name: str, tmp_path: Path) -> None:
    text, plan, wanted = BAD[name]
    told = cases.message(DataError, lambda: csv(tmp_path, text, **plan))
    assert wanted.replace("{}", str(tmp_path / "t.csv")) in told


def damaged(root: Path, position: int) -> bytes:
    """A gzip of a long table, one byte of which is another."""
    text = HEAD + "".join(f"{i * 7919 % 1000},x,{i % 2}\n" for i in range(5000))
    packed = bytearray(gzip.compress(text.encode()))
    packed[position] ^= 0xFF
    return bytes(packed)


PACKED: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "no gzip": (lambda root: GOOD.encode(), "{} cannot be read (Not a gzipped file"),
    "cut short": (lambda root: gzip.compress(GOOD.encode())[:-9], "{} cannot be read (Compressed "
                  "file ended before"),
    "empty": (lambda root: b"", "{}, line 1, is empty"),
    "damaged": (lambda root: damaged(root, 100), "{} cannot be read (Error -3"),
    "damaged at its end": (lambda root: damaged(root, -5), "{} cannot be read (CRC check failed"),
    "a bomb of one line": (lambda root: gzip.compress(HEAD.encode() + b"0" * 50_000_000),
                           "{}, line 2, has more than 8388608 characters"),
    "a bomb for a head": (lambda root: gzip.compress(b"0" * 50_000_000),
                          "{}, line 1, has more than 8388608 characters"),
    "a bomb in quotes": (lambda root: gzip.compress(HEAD.encode() + b'1,"' + b"0\n" * 20_000_000),
                         "{}, line 2, cannot be read (field larger than field limit"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PACKED))
def test_a_damaged_or_hostile_gzip_is_refused(name: str, tmp_path: Path) -> None:
    make, wanted = PACKED[name]
    told = cases.message(DataError, lambda: csv(tmp_path, make(tmp_path), "t.csv.gz"))
    assert wanted.replace("{}", str(tmp_path / "t.csv.gz")) in told


GROWN = {"a": [1.0, 2.0, 4.0], "label": ["p", "q", "p"]}
NOT_UTF8 = pa.Array.from_buffers(
    pa.string(),
    3,
    [None, pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), pa.py_buffer(b"\xff\xfea")],
)
NO_COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "lists": ({"b": [[1], [2], [3]]}, "{}, row 0, column 'b', has the type list<element: int64>"),
    "durations": (
        {"b": pa.array([1, 2, 3], pa.duration("s"))},
        "column 'b', has the type duration[s]",
    ),
    "nested": ({"b": [{"c": 1}] * 3}, "column 'b', has the type struct<c: int64>"),
    "bytes": ({"b": [b"x", b"y", b"z"]}, "column 'b', has the type binary"),
    "nothing": ({"b": pa.nulls(3)}, "{}, column 'b', is completely empty"),
    "infinity": ({"b": [1, np.inf, 2]}, "{}, row 1, column 'b', is inf"),
    "too large": ({"b": [1, 2, 1e300]}, "{}, row 2, column 'b', is 1e+300"),
    "a word among numbers": ({"b": ["1", "2", "x"]}, "{}, row 2, column 'b', is 'x' in a column"),
    "no UTF-8": ({"b": NOT_UTF8}, "{} cannot be read (In column 1: Invalid: Invalid UTF8"),
    "labels that are moments": (
        {"label": pa.array([1, 2, 3], pa.date32())},
        "has the type date32",
    ),
    "labels that are lists": ({"label": [[1], [2], [3]]}, "column 'label', has the type list"),
}


@pytest.mark.parametrize("name", list(NO_COLUMNS))
def test_what_is_wrong_is_told_with_file_row_and_column(name: str, tmp_path: Path) -> None:
    more, wanted = NO_COLUMNS[name]
    told = cases.message(DataError, lambda: written(tmp_path, {**GROWN, **more}))
    assert wanted.replace("{}", str(tmp_path / "t.parquet")) in told


def twice(root: Path) -> None:
    table = pa.table([pa.array([1, 2])] * 2 + [pa.array(["p", "q"])], names=["a", "a", "label"])
    parquet.write_table(table, root / "t.parquet")


def changed(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def make(root: Path) -> None:
        table = pa.table({"a": np.random.default_rng(0).random(5000), "label": [0, 1] * 2500})
        parquet.write_table(table, root / "t.parquet")
        place = root / "t.parquet"
        place.write_bytes(change(place.read_bytes()))

    return make


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (changed(lambda b: b[:1000]), "{} cannot be read (Parquet magic bytes"),
    "its beginning cut off": (changed(lambda b: b[1000:]), "{} cannot be read ("),
    "empty": (changed(lambda b: b""), "{} cannot be read ("),
    "text": (changed(lambda b: GOOD.encode()), "{} cannot be read (Parquet magic bytes"),
    "damaged pages": (changed(lambda b: b[:4] + b"\xff" * 40 + b[44:]), "{} cannot be read ("),
    "a column twice": (twice, "{} has two columns 'a'. Rename one."),
    "no rows": (lambda root: written(root, {"a": pa.array([], pa.int64()),
                                            "label": pa.array([], pa.string())}),
                "{} has no rows to train on"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FILES))
def test_a_damaged_parquet_file_is_refused(name: str, tmp_path: Path) -> None:
    make, wanted = FILES[name]

    def act() -> None:
        make(tmp_path)
        load(tmp_path / "t.parquet")

    told = cases.message(DataError, act)
    assert wanted.replace("{}", str(tmp_path / "t.parquet")) in told
    assert "Copy it again" in told or name in ("a column twice", "no rows")


ONE, TWO = "a,label\n1,p\n2,q\n", "b,label\n3,q\n"
FOLDERS: dict[str, tuple[dict[str, str], str]] = {
    "other columns": ({"train_csv": ONE, "test_csv": TWO}, "Only one of {}/train.csv and "
                      "{}/test.csv has the column 'a'. Give both the same columns"),
    "an empty file": ({"train_csv": ONE, "test_csv": ""}, "{}/test.csv, line 1, is empty"),
    "a test class": ({"train_csv": ONE, "test_csv": "a,label\n3,r\n"}, "{}/test.csv, line 2, "
                     "column 'label', is 'r' in a test row"),
    "a test word": ({"train_csv": ONE, "test_csv": "a,label\nx,p\n"}, "{}/test.csv, line 2, "
                    "column 'a', is 'x'; expected a finite number"),
    "the second of two": ({"a_csv": ONE, "b_csv": ONE + "x,p\n"}, "{}/b.csv, line 4, column 'a', "
                          "is 'x' in a column of 4 numbers"),
    "another case": ({"a_csv": ONE, "b_csv": "A,label\n1,p\n"}, "has the column 'A'. Give both"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FOLDERS))
def test_files_that_do_not_fit_one_another(name: str, tmp_path: Path) -> None:
    files, wanted = FOLDERS[name]
    told = cases.message(DataError, lambda: load(folder(tmp_path, **files)))
    assert wanted.replace("{}", str(tmp_path / "set")) in told


def test_columns_of_several_types_in_several_files(tmp_path: Path) -> None:
    place = folder(tmp_path, a_csv="a,label\nu,p\nv,q\n")
    parquet.write_table(pa.table({"a": [1], "label": ["p"]}), place / "b.parquet")
    told = cases.message(DataError, lambda: load(place))
    assert "column 'a', mixes words with" in told


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "zeros.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zeros.csv"):
        assert "regular file" in cases.message(DataError, lambda name=name: load(tmp_path / name))
    cases.message(DataNotFound, lambda: load(tmp_path / "dangling.csv"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    csv(tmp_path)
    (tmp_path / "t.csv").chmod(0)
    assert "Permission denied" in cases.message(DataError, lambda: load(tmp_path / "t.csv"))


def test_without_pyarrow_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    told = cases.message(MissingExtra, lambda: load(tmp_path / "t.csv"))
    assert 'pip install "ssdgm-train[tables]"' in told


class TestProblem:
    """What a table's problem is, and what unseen categories and gaps say."""

    def test_gaps_and_unseen_categories_are_those_of_training_rows(self) -> None:
        x = np.array([[1, np.nan, 0], [2, 5, 1], [3, 7, -1], [np.nan, 9, 2]], np.float32)
        made = dataset.make(
            "t", x, np.array([0, 1, -1, 0]), columns=self.known(), classes=("p", "q")
        )
        parts = cases.everything(made)
        held = type(parts)(np.array([0, 1]), np.array([2]), np.array([3]))
        found = statement.problem(made, held, DataPlan())
        assert (found.gaps, found.unseen, found.likelihood) == ((1,), (2,), "columns")
        assert found.shift == pytest.approx((2, 6))
        assert found.scale == pytest.approx((np.sqrt(2 / 3), 1), rel=1e-6)

    def test_an_unseen_category_is_as_a_missing_one(self) -> None:
        import torch

        stated = Problem(
            (3,), "float32", cases.stated().labels, "columns", (2.0, 6.0), (1.0, 2.0),
            kind=problems.TABLE, columns=self.known(), gaps=(1,), unseen=(2,),
        )  # fmt: skip
        observe = observations.observer_for(stated)
        nan = float("nan")
        found = observe(torch.tensor([[3, 8, 0], [3, nan, 1], [2, 6, 2], [2, 6, -1], [2, 6, 9]]))
        assert found.tolist() == [
            [1, 1, 1, 0, 0, 1],
            [1, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 1],
        ]

    def known(self) -> columns.Columns:
        colours = columns.Column("c", columns.CATEGORY, ("blue", "green", "red"))
        return (columns.Column("a"), columns.Column("b"), colours)

    @pytest.mark.parametrize(("text", "likelihood"), [
        ("a,b,label\n1,2,p\n3,4,q\n", "gaussian"),
        ("a,b,label\n1,,p\n3,4,q\n", "columns"),
        ("a,b,label\n1,u,p\n3,v,q\n", "columns"),
        ("b,label\nu,p\nv,q\n", "columns"),
    ])  # fmt: skip
    def test_the_likelihood_fits_the_columns(
        self, text: str, likelihood: str, tmp_path: Path
    ) -> None:
        made = csv(tmp_path, text)
        found = statement.problem(made, cases.everything(made), DataPlan())
        assert found.likelihood == likelihood

    def test_another_likelihood_has_no_place_for_categories(self, tmp_path: Path) -> None:
        for text in (GOOD, "a,b,label\n1,,p\n3,4,q\n"):
            made = csv(tmp_path, text)
            plan = DataPlan(likelihood="gaussian")
            told = cases.message(
                DataError,
                lambda made=made, plan=plan: statement.problem(made, cases.everything(made), plan),
            )
            assert "data.likelihood is gaussian, but the column 'b'" in told

    def test_each_column_has_its_own_scale_however_large_another(self) -> None:
        x = np.array([[1e-8, 1e8], [2e-8, 3e8], [3e-8, 2e8]], np.float32)
        known = (columns.Column("a"), columns.Column("b"))
        made = dataset.make("t", x, np.array([0, 1, 0]), columns=known, classes=("p", "q"))
        found = statement.problem(made, cases.everything(made), DataPlan())
        assert found.scale == pytest.approx(x.std(0), rel=1e-5)


def test_only_tables_make_a_set_of_tables(tmp_path: Path) -> None:
    place = folder(tmp_path, train_csv=TEXT)
    assert table.has_tables(tree.Folder(place))
    (place / "a.png").touch()
    assert not table.has_tables(tree.Folder(place))
