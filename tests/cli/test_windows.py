"""Windows of time series on the command line: a long table, from training to the device."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ssdgm_runtime
from ssdgm_train import data
from ssdgm_train.data.settings import DataPlan

pa = pytest.importorskip("pyarrow")
csv = pytest.importorskip("pyarrow.csv")
parquet = pytest.importorskip("pyarrow.parquet")

Tool = Callable[..., Any]
Table = Any
SMALL = (
    *("--method", "m2"),
    *("--set", "train.steps=20", "--set", "run.evaluate_every=20", "--set", "run.baseline=0"),
    *("--set", "model.hidden=8", "--set", "model.latent=2"),
    *("--set", "train.labelled_batch=12", "--set", "train.unlabelled_batch=12", "--no-report"),
    *("--set", "data.series=id", "--set", "data.time=t"),
)
SERIES, MOMENTS = 40, 6


def long() -> Table:
    """Waves that rise or fall, their lines in no order, some without a label."""
    rng = np.random.default_rng(0)
    kind = np.arange(SERIES) % 2
    slope = np.where(kind, 1, -1)[:, None] * np.arange(MOMENTS)
    values = slope[:, None] + rng.normal(0, 0.5, (SERIES, 2, MOMENTS))
    labels = np.where(np.arange(SERIES) % 5, np.where(kind, "up", "down"), "")
    columns = {
        "id": np.repeat([f"s{n}" for n in range(SERIES)], MOMENTS),
        "t": np.tile(np.arange(MOMENTS) * 10, SERIES),
        "label": np.repeat(labels, MOMENTS),
        "u": values[:, 0].ravel().round(3),
        "v": values[:, 1].ravel().round(3),
    }
    return pa.table(columns).take(pa.array(rng.permutation(SERIES * MOMENTS)))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    csv.write_csv(long(), tmp_path / "long.csv")
    parquet.write_table(long(), tmp_path / "long.parquet")
    return tmp_path


def test_a_long_table_goes_the_whole_circle(place: Path, tool: Tool) -> None:
    source, run, bundle = place / "long.csv", place / "run", place / "a.ssdgm"
    trained = tool("train", source, "--out", run, *SMALL, "--json")
    assert trained.code == 0, trained
    assert sum(trained.json["rows"].values()) == SERIES
    converted = tool("convert", run, "-o", bundle, "--golden-from", source, "--json")
    assert converted.code == 0, converted
    about = tool("inspect", bundle, "--json").json
    assert about["series"] == {"series": "id", "time": "t", "channels": ["u", "v"]}
    assert (about["input"]["kind"], about["input"]["shape"]) == ("windows", [2, MOMENTS])
    assert "windows [u, v] x time, one a id, ordered by t" in tool("inspect", bundle).out
    check_answers(place, bundle, tool)
    check_refusals(place, bundle, tool)


def test_recordings_are_cut_from_training_to_the_device(place: Path, tool: Tool) -> None:
    source, run, bundle = place / "long.csv", place / "run", place / "a.ssdgm"
    cut = ("--set", "data.window=4", "--set", "data.stride=1")
    trained = tool("train", source, "--out", run, *SMALL, *cut, "--json")
    assert trained.code == 0, trained
    rows = trained.json["rows"]
    assert sum(rows.values()) == SERIES * 3
    assert rows["validation"] % 3 == 0
    assert tool("convert", run, "-o", bundle, "--golden-from", source, "--json").code == 0
    assert tool("inspect", bundle, "--json").json["series"]["stride"] == 1
    assert "windows [u, v] x time, cut every 1 moments of a id, ordered by t" in (
        tool("inspect", bundle).out
    )
    answers = tool("classify", bundle, source, "--json").json["predictions"]
    assert sorted(row["source"] for row in answers) == sorted(
        f"s{n}@{start}" for n in range(SERIES) for start in range(3)
    )
    whole = data.load(str(source), plan=DataPlan(series="id", time="t", window=4, stride=1))
    with ssdgm_runtime.load(bundle, provider="cpu") as opened:
        direct = opened.classify(whole.x).probs.max(1)
    np.testing.assert_allclose([row["probability"] for row in answers], direct, rtol=1e-5)


def check_answers(place: Path, bundle: Path, tool: Tool) -> None:
    """A prediction a series, the same from every kind of file."""
    found = data.load(str(place / "long.csv"), plan=DataPlan(series="id", time="t"))
    np.save(place / "rows.npy", found.x)
    shuffled = long().select(["v", "t", "u", "id"])
    csv.write_csv(shuffled, place / "others.csv")
    answers = {
        name: tool("classify", bundle, place / name, "--json").json["predictions"]
        for name in ("long.csv", "long.parquet", "others.csv", "rows.npy")
    }
    assert {row["source"] for row in answers["long.csv"]} == {f"s{n}" for n in range(SERIES)}
    want = [row["probability"] for row in answers["rows.npy"]]
    for rows in answers.values():
        assert [row["probability"] for row in rows] == want
    drawn = ("generate", bundle, "--walk", "-n", 2, "--rows", place / "long.csv")
    assert tool(*drawn, "-o", place / "walk.npz").code == 0


def check_refusals(place: Path, bundle: Path, tool: Tool) -> None:
    """What a bundle of windows says of tables that hold none."""
    lacking = long().select(["id", "t", "u"])
    short = long().filter(pa.compute.less(long()["t"], 40))
    told = {
        "lacking": (lacking, "has no column 'v', only 'id', 't', 'u'"),
        "short": (short, "has 4 lines (first: {}, line 2, column 'id'); expected the same for "
                  "all: 6 lines per series"),
    }  # fmt: skip
    for name, (table, text) in told.items():
        csv.write_csv(table, place / f"{name}.csv")
        found = tool("classify", bundle, place / f"{name}.csv", "--json")
        assert found.code == 2
        assert text.replace("{}", str(place / f"{name}.csv")) in found.json["error"]["message"]
