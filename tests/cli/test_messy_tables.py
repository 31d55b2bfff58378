"""One messy table through every door: the command line, frames, and all that a device is given."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import messy
import numpy as np
import pandas as pd
import pytest

from ssdgm_export import SemiSupervisedClassifier
from ssdgm_runtime import model

pytestmark = pytest.mark.slow
Tool = Callable[..., Any]
SMALL = ("model.hidden=[8]", "model.latent=3", "train.steps=20", "run.evaluate_every=20")
NAMES = tuple(messy.SETS)


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest, tmp_path: Path, tool: Tool) -> Path:
    """A folder with a table and the bundle that the command line makes of it."""
    messy.table(request.param).to_csv(tmp_path / "t.csv", index=False)
    words = ("train", tmp_path / "t.csv", "--method", "m2", "--label", messy.LABEL, "--quiet")
    changes = [word for change in SMALL for word in ("--set", change)]
    run = tmp_path / "run"
    told = tool(*words, "--out", run, *changes, "--no-report", "--no-baseline", "--json").json
    assert told["left"] == ["patient_id"]
    assert told["columns"]["category"] == ["clinic"]
    assert told["columns"]["boolean"] == ["smoker"]
    assert len(told["columns"]["number"]) == messy.COLUMNS + 1
    assert tool("convert", run, "-o", tmp_path / "t.ssdgm", "--score").code == 0
    return tmp_path


def test_the_device_answers_alike_whatever_rows_come_in(made: Path) -> None:
    frame = pd.read_csv(made / "t.csv")
    dated = frame.assign(visit=pd.to_datetime(frame["visit"]))
    dated.to_parquet(made / "t.parquet")
    frame.to_json(made / "t.jsonl", orient="records", lines=True)
    given: dict[str, Any] = {
        "CSV": made / "t.csv",
        "Parquet": str(made / "t.parquet"),
        "JSON lines": made / "t.jsonl",
        "a frame": frame,
        "categories and dates": dated.astype({"clinic": "category"}),
        "columns": {name: frame[name].tolist() for name in frame},
        "dicts": frame.to_dict("records"),
    }
    with model.load(made / "t.ssdgm") as opened:
        first = opened.predict_proba(given["CSV"])
        assert len(first) == len(frame)
        for name, rows in given.items():
            np.testing.assert_array_equal(opened.predict_proba(rows), first, err_msg=name)
        pieces = opened.classify_iter(made / "t.csv", batch_size=50)
        np.testing.assert_array_equal(np.concatenate([p.probs for p in pieces]), first)
        one = opened.classify(frame.iloc[3].to_dict())
        np.testing.assert_allclose(one.probs, first[3:4], atol=1e-6)
        drawn = opened.generate(0, 2, seed=0)
        np.testing.assert_array_equal(
            opened.classify(drawn.as_input()).probs.shape, (2, len(opened.labels))
        )
        assert opened.encode(frame).mean.shape == (len(frame), 3)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_estimator_takes_the_frame(made: Path, library: str) -> None:
    pytest.importorskip(library)
    frame = pd.read_csv(made / "t.csv", parse_dates=["visit"]).astype({"clinic": "category"})
    labels = frame.pop(messy.LABEL)
    rows: Any = frame
    if library == "polars":
        import polars

        rows = polars.from_pandas(frame)
    estimator = SemiSupervisedClassifier(
        recipe="default-m2-tables", settings=SMALL, random_state=0
    ).fit(rows, labels)
    assert estimator.classes_.tolist() == sorted(labels.dropna().unique())
    probs = estimator.predict_proba(rows)
    shutil.rmtree(made / "t.ssdgm")
    estimator.export(made / "t.ssdgm")
    with model.load(made / "t.ssdgm") as opened:
        np.testing.assert_allclose(opened.predict_proba(made / "t.csv"), probs, atol=1e-5)
    drawn = estimator.sample(estimator.classes_[0], 2)
    assert type(drawn) is type(rows)
    assert set(drawn.columns) == {*frame.columns} - {"patient_id"}
    assert 0 <= estimator.score(rows, labels) <= 1


def test_a_frame_s_rows_have_names() -> None:
    frame = messy.table("wine")
    labels = frame.pop(messy.LABEL)
    words = (*SMALL, "train.steps=1")
    estimator = SemiSupervisedClassifier(method="m2", settings=words).fit(frame, labels)
    with pytest.raises(ValueError, match="X is an array without names; expected a frame with"):
        estimator.predict(frame.to_numpy())
    text = [f"the patient number {i} felt quite well" for i in range(len(frame))]
    with pytest.raises(ValueError, match="has texts, such as"):
        SemiSupervisedClassifier(method="m2").fit(frame.assign(note=text), labels)
    with pytest.raises(ValueError, match="119 labels for 120 rows"):
        SemiSupervisedClassifier(method="m2").fit(frame, labels[1:])


def test_predictions_can_be_joined_and_say_what_is_strange(made: Path, tool: Tool) -> None:
    frame = pd.read_csv(made / "t.csv")
    words = ("classify", made / "t.ssdgm", made / "t.csv", "--keep", "patient_id,visit")
    told = tool(*words, "--probabilities", "-o", made / "p.csv")
    assert (told.code, told.err) == (0, "")
    found = pd.read_csv(made / "p.csv")
    pd.testing.assert_frame_equal(found[["patient_id", "visit"]], frame[["patient_id", "visit"]])
    with model.load(made / "t.ssdgm") as opened:
        answer = opened.classify(frame)
    assert found[messy.LABEL].tolist() == answer.names
    probs = found[[f"prob_{name}" for name in opened.labels]]
    np.testing.assert_allclose(probs, answer.probs, atol=1e-6)
    assert tool(*words, "-o", made / "p.parquet").code == 0
    assert pd.read_parquet(made / "p.parquet")[messy.LABEL].tolist() == answer.names
    assert tool(*words, "-o", made / "p.jsonl").code == 0
    lines = pd.read_json(made / "p.jsonl", lines=True)
    assert lines["patient_id"].tolist() == frame["patient_id"].tolist()
    assert tool("generate", made / "t.ssdgm", "-n", 2, "-o", made / "g.csv").code == 0
    assert pd.read_csv(made / "g.csv").columns[-1] == messy.LABEL
    number = frame.columns[0]
    frame.assign(clinic="the moon", **{number: 1e9}).to_csv(made / "far.csv", index=False)
    strange = tool("classify", made / "t.ssdgm", made / "far.csv", "--json")
    assert {one["column"]: one["share"] for one in strange.json["drift"]} == {
        number: 1,
        "clinic": 1,
    }
    assert strange.err.startswith("note: rows differ from the training's: ")
    scored = tool("score", made / "t.ssdgm", made / "far.csv", "--json")
    assert scored.json["drift"] == strange.json["drift"]
    assert scored.err == strange.err
    shown = tool(*words, "--probabilities").out.splitlines()[0]
    assert f"  patient_id {frame['patient_id'][0]}  visit {frame['visit'][0]}  prob_" in shown
    assert tool(*words[:3], "--keep", "nix").err.startswith(
        f"error: {made / 't.csv'} has no column 'nix'"
    )
