"""Numbers: from what callers write to what files hold, with their deviations."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import accuracy, labelled
from ssdgm_runtime.console import commands, outputs, summaries
from ssdgm_runtime.labels import continuous, registry
from ssdgm_runtime.pictures import latent

SPACE = continuous.Continuous(("heat", "age"), (300.0, -1.0), (20.0, 0.5))
ONE = continuous.Continuous(("heat",), (300.0,), (20.0,))
MEAN = np.float32([[320.0, -1.0], [300.0, -2.0]])
SCALE = np.float32([[2.0, 0.1], [10.0, 1.0]])
X = np.random.default_rng(3).standard_normal((20, 3)).astype(np.float32)


class TestReading:
    @pytest.mark.parametrize(
        ("y", "expected"),
        [
            ([300, -1], [[300, -1]]),
            ([[300, -1], [1.5, 2]], [[300, -1], [1.5, 2]]),
            (np.float64([[300, -1]]), [[300, -1]]),
        ],
    )
    def test_several(self, y: Any, expected: list[list[float]]) -> None:  # noqa: ANN401
        labels = SPACE.read(y)
        assert (labels.dtype, labels.tolist()) == (np.float32, expected)

    @pytest.mark.parametrize("y", [7, 7.0, [7], [[7]], np.float32(7)])
    def test_one(self, y: Any) -> None:  # noqa: ANN401
        assert ONE.read(y).tolist() == [[7]]
        assert ONE.read([1, 2, 3], 3).tolist() == [[1], [2], [3]]

    def test_one_label_serves_all_rows(self) -> None:
        assert SPACE.read([300, -1], 3).tolist() == [[300, -1]] * 3
        assert ONE.read(5, 2).tolist() == [[5], [5]]

    @pytest.mark.parametrize("y", ["heat", [[1]], [1, 2, 3], [["a", "b"]], [[[1, 2]]]])
    def test_what_is_no_label(self, y: Any) -> None:  # noqa: ANN401
        with pytest.raises(errors.InputError, match=r"numbers \[n, 2\]"):
            SPACE.read(y)

    def test_what_is_not_finite(self) -> None:
        with pytest.raises(errors.InputError, match="y"):
            ONE.read([math.nan])

    def test_one_for_each_row(self) -> None:
        with pytest.raises(errors.InputError, match="2 labels; expected one for each of the 3"):
            ONE.read([1, 2], 3)

    def test_words_of_a_command_line(self) -> None:
        assert SPACE.spoken(["300;-1", "1e2;0.5"]).tolist() == [[300, -1], [100, 0.5]]
        assert SPACE.captions(SPACE.spoken(["300;-1"])) == ["300;-1"]
        for word in ("300", "a;b", "nan;1", ""):
            with pytest.raises(errors.InputError, match="2 of heat, age"):
                SPACE.spoken([word])


class TestAnswers:
    def test_a_mean_and_a_deviation(self) -> None:
        answer = SPACE.answer([MEAN, SCALE])
        np.testing.assert_array_equal(answer.mean, SPACE.predict([MEAN, SCALE]))
        assert answer.names == ["320 ± 2;-1 ± 0.1", "300 ± 10;-2 ± 1"]
        assert ONE.predict([MEAN[:, :1], SCALE[:, :1]]).tolist() == [320, 300]
        assert answer.part(slice(1, 2)).mean.tolist() == [[300, -2]]
        assert SPACE.sure([MEAN, SCALE])[0] > SPACE.sure([MEAN, SCALE])[1]

    def test_errors_are_in_deviations(self) -> None:
        y = np.array([[300.0, -1.0], [np.nan, -1.0]])
        wrong = SPACE.wrong([MEAN, SCALE], y)
        assert wrong.tolist() == [(1 + 0) / 2, 4.0]
        assert SPACE.traits.error(float(wrong.mean())) == pytest.approx(math.sqrt(2.25))
        assert np.isnan(SPACE.wrong([MEAN, SCALE], np.full((2, 2), np.nan))).all()

    def test_truth_is_numbers(self) -> None:
        assert ONE.targets(np.array([1, 2])).tolist() == [[1], [2]]
        for bad in (np.array([1, 2]), np.array([["a", "b"]]), np.zeros((2, 3))):
            with pytest.raises(errors.DataError, match="2 numbers a row"):
                SPACE.targets(bad)


def test_numbers_are_drawn_by_their_own_uniforms() -> None:
    u = np.random.default_rng(0).random((4000, 2))
    drawn = SPACE.draw(u)
    np.testing.assert_allclose(drawn.mean(0), SPACE.means, atol=1)
    np.testing.assert_allclose(drawn.std(0), SPACE.deviations, rtol=0.05)
    assert np.isfinite(SPACE.draw(np.zeros((1, 2)))).all()
    assert SPACE.draw(np.full((1, 2), 0.5)).tolist() == [[300, -1]]
    assert SPACE.draw(np.zeros((0, 2))).shape == (0, 2)


def test_what_a_picture_shows_goes_from_low_to_high() -> None:
    assert ONE.shown()[:, 0].tolist() == [270, 280, 290, 300, 310, 320, 330]
    assert SPACE.shown().tolist() == [
        [300, -1],
        [270, -1],
        [330, -1],
        [300, -1.75],
        [300, -0.25],
    ]


def test_what_is_written_is_read() -> None:
    assert registry.parse(json.loads(json.dumps(SPACE.to_json()))) == SPACE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("names", []),
        ("names", ["a", "a"]),
        ("mean", [1.0]),
        ("mean", [1.0, "b"]),
        ("deviation", [1.0, 0.0]),
        ("deviation", [1.0, -1.0]),
        ("deviation", []),
        ("deviation", None),
    ],
)
def test_what_no_manifest_has(field: str, value: object) -> None:
    with pytest.raises(errors.FormatError):
        registry.parse(SPACE.to_json() | {field: value})


class TestABundle:
    def test_its_labels_are_numbers(self, measured: model.Model) -> None:
        assert measured.space == SPACE
        assert measured.tasks == ("predict", "encode", "reconstruct", "generate")
        assert measured.classes_.tolist() == ["heat", "age"]

    def test_it_predicts(self, measured: model.Model) -> None:
        answer = measured.classify(X)
        assert isinstance(answer, continuous.Estimate)
        assert (answer.scale > 0).all()
        np.testing.assert_array_equal(measured.predict(X), answer.mean)
        parts = [part.labels for part in measured.classify_iter(X, batch_size=7)]
        np.testing.assert_array_equal(np.concatenate(parts), answer.mean)
        with measured.batcher(max_delay_ms=0) as batcher:
            assert batcher.submit(X[0]).result().names == answer.names[:1]

    def test_it_has_no_probabilities(self, measured: model.Model) -> None:
        with pytest.raises(errors.TaskUnavailable, match="Numbers have no probabilities"):
            measured.predict_proba(X)

    def test_it_checks_itself(self, measured: model.Model) -> None:
        assert measured.verify().passed
        assert accuracy.of(measured, "classifier")["golden"]["agreement"] is None

    def test_it_encodes_and_generates_by_numbers(self, measured: model.Model) -> None:
        own = measured.encode(X, measured.predict(X))
        np.testing.assert_array_equal(measured.encode(X).mean, own.mean)
        drawn = measured.generate([300, -1], n=2, seed=1)
        assert drawn.y.tolist() == [[300, -1]] * 2
        np.testing.assert_array_equal(drawn.labels, drawn.y)
        many = measured.generate(n=1000, seed=1)
        np.testing.assert_allclose(many.y.mean(0), SPACE.means, atol=2)
        assert latent.styles(measured.conditionals, 2, 0).columns == 5

    def test_errors_are_root_mean_squares(self, measured: model.Model, tmp_path: Path) -> None:
        y = measured.predict(X).astype(np.float64)
        y[:, 0] += 20
        y[0], y[1, 1] = np.nan, -1
        np.savez(tmp_path / "a.npz", x=X, y=y)
        x, known = labelled.read(tmp_path / "a.npz", measured.space.traits.unknown)
        assert len(x) == len(X) - 1
        off = measured.predict(x) - known
        wanted = np.sqrt(np.mean((off / np.array(SPACE.deviations)) ** 2))
        assert labelled.error(measured, x, known) == pytest.approx(wanted)


class TestFiles:
    def test_records_and_lines(self) -> None:
        listed = outputs.Predictions(SPACE.answer([MEAN, SCALE]), SPACE)
        first = json.loads(outputs.jsonl(listed).decode().splitlines()[0])
        assert first["mean"] == {"heat": 320.0, "age": -1.0}
        assert first["deviation"]["heat"] == 2.0
        assert registry.line("numbers", first) == "heat 320 ± 2  age -1 ± 0.1"
        one = ONE.records(ONE.answer([MEAN[:, :1], SCALE[:, :1]]))
        assert registry.line("numbers", one[0]) == "320 ± 2"

    def test_csv_and_npy(self) -> None:
        listed = outputs.Predictions(SPACE.answer([MEAN, SCALE]), SPACE)
        rows = list(csv.DictReader(io.StringIO(outputs.csv(listed).decode())))
        assert list(rows[0]) == ["row", "heat", "deviation_heat", "age", "deviation_age"]
        assert float(rows[1]["deviation_heat"]) == 10
        np.testing.assert_array_equal(np.load(io.BytesIO(outputs.npy(listed))), MEAN)

    def test_commands(self, data: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", X[:2])
        bundle = data / "measured.ssdgm"
        table = commands.classify(bundle, tmp_path / "x.npy", task="predict")
        assert table["space"] == "numbers"
        assert "counts" not in table
        assert "±" in summaries.classify(table)
        written = commands.classify(bundle, tmp_path / "x.npy", tmp_path / "a.csv", task="predict")
        assert "2 rows predicted" in summaries.classify(written)
        made = commands.generate(bundle, tmp_path / "a.npz", classes=["300;-1"], n=2, seed=0)
        assert made["classes"] == ["300;-1"]
        with pytest.raises(errors.TaskUnavailable, match="Use the command predict"):
            commands.classify(bundle, tmp_path / "x.npy")

    def test_predict_takes_classes_too(self, data: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", X[:2])
        bundle = data / "tagged.ssdgm"
        ways = [
            commands.classify(bundle, tmp_path / "x.npy", task=t) for t in ("predict", "classify")
        ]
        assert ways[0] == ways[1]
