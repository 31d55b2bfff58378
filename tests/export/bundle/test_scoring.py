"""Bundles that say how unlike the training rows a row is."""

import json
from collections.abc import Callable
from pathlib import Path

import cases
import exported
import numpy as np
import pytest
import torch

import ssdgm_train
from ssdgm_export.bundle import convert, scoring
from ssdgm_export.proof import allowance
from ssdgm_runtime import errors, load
from ssdgm_runtime.bundle import scorer
from ssdgm_runtime.console import commands, summaries
from ssdgm_train.models import scoring as bounds
from ssdgm_train.runs import directory, loading


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scores")
    data = cases.separable("gaussian-float32", labelled=200, test=40)
    plan = cases.small_recipe(
        *("m2", "train.steps=150", "train.learning_rate=0.01", "data.validation=0.5"),
        cases.COMPARED,
    )
    source = cases.saved(folder / "set.npz", data)
    session = ssdgm_train.begin(source, plan, folder / "run", labelled=60, device="cpu")
    for _ in ssdgm_train.train(session):
        pass
    limits = allowance.Limits(1.0, 10.0)
    settings = {"precision": "int8", "limits": limits, "score": True}
    convert.convert(folder / "run", folder / "a.ssdgm", **settings)
    np.save(folder / "test.npy", data.x_test)
    return folder


def test_the_graph_gives_what_torch_does(place: Path) -> None:
    x = np.load(place / "test.npy")
    model = loading.load_model(directory.Run(place / "run")).eval()
    with torch.no_grad():
        wanted = bounds.strangeness(model, torch.from_numpy(x))[:, 0].numpy()
    with load(place / "a.ssdgm") as opened:
        scores = opened.score(x)
        assert opened.tasks[-1] == "score"
        assert opened.verify().passed
    np.testing.assert_allclose(scores.score, wanted, atol=1e-3)
    np.testing.assert_array_equal(scores.log_prob, -scores.score)


def test_a_rank_is_usual_for_rows_like_the_validation_rows_and_near_zero_for_others(
    place: Path,
) -> None:
    x = np.load(place / "test.npy")
    with load(place / "a.ssdgm") as opened:
        usual, strange = opened.score(x).rank, opened.score(x * 0 + 50).rank
    assert 0.3 < usual.mean() < 0.7
    assert strange.max() == 0
    assert ((usual >= 0) & (usual <= 1)).all()


@pytest.mark.filterwarnings("ignore::ssdgm_runtime.DriftWarning")
def test_one_row_beyond_all_floats_keeps_the_others_their_scores(place: Path) -> None:
    x = np.load(place / "test.npy")
    far = x.copy()
    far[3, 0] = 1e30
    with load(place / "a.ssdgm") as opened:
        usual, scores = opened.score(x), opened.score(far)
    assert scores.score[3] == np.float32(bounds.MOST)
    assert scores.rank[3] == 0
    np.testing.assert_array_equal(np.delete(scores.score, 3), np.delete(usual.score, 3))


def test_the_scorer_is_fp32_whatever_the_others_are(place: Path) -> None:
    manifest = json.loads((place / "a.ssdgm/manifest.json").read_text())
    names = {k: list(v["variants"]) for k, v in manifest["components"].items()}
    assert set(names["scorer"]) == {"cpu-fp32", "cuda-fp32"}
    assert "cpu-int8" in names["classifier"]
    stated = manifest["additional_metadata"]["ssdgm"]["scorer"]
    assert stated["unit"] == "nats"
    assert len(stated["levels"]) == len(stated["values"]) == len(scoring.LEVELS)


def test_the_command_lists_and_writes_scores(place: Path) -> None:
    table = commands.score(place / "a.ssdgm", place / "test.npy")
    assert table["scores"][0].keys() == {"row", "score", "log_prob", "rank"}
    assert "of validation rows are as strange" in summaries.score(table)
    for name in ("a.csv", "a.jsonl", "a.npy"):
        written = commands.score(place / "a.ssdgm", place / "test.npy", place / name)
        assert "40 rows scored" in summaries.score(written)
    assert len(np.load(place / "a.npy")) == 40


@pytest.mark.slow
def test_scores_without_enough_validation_rows_have_no_rank_and_convert_says_why(
    place: Path, tmp_path: Path
) -> None:
    run = exported.train(tmp_path, changes=("data.validation=9",))
    made = convert.convert(run, tmp_path / "a.ssdgm", score=True)
    assert made.unranked.startswith("scores have no rank: 9 validation rows say nothing of others")
    assert made.to_json()["unranked"] == made.unranked
    x = exported.rows(run)
    with load(made.path) as opened:
        assert np.isnan(opened.score(x).rank).all()
    assert not convert.convert(place / "run", tmp_path / "b.ssdgm", score=True).unranked


def test_what_has_no_density_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match="no p"):
        convert.convert(place / "run/baseline", tmp_path / "b.ssdgm", score=True)


def changed(section: dict[str, object]) -> Callable[[], object]:
    return lambda: scorer.scores({"unit": "nats", "levels": [0, 1], "values": [1, 2]} | section)


@pytest.mark.parametrize(
    "section",
    [
        {"levels": [0, 0.5, 1]},
        {"levels": [1, 0]},
        {"values": [2, 1]},
        {"levels": [0, 2]},
        {"values": [0, "a"]},
        {"threshold": "high"},
        {"false_alarms": 2},
        {"unit": 3},
    ],
)
def test_what_no_manifest_states(section: dict[str, object]) -> None:
    with pytest.raises(errors.FormatError):
        changed(section)()


def test_what_is_written_is_read() -> None:
    stated = scorer.Scores("nats", (0.0, 1.0), (1.5, 2.0), 1.9, 0.05)
    assert scorer.scores(json.loads(json.dumps(stated.to_json()))) == stated
    assert scorer.scores(None) is None
