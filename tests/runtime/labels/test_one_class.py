"""Normal rows and outliers: a score, a threshold, and where a row stands among normal ones."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import labelled
from ssdgm_runtime.console import commands
from ssdgm_runtime.labels import one_class, ranking, registry

SPACE = one_class.OneClass(
    ("normal", "outlier"), 3.0, 0.05, "nats", (0.0, 0.5, 0.95, 1.0), (0.0, 1.0, 3.0, 5.0)
)
SCORES = np.float32([[0.5], [3.0], [3.5], [9.0]])
X = np.random.default_rng(3).standard_normal((20, 3)).astype(np.float32)


def test_a_row_above_the_threshold_is_an_outlier() -> None:
    answer = SPACE.answer({"score": SCORES})
    assert answer.labels.tolist() == [0, 0, 1, 1]
    assert answer.names == ["normal", "normal", "outlier", "outlier"]
    assert SPACE.predict([SCORES]).tolist() == answer.names
    assert answer.counts() == {"normal": 2, "outlier": 2}
    assert answer.part(slice(2, 4)).names == ["outlier"] * 2
    np.testing.assert_allclose(answer.rank, [0.75, 0.05, 0.0375, 0.0])
    pairs = zip(answer.names, answer.rank.tolist(), strict=True)
    assert answer.top() == [[pair] for pair in pairs]
    with pytest.raises(errors.InputError, match="k is 0; expected a whole number from 1"):
        answer.top(0)


def test_records_and_columns_say_the_same() -> None:
    answer = SPACE.answer([SCORES])
    columns = SPACE.columns(answer)
    assert [*columns] == ["label", "name", "score", "rank"]
    assert SPACE.records(answer)[2] == {key: values[2] for key, values in columns.items()}
    assert one_class.line(SPACE.records(answer)[3]) == "outlier  score 9  rank 0.0000"
    bare = one_class.OneClass(SPACE.names, 3.0, 0.05)
    assert "rank" not in bare.columns(bare.answer([SCORES]))


def test_truth_is_numbers_or_names() -> None:
    assert SPACE.targets(np.array([0, 1, -1])).tolist() == [0, 1, -1]
    assert SPACE.targets(np.array(["outlier", "normal"])).tolist() == [1, 0]
    for bad in (np.array([2]), np.array(["odd"])):
        with pytest.raises(errors.DataError, match="0 or 'normal', 1 or 'outlier'"):
            SPACE.targets(bad)
    wrong = SPACE.wrong([SCORES], np.array([0, 1, 1, -1]))
    np.testing.assert_array_equal(wrong, [0, 1, 0, np.nan])


def test_what_is_near_the_threshold_may_differ() -> None:
    assert SPACE.clear([SCORES], 0.1, 0.0).tolist() == [True, False, True, True]
    moved = SCORES + np.float32([[0], [0.05], [-0.6], [0]])
    assert SPACE.differs([moved], [SCORES], 0.1, 0.0) == (2,)
    assert SPACE.sure([SCORES]).argmin() == 1


def test_labels_are_read_by_name_or_number() -> None:
    assert SPACE.read("outlier", 2).tolist() == [[1], [1]]
    assert SPACE.spoken(["normal", "1"]).tolist() == [[0], [1]]
    assert SPACE.captions(SPACE.read([0, 1])) == ["normal", "outlier"]
    assert SPACE.captions(SPACE.draw(np.random.default_rng(0).random((3, 1)))) == ["normal"] * 3
    with pytest.raises(errors.InputError, match="a name among 'normal', 'outlier'"):
        SPACE.read("odd")


def test_what_is_written_is_read() -> None:
    assert registry.parse(json.loads(json.dumps(SPACE.to_json()))) == SPACE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("names", ["a"]),
        ("names", ["a", "a"]),
        ("names", ["a", "b", "c"]),
        ("threshold", None),
        ("threshold", "3"),
        ("false_alarms", None),
        ("false_alarms", 0.6),
        ("levels", [0.0]),
        ("levels", [0.0, 0.5, 0.4, 1.0]),
        ("levels", [0.0, 0.5, 0.95, 1.5]),
        ("values", [0.0, 1.0, "b", 5.0]),
    ],
)
def test_what_no_manifest_has(field: str, value: object) -> None:
    with pytest.raises(errors.FormatError):
        registry.parse(SPACE.to_json() | {field: value})


def test_nothing_is_ranked_where_no_quantiles_are_kept() -> None:
    assert np.isnan(ranking.ranks(SCORES[:, 0], (), ())).all()


@pytest.fixture
def watchful(data: Path) -> Path:
    return data / "watchful.ssdgm"


def test_a_bundle_classifies_and_scores_by_one_graph(watchful: Path, tmp_path: Path) -> None:
    with model.load(watchful, provider="cpu") as opened:
        assert opened.tasks == ("classify", "score")
        assert opened.verify().passed
        answer, scores = opened.classify(X), opened.score(X)
        np.testing.assert_array_equal(answer.score, scores.score)
        np.testing.assert_array_equal(answer.rank, scores.rank)
        assert scores.inlier is not None
        np.testing.assert_array_equal(answer.labels == 0, scores.inlier)
        assert 0 < int(answer.labels.sum()) < len(X)
        assert scores.unit == "nats"
        assert opened.predict(X).tolist() == answer.names
        assert labelled.error(opened, X, answer.labels) == 0
        with pytest.raises(errors.TaskUnavailable, match="Normal rows and outliers have no prob"):
            opened.predict_proba(X)


def test_files_of_answers(watchful: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    found = commands.classify(watchful, tmp_path / "x.npy", tmp_path / "a.csv", provider="cpu")
    assert set(found["counts"]) == {"normal", "outlier"}
    lines = [*csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text()))]
    assert [*lines[0]] == ["row", "label", "name", "score", "rank"]
    commands.classify(watchful, tmp_path / "x.npy", tmp_path / "a.npy", provider="cpu")
    assert np.load(tmp_path / "a.npy").shape == (20,)
    scored = commands.score(watchful, tmp_path / "x.npy", provider="cpu")
    assert [s["inlier"] for s in scored["scores"]] == [line["label"] == "0" for line in lines]
