"""Tags: K independent labels, from what callers write to what files hold."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import accuracy, labelled
from ssdgm_runtime.console import commands, outputs, summaries
from ssdgm_runtime.labels import registry, tags
from ssdgm_runtime.pictures import latent

SPACE = tags.Tags(("red", "round", "ripe"), (0.5, 0.25, 0.75), (0.5, 0.4, 0.6))
PROBS = np.float32([[0.7, 0.45, 0.1], [0.2, 0.3, 0.5], [0.5, 0.4, 0.6]])
OUTPUTS = [np.log(PROBS / (1 - PROBS)), PROBS]
PREDICTED = [[1, 1, 0], [0, 0, 0], [1, 1, 1]]
X = np.random.default_rng(3).standard_normal((20, 3)).astype(np.float32)


class TestReading:
    @pytest.mark.parametrize(
        ("y", "expected"),
        [
            ("round", [[0, 1, 0]]),
            (2, [[0, 0, 1]]),
            ({"red", "ripe"}, [[1, 0, 1]]),
            (frozenset({0, "ripe"}), [[1, 0, 1]]),
            (set(), [[0, 0, 0]]),
            (["red", "ripe"], [[1, 0, 0], [0, 0, 1]]),
            ([{"red", "ripe"}, set(), "round"], [[1, 0, 1], [0, 0, 0], [0, 1, 0]]),
            ([[1, 0, 1], [0, 1, 0]], [[1, 0, 1], [0, 1, 0]]),
            (np.array([[0.25, 0.5, 1]]), [[0.25, 0.5, 1]]),
            ([], np.zeros((0, 3)).tolist()),
        ],
    )
    def test_in_every_form(self, y: Any, expected: list[list[float]]) -> None:  # noqa: ANN401
        labels = SPACE.read(y)
        assert (labels.dtype, labels.tolist()) == (np.float32, expected)

    @pytest.mark.parametrize("y", ["red", 0, {"red"}])
    def test_one_label_serves_all_rows(self, y: Any) -> None:  # noqa: ANN401
        assert SPACE.read(y, 3).tolist() == [[1, 0, 0]] * 3

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ({"blue"}, "y is 'blue'; expected an index from 0 to 2 or a name among 'red'"),
            ([{"red", 3}], "y is 3"),
            ([["red", "ripe"]], r"a set of them, a sequence of these, or numbers \[n, 3\]"),
            ({"red": 1}, "a set of them, a sequence of these"),
            ({1.5}, "a set of them, a sequence of these"),
            ([[0, 1]], r"numbers \[n, 3\]"),
            (np.array([[0, 2, 0]]), "y is outside 0 to 1"),
            ([[0.0, -0.5, 0.0]], "y is outside 0 to 1"),
        ],
    )
    def test_what_is_no_label(self, y: Any, message: str) -> None:  # noqa: ANN401
        with pytest.raises(errors.InputError, match=message):
            SPACE.read(y)

    def test_one_for_each_row(self) -> None:
        with pytest.raises(errors.InputError, match="2 labels; expected one for each of the 3"):
            SPACE.read(["red", "ripe"], 3)

    def test_words_of_a_command_line(self) -> None:
        labels = SPACE.spoken(["red;ripe", "round", "", "2"])
        assert labels.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1]]
        assert SPACE.captions(labels) == ["red;ripe", "round", "", "ripe"]


class TestAnswers:
    def test_a_tag_holds_from_its_threshold_on(self) -> None:
        answer = SPACE.answer(OUTPUTS)
        assert (answer.labels.dtype, answer.labels.tolist()) == (np.int8, PREDICTED)
        assert answer.names == [("red", "round"), (), ("red", "round", "ripe")]
        assert replace(SPACE, threshold=0.5).answer(OUTPUTS).names[0] == ("red",)
        assert SPACE.predict(OUTPUTS).dtype == np.int64
        assert answer.counts() == {"red": 2, "round": 2, "ripe": 1}

    def test_the_most_probable(self) -> None:
        best = SPACE.answer(OUTPUTS).top(2)
        for none in (0, -1, 1.5):
            with pytest.raises(errors.InputError, match="expected a whole number from 1"):
                SPACE.answer(OUTPUTS).top(none)  # type: ignore[arg-type]
        assert [[name for name, _ in row] for row in best][:2] == [
            ["red", "round"],
            ["ripe", "round"],
        ]
        assert best[0][0][1] == pytest.approx(0.7)

    def test_a_part(self) -> None:
        part = SPACE.answer(OUTPUTS).part(slice(2, 3))
        assert (len(part), part.names) == (1, [("red", "round", "ripe")])

    def test_wrong_is_the_share_of_known_tags(self) -> None:
        y = np.array([[1, 0, 0], [-1, 1, -1], [-1, -1, -1]])
        wrong = SPACE.wrong(OUTPUTS, y)
        assert wrong[:2].tolist() == [1 / 3, 1.0]
        assert np.isnan(wrong[2])

    def test_truth_is_zeros_and_ones(self) -> None:
        assert SPACE.targets(np.array([[1.0, 0.0, -1.0]])).tolist() == [[1, 0, -1]]
        for bad in (np.array([1, 0, 1]), np.array([[1, 0]]), np.array([[0, 1, 2]])):
            with pytest.raises(errors.DataError, match="for each of 3 tags"):
                SPACE.targets(bad)

    def test_only_clear_tags_differ(self) -> None:
        here = PROBS.copy()
        here[0, 1], here[1, 0] = 0.35, 0.9
        for atol, rows in ((0.0, (0, 1)), (0.1, (1,)), (0.4, ())):
            assert SPACE.differs([OUTPUTS[0], here], OUTPUTS, atol, 0.0) == rows
        assert SPACE.clear(OUTPUTS, 0.04, 0.0).tolist() == [True, True, False]


def test_every_tag_is_drawn_by_its_own_number() -> None:
    u = np.array([[0.49, 0.25, 0.74], [0.5, 0.24, 0.76]])
    assert (SPACE.uniforms, SPACE.draw(u).tolist()) == (3, [[1, 0, 1], [0, 1, 0]])


@pytest.mark.parametrize("threshold", [0.5, (0.1, 0.5, 1.0)])
def test_what_is_written_is_read(threshold: Any) -> None:  # noqa: ANN401
    space = replace(SPACE, threshold=threshold)
    assert registry.parse(json.loads(json.dumps(space.to_json()))) == space


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("names", []),
        ("names", ["a", "a", "b"]),
        ("prior", [0.5, 0.5]),
        ("prior", [0.5, 0.5, 1.5]),
        ("threshold", [0.5]),
        ("threshold", -0.1),
        ("threshold", "half"),
    ],
)
def test_what_no_manifest_has(field: str, value: object) -> None:
    with pytest.raises(errors.FormatError):
        registry.parse(SPACE.to_json() | {field: value})


class TestABundle:
    def test_its_labels_are_tags(self, tagged: model.Model) -> None:
        assert tagged.space == SPACE
        assert tagged.labels == ("red", "round", "ripe")
        assert tagged.classes_.tolist() == ["red", "round", "ripe"]
        assert not tagged.classes_.flags.writeable

    def test_it_classifies(self, tagged: model.Model) -> None:
        answer = tagged.classify(X)
        np.testing.assert_allclose(answer.probs, 1 / (1 + np.exp(-answer.logits)), rtol=1e-4)
        np.testing.assert_array_equal(tagged.predict(X), answer.labels)
        np.testing.assert_array_equal(tagged.predict_proba(X), answer.probs)
        parts = [part.labels for part in tagged.classify_iter(X, batch_size=7)]
        np.testing.assert_array_equal(np.concatenate(parts), answer.labels)
        with tagged.batcher(max_delay_ms=0) as batcher:
            alone = [batcher.submit(row).result() for row in X[:3]]
        assert [one.names[0] for one in alone] == answer.names[:3]

    def test_an_output_that_is_not_finite_is_refused(self, tagged: model.Model) -> None:
        with pytest.raises(errors.InputError, match="x is not finite"):
            tagged.classify(np.full((1, 3), np.nan, np.float32))

    def test_it_checks_itself(self, tagged: model.Model) -> None:
        assert tagged.verify().passed
        assert accuracy.of(tagged, "classifier")["golden"]["agreement"] == 1.0

    def test_it_encodes_by_sets(self, tagged: model.Model) -> None:
        both = tagged.encode(X, {"red", "ripe"})
        np.testing.assert_array_equal(both.mean, tagged.encode(X, [[1, 0, 1]] * len(X)).mean)
        probs = tagged.encode(X, tagged.predict_proba(X))
        np.testing.assert_array_equal(tagged.encode(X).mean, probs.mean)

    def test_it_generates_by_sets(self, tagged: model.Model) -> None:
        drawn = tagged.generate([{"red", "ripe"}, set()], n=2, seed=1)
        assert drawn.labels.tolist() == [[1, 0, 1]] * 2 + [[0, 0, 0]] * 2
        many = tagged.generate(n=2000, seed=1)
        np.testing.assert_allclose(many.y.mean(0), SPACE.prior, atol=0.04)
        np.testing.assert_array_equal(tagged.generate(n=5, seed=1).y, many.y[:5])

    def test_errors_are_counted_by_tag(self, tagged: model.Model, tmp_path: Path) -> None:
        truth = tagged.predict(X)
        truth[0, 0], truth[1, :2] = 1 - truth[0, 0], -1
        np.savez(tmp_path / "a.npz", x=X, y=truth)
        x, y = labelled.read(tmp_path / "a.npz")
        assert labelled.error(tagged, x, y) == pytest.approx(1 / 3 / len(X))

    def test_a_picture_shows_every_tag_alone(self, tagged: model.Model) -> None:
        picture = latent.styles(tagged.conditionals, 2, 0)
        assert picture.labels[:3].tolist() == np.eye(3).tolist()
        chosen = latent.styles(tagged.conditionals, 2, 0, [{"red", "ripe"}])
        assert chosen.labels.tolist() == [[1, 0, 1]] * 2


class TestFiles:
    def test_records(self) -> None:
        listed = outputs.Predictions(SPACE.answer(OUTPUTS), SPACE, top=2)
        first = json.loads(outputs.jsonl(listed).decode().splitlines()[0])
        assert (first["row"], first["tags"]) == (0, ["red", "round"])
        assert first["probabilities"]["ripe"] == pytest.approx(0.1)
        assert [name for name, _ in first["top"]] == ["red", "round"]

    def test_csv(self) -> None:
        listed = outputs.Predictions(SPACE.answer(OUTPUTS), SPACE)
        rows = list(csv.DictReader(io.StringIO(outputs.csv(listed).decode())))
        assert [row["tags"] for row in rows] == ["red;round", "", "red;round;ripe"]
        assert float(rows[0]["probability_round"]) == pytest.approx(0.45)

    def test_commands(self, data: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", X[:2])
        bundle = data / "tagged.ssdgm"
        table = commands.classify(bundle, tmp_path / "x.npy")
        assert (table["space"], set(table["counts"])) == ("tags", {"red", "round", "ripe"})
        assert summaries.classify(table).count("\n") == 1
        made = commands.generate(bundle, tmp_path / "a.npz", classes=["red;ripe", ""], n=2, seed=0)
        assert (made["rows"], made["classes"]) == (4, ["red;ripe", ""])
        with np.load(tmp_path / "a.npz") as arrays:
            assert arrays["label"].tolist() == [[1, 0, 1]] * 2 + [[0, 0, 0]] * 2
        assert commands.inspect(bundle)["space"] == SPACE.to_json()
        assert "labels  red, round, ripe" in summaries.inspect(commands.inspect(bundle))
