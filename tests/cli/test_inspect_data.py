"""`data inspect`: as text, as JSON, with a sheet; and what cannot be read."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_export.cli.text import data

Tool = Callable[..., Any]
N = 90
Y = np.arange(N) % 3
NAMES = ("cat", "dog", "it's")
PNG = b"\x89PNG"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A table with an identifier, a sentinel, blank labels and two rows that contradict."""
    rng = np.random.default_rng(0)
    lines = ["number,age,place,kind"]
    for i in range(N):
        age = -999 if i in (4, 50) else f"{rng.normal(30, 5):.3f}"
        label = "" if i % 5 == 0 else NAMES[Y[i]]
        lines.append(f"{1000 + i},{age},{'abc'[rng.integers(3)]},{label}")
    lines.append(lines[2].rsplit(",", 1)[0] + ",it's")
    (tmp_path / "pets.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "pets.csv"


def test_digits_are_described(tool: Tool) -> None:
    found = tool("data", "inspect", "digits", "--labels", 100, "--quiet")
    assert (found.code, found.err) == (0, "")
    assert "image 8 x 8, uint8" in found.out
    assert "    0     133         45" in found.out
    assert "binomial: bytes below 64, which are counts out of 16" in found.out
    assert "100 labelled, 1,112 unlabelled, 135 for validation, whose labels are" in found.out
    assert "ssdgm-export train digits --labels 100 --out runs/digits" in found.out
    told = " ".join(found.out.split())
    others = "m2-plain, baseline"
    assert f"compared with {others}; the best by cross-validation is trained, in about" in told
    assert "steps at most 1,500" in told
    assert "augmentation in m2: images turned, scaled, sheared, moved, bent" in told
    assert "not mirrored; assumed to leave labels as they are" in told
    assert "or, without comparing, --recipe with a file of" in told


def test_a_method_that_is_set_is_compared_with_none(tool: Tool, tmp_path: Path) -> None:
    words = ("data", "inspect", "digits", "--labels", 100, "--set", "method=m1", "--quiet")
    found = tool(*words)
    assert "compared with" not in found.out
    assert "augmentation     none: no row is changed" in found.out
    assert "\nor --recipe with a file of" in found.out
    plan = tool(*words, "--json").json["training"]
    assert (plan["minutes"], plan["compared"], plan["method"]) == (None, [], "m1")
    assert plan["augmentation"] == "none: no row is changed"


def test_where_there_is_nothing_to_compare_it_is_said(tool: Tool, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
    np.savez(tmp_path / "tags.npz", x=x, y=(x[:, :3] > 0).astype(int))
    found = tool("data", "inspect", tmp_path / "tags.npz", "--quiet")
    assert "nothing, for such rows and labels; trained in about 10 minutes" in found.out


def test_a_table_is_described_with_what_is_wrong(tool: Tool, csv: Path) -> None:
    found = tool("data", "inspect", csv, "--label", "kind", "--quiet")
    assert found.code == 0
    for told in (
        "table: 2 numbers, 1 category, float32",
        "91 rows, counted from 0; 73 labelled, 18 unlabelled",
        "! conflicting labels",
        "training row 1 ('dog') = training row 90 (\"it's\").",
        "'age' is -999 in 2 rows (4, 50), while its other values are from",
        "'number' has 90 different whole numbers in 91 rows.",
        "--set 'data.ignore=[\"number\"]'",
        "columns: a table with categories",
    ):
        assert told in " ".join(found.out.split())


def test_the_command_that_is_told_has_what_was_given(tool: Tool, csv: Path) -> None:
    given = ("--label", "kind", "--set", "data.ignore=number", "--seed", 3, "--labels", 30)
    found = tool("data", "inspect", csv, *given, "--json")
    assert (found.code, found.err) == (0, "")
    words = shlex.split(found.json["command"])
    assert words[:3] == ["ssdgm-export", "train", str(csv)]
    assert words[-2:] == ["--out", "runs/pets"]
    for option, value in zip(given[::2], given[1::2], strict=True):
        assert words[words.index(option) + 1] == str(value)
    assert [f["name"] for f in found.json["features"]] == ["age", "place"]
    assert found.json["training"]["labelled"] + found.json["training"]["validation"] == 30


def test_json_says_all_that_the_text_says(tool: Tool, csv: Path) -> None:
    found = tool("data", "inspect", csv, "--label", "kind", "--json").json
    assert found["path"] == str(csv)
    assert found["files"] == {"count": 1, "bytes": csv.stat().st_size, "names": []}
    assert {c["label"]: c["training"] for c in found["classes"]}.keys() == set(NAMES)
    assert found["sheet"] is None
    assert found["repeats"]["conflicts"][0][1]["label"] == "it's"
    for finding in found["findings"]:
        assert finding["level"] in ("warning", "note")
        assert finding["found"]
        assert finding["mend"]


def test_progress_is_told_on_stderr_unless_quiet(tool: Tool) -> None:
    assert "0/4  training rows" in tool("data", "inspect", "digits").err
    assert tool("data", "inspect", "digits", "-q").err == ""


def test_a_sheet_is_written_and_nothing_is_overwritten(tool: Tool, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    words = ("data", "inspect", "digits", "-q", "-o", sheet)
    assert f"sheet     {sheet}" in tool(*words).out
    assert sheet.read_bytes().startswith(PNG)
    sheet.write_text("mine")
    refused = tool(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "--force" in refused.err
    assert sheet.read_text() == "mine"
    assert tool(*words, "--force", "--json").json["sheet"] == str(sheet)
    assert sheet.read_bytes().startswith(PNG)


def test_a_sheet_is_a_png_file_beside_the_data(
    refused: Callable[..., Any], csv: Path, tmp_path: Path
) -> None:
    before = csv.read_bytes()
    words = ("data", "inspect", csv, "--label", "kind", "-q", "--force", "-o")
    assert "a name that ends in .png" in refused(tmp_path, *words, csv)["message"]
    assert csv.read_bytes() == before
    (tmp_path / "set").mkdir()
    csv.rename(tmp_path / "set" / "train.csv")
    words = ("data", "inspect", tmp_path / "set", "--label", "kind", "-q", "-o")
    told = refused(tmp_path, *words, tmp_path / "set" / "sheet.png")["message"]
    assert "sheet.png, inside the data; expected a path outside of it" in told


def test_what_train_would_refuse_is_told_with_exit_code_0(tool: Tool) -> None:
    found = tool("data", "inspect", "digits", "--labels", 3, "--quiet")
    assert found.code == 0
    assert "train would refuse  --labels is 3, but there are 10 classes. Set" in found.out
    assert "ssdgm-export train" not in found.out


UNREADABLE: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing there": (("none.npz",), "no data at"),
    "no such column": (("pets.csv", "--label", "name"), "has no column 'name'"),
    "no column of labels": (("pets.csv",), "no column named label, class, target or y"),
    "no setting": (("pets.csv", "--set", "data.lable=kind"), "data.lable is not a setting"),
}


@pytest.mark.parametrize(("words", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_an_error(
    refused: Callable[..., Any],
    words: tuple[str, ...],
    told: str,
    csv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(csv.parent)
    assert told in refused(csv.parent, "data", "inspect", *words, "-q")["found"]


def test_a_group_without_a_command_is_a_usage_error(tool: Tool) -> None:
    found = tool("data")
    assert found.code == 2
    assert "Missing command" in found.err
    assert "Did you mean 'inspect'" in tool("data", "inspct").err


def test_long_lists_are_cut_and_say_so(tool: Tool, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 40)).astype(np.float32)
    np.savez(tmp_path / "wide.npz", x=x, y=np.arange(200) % 40)
    found = tool("data", "inspect", tmp_path / "wide.npz", "-q").out
    assert "and 10 columns more, which --json lists" in found
    assert "classes        40" in found
    assert f"{'column 29':9}" in found
    assert "column 30" not in found


def test_shares_of_categories_are_of_all_values_that_are_there(tool: Tool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cities = [f"c{i % 100:02}" if i < 400 else "" for i in range(500)]
    lines = [f"{rng.normal():.6f},{city},{'ab'[i % 2]}" for i, city in enumerate(cities)]
    (tmp_path / "t.csv").write_text("\n".join(["size,city,label", *lines]))
    found = tool("data", "inspect", tmp_path / "t.csv", "-q")
    assert "c00 1%, c01 1%, c02 1%, ..." in found.out
    features = tool("data", "inspect", tmp_path / "t.csv", "--json").json["features"]
    assert [(f["present"], f["distinct"]) for f in features] == [(500, 500), (400, 100)]


def test_words_of_the_data_cannot_reach_the_terminal(tool: Tool, tmp_path: Path) -> None:
    y = np.array(["a\x1b[2J", "b"])[np.arange(20) % 2]
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    x[2] = x[3]
    np.savez(tmp_path / "evil.npz", x=x, y=y)
    found = tool("data", "inspect", tmp_path / "evil.npz", "-q")
    assert "conflicting labels" in found.out
    assert "\x1b" not in found.out


@pytest.mark.parametrize(
    ("value", "told"),
    [(3.0, "3"), (0.0001234567, "0.0001235"), (9.5e6, "9500000"), (1e12, "1e+12"), (-1.5, "-1.5")],
)
def test_numbers_are_short(value: float, told: str) -> None:
    assert data._number(value) == told


def numbers(place: Path) -> Path:
    """A table whose labels are ages."""
    lines = [f"{i % 7},{i % 5},{i % 60}.0" for i in range(240)]
    (place / "ages.csv").write_text("\n".join(["a,b,label", *lines]))
    return place / "ages.csv"


def test_labels_that_look_like_measurements_are_a_finding(tool: Tool, tmp_path: Path) -> None:
    found = tool("data", "inspect", numbers(tmp_path), "--quiet")
    assert (found.code, found.err) == (0, "")
    told = " ".join(found.out.split())
    assert "! labels like measurements" in told
    assert "look like measurements: 60 different numbers (0, 1, 2, ..., 59) in 240 rows" in told
    assert "train would refuse" in told


def test_the_command_says_that_numbers_are_classes(tool: Tool, tmp_path: Path) -> None:
    words = ("data", "inspect", numbers(tmp_path), "--labels-as", "classes", "--json")
    found = tool(*words).json
    assert "labels like measurements" not in [f["topic"] for f in found["findings"]]
    assert " --labels-as classes " in found["command"]
    assert found["training"]["taken"]["name"] == "default-m2-tables"
    assert 'labels_as = "classes"' in found["training"]["recipe"]


def test_the_command_asks_and_takes_the_answer(tool: Tool, tmp_path: Path) -> None:
    words = ("train", numbers(tmp_path), "--out", tmp_path / "run", "--set", "train.steps=2")
    words = (*words, "--method", "m2")
    asked = tool(*words)
    assert asked.code == 2
    assert "--labels-as classes" in asked.err
    wrong = tool(*words, "--labels-as", "words").err
    assert "data.labels_as is 'words'; expected one of auto, classes" in wrong
    assert not (tmp_path / "run").exists()
    assert tool(*words, "--labels-as", "classes", "--no-report", "--no-baseline").code == 0


def test_threads_may_be_named(tool: Tool, csv: Path) -> None:
    alone = tool("data", "inspect", csv, "--threads", 1, "--json")
    assert alone.json == tool("data", "inspect", csv, "--json").json
    assert tool("data", "inspect", csv, "--threads", 0).code == 2


def test_dates_are_shown_as_dates(tool: Tool, tmp_path: Path) -> None:
    days = [str(np.datetime64("2015-01-01") + 7 * i) for i in range(N)]
    lines = [f"{day},{i % 7},{'ab'[i % 2]}" for i, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join(["day,size,label", *lines]))
    told = tool("data", "inspect", tmp_path / "t.csv").out
    assert re.search(r"day +date +90 +2015-01-01\.\.2016-09-15, median 2015-11-\d\d, 90 %", told)
