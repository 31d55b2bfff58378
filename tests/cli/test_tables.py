"""Tables on the command line: from a CSV file to a device, and back to a CSV file."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
arrow = pytest.importorskip("pyarrow.csv")
parquet = pytest.importorskip("pyarrow.parquet")

Tool = Callable[..., Any]
Refused = Callable[..., Any]
ROWS = 90
SMALL = (
    *("--method", "m2"),
    *("--set", "train.steps=150", "--set", "run.evaluate_every=50", "--set", "run.baseline=4"),
    *(
        "--set",
        "model.hidden=8",
        "--set",
        "model.latent=2",
        "--set",
        "train.learning_rate=0.01",
        "--seed",
        "1",
    ),
    *("--set", "train.labelled_batch=12", "--set", "train.unlabelled_batch=12"),
)


QUICK = ("--batch", "1,4", "--seconds", "0.01", "--cold", "0")


def mixed(seed: int = 0) -> Any:  # noqa: ANN401
    """Numbers and categories of two classes, with gaps, blanks, an id and test rows."""
    rng = np.random.default_rng(seed)
    kind = np.arange(ROWS) % 2
    there = rng.random((3, ROWS)) > 0.1
    colour = np.where(kind, "deep, red", 'ocean "blue"')
    part = np.where(np.arange(ROWS) % 7 == 6, "test", "train")
    label = np.where((np.arange(ROWS) % 5 > 2) & (part == "train"), "", np.where(kind, "ja", "né"))
    return pa.table({
        "row": np.arange(ROWS),
        "colour": pa.array(colour, mask=~there[0]),
        "size": pa.array(np.where(kind, 3, -3) + rng.normal(size=ROWS).round(3), mask=~there[1]),
        "flag": pa.array(kind == 1, mask=~there[2]),
        "price": (1e5 * (2 + kind + rng.random(ROWS))).round(),
        "label": label,
        "split": part,
    })  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table in two forms, a run and its bundle."""
    from ssdgm_export import cli

    folder = tmp_path_factory.mktemp("table")
    arrow.write_csv(mixed(), folder / "rows.csv")
    parquet.write_table(mixed(), folder / "rows.parquet")
    words = ("train", folder / "rows.csv", "--out", folder / "run", *SMALL, "-q")
    assert cli.run([*map(str, words), "--set", 'data.ignore=["row"]']) == 0
    assert cli.run(["convert", str(folder / "run"), "-o", str(folder / "a.ssdgm")]) == 0
    return folder


def test_training_tells_rows_and_leaves_a_report(place: Path) -> None:
    result = json.loads((place / "run/result.json").read_text())
    assert result["test"]["error"] < 0.4
    run = json.loads((place / "run/run.json").read_text())
    assert run["data"]["classes"] == ["ja", "né"]
    assert (place / "run/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_training_tells_what_it_took_columns_for(place: Path, tmp_path: Path, tool: Tool) -> None:
    words = (*SMALL, "-q", "--no-report", "--no-baseline", "--out", tmp_path / "run")
    told = tool("train", place / "rows.csv", *words).out
    line = next(line for line in told.splitlines() if line.startswith("columns"))
    assert line.split(maxsplit=1)[1] == "3 numbers; categories 'colour'; booleans 'flag'"


def test_a_bundle_tells_its_columns(place: Path, tool: Tool) -> None:
    told = tool("inspect", place / "a.ssdgm", "--json").json
    for column in told["columns"][:2]:
        low, high = column.pop("range")
        assert low < high
    assert told["columns"] == [
        {"name": "size", "kind": "number"},
        {"name": "price", "kind": "number"},
        {"name": "colour", "kind": "category", "categories": ["deep, red", 'ocean "blue"']},
        {"name": "flag", "kind": "boolean", "categories": ["false", "true"]},
    ]
    assert "size" in tool("inspect", place / "a.ssdgm").out
    assert tool("verify", place / "a.ssdgm").code == 0


def test_any_form_of_the_rows_gives_the_same_answers(
    place: Path, tmp_path: Path, tool: Tool
) -> None:
    table = mixed()
    more = table.append_column("more", pa.array(["x"] * ROWS))
    arrow.write_csv(more.select([*reversed(more.column_names)]), tmp_path / "turned.csv")
    arrow.write_csv(table.drop_columns(["label", "split"]), tmp_path / "bare.csv")
    files = (place / "rows.csv", place / "rows.parquet", *tmp_path.glob("*.csv"))
    answers = [tool("classify", place / "a.ssdgm", file, "--json").json for file in files]
    assert [len(found["predictions"]) for found in answers] == [ROWS] * 4
    assert all(found["predictions"] == answers[0]["predictions"] for found in answers)
    out = tmp_path / "answers.csv"
    assert tool("classify", place / "a.ssdgm", files[0], "-o", out).code == 0
    with open(out, encoding="utf-8", newline="") as stream:
        told = [row["predicted_label"] for row in csv.DictReader(stream)]
    wanted = table["label"].to_pylist()
    right = [a == b for a, b in zip(told, wanted, strict=True) if b]
    assert sum(right) > 0.7 * len(right)


@pytest.mark.parametrize("sample", [(), ("--sample",)])
def test_generated_rows_are_a_table_that_reads_back(
    sample: tuple[str, ...], place: Path, tmp_path: Path, tool: Tool
) -> None:
    out = tmp_path / "new.csv"
    drawn = ("generate", place / "a.ssdgm", "-n", 20, "--seed", 3, *sample, "-o", out)
    assert tool(*drawn).code == 0
    with open(out, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [*rows[0]] == ["size", "price", "colour", "flag", "label"]
    assert {row["label"] for row in rows} == {"ja", "né"}
    assert {row["colour"] for row in rows} <= {"deep, red", 'ocean "blue"'}
    assert {row["flag"] for row in rows} <= {"false", "true"}
    assert tool("classify", place / "a.ssdgm", out, "--json").json["rows"] == 40
    again = ("train", out, "--out", tmp_path / "run", *SMALL, "--no-report", "-q")
    assert tool(*again).code == 0
    assert tool("generate", place / "a.ssdgm", "-n", 2, "-o", tmp_path / "a.npz").code == 0
    picture = tool("generate", place / "a.ssdgm", "-o", tmp_path / "a.png", "--json")
    assert (picture.code, picture.json["error"]["type"]) == (2, "DataError")


def test_a_run_of_a_table_is_evaluated_reported_and_measured(place: Path, tool: Tool) -> None:
    told = tool("evaluate", place / "run", "--samples", 3, "--rows", 10, "--json", "-q")
    assert (told.code, told.err) == (0, "")
    assert (told.json["part"], told.json["rows"]) == ("test", 10)
    assert tool("report", place / "run").code == 0
    measured = tool("bench", place / "a.ssdgm", *QUICK, "--json")
    assert measured.code == 0, measured


def test_a_bundle_of_every_precision(place: Path, tmp_path: Path, tool: Tool) -> None:
    words = ("--precision", "fp32,int8,fp16", "--fuse", "--golden-from", place / "rows.parquet")
    limits = ("--max-drop", "50%", "--max-distortion", "50%")
    made = tool("convert", place / "run", "-o", tmp_path / "b.ssdgm.zip", *words, *limits)
    assert made.code == 0, made
    found = tool("classify", tmp_path / "b.ssdgm.zip", place / "rows.csv", "--json")
    assert found.json["rows"] == ROWS


def test_a_table_of_another_bundle_is_refused(
    place: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "other.csv").write_text("Size,price,colour,flag\n1,2,x,true\n")
    error = refused(tmp_path, "classify", place / "a.ssdgm", tmp_path / "other.csv")
    assert error["type"] == "DataError"
    assert "other.csv has no column 'size', only 'Size', 'price'" in error["message"]
    assert "Add it, with empty cells" in error["mend"]


GOOD = "size,price,colour,flag\n1,2,x,true\n"
BAD: dict[str, tuple[str | bytes, str]] = {
    "a word": (GOOD + "1,many,x,true\n", "line 3, column 'price', is 'many'; expected a finite"),
    "no truth value": (GOOD + "1,2,x,yes\n", "line 3, column 'flag', is 'yes'; expected true,"),
    "a cell too few": (GOOD + "1,2\n", "line 3, has 2 cells; expected 4, as in the first line"),
    "UTF-16": (GOOD.encode("utf-16"), "line 1, is not written in UTF-8"),
    "too large": (GOOD + "1e39,2,x,true\n", "line 3, column 'size', is 1e+39; expected a number"),
    "empty": ("", "line 1, is empty"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_what_cannot_be_classified_is_told(
    name: str, place: Path, tmp_path: Path, refused: Refused
) -> None:
    text, wanted = BAD[name]
    file = tmp_path / "t.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    error = refused(tmp_path, "classify", place / "a.ssdgm", file, "-o", tmp_path / "answers.csv")
    assert error["type"] == "DataError"
    assert error["message"].startswith(f"{file}, {wanted}")


TRAINED: dict[str, tuple[str | bytes, tuple[str, ...], str]] = {
    "ragged": ("a,label\n1,p\n2\n", (), "t.csv, line 3, has 1 cells"),
    "Latin-1": ("a,label\n1,é\n".encode("latin-1"), (), "t.csv, line 2, is not written in UTF-8"),
    "no label": ("a,b\n1,2\n", (), "t.csv has no column named label, class"),
    "another label": ("a,b\n1,2\n", ("--label", "c"), "t.csv has no column 'c'"),
    "no class": ("a,label\n1,\n2,-1\n", (), "t.csv, column 'label', has no labels"),
    "one class": ("a,label\n1,p\n2,p\n", (), "t.csv, column 'label', has only one class, 'p'"),
    "an id for a label": ("a,label\n" + "".join(f"{i},{i}\n" for i in range(40)), (), ""),
    "likelihoods": ("a,label\nu,p\nv,q\n" * 9, ("--set", "data.likelihood=gaussian"),
                    "data.likelihood is gaussian, but the column 'a' is a category"),
    "no table": ("a,label\n1,p\n2,q\n", ("--set", "data.kind=image"), "data.kind is image"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TRAINED))
def test_what_cannot_be_trained_on_is_told(name: str, tmp_path: Path, refused: Refused) -> None:
    text, words, wanted = TRAINED[name]
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    error = refused(tmp_path, "train", tmp_path / "t.csv", "--out", tmp_path / "run", *words)
    assert error["type"] == "DataError", error
    assert wanted in error["message"]


def test_a_bundle_of_images_draws_no_table(bundle: Path, tmp_path: Path, refused: Refused) -> None:
    error = refused(tmp_path, "generate", bundle, "-o", tmp_path / "a.csv")
    assert "are not rows of a table" in error["message"]
