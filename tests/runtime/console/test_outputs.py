import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.console import generated, outputs
from ssdgm_runtime.inference import answers
from ssdgm_runtime.labels import classes
from ssdgm_runtime.pictures import latent

SPACE = classes.Classes(("a", "b,", 'c"'), (7, 8, 9), (0.5, 0.25, 0.25))
PAIR = classes.Classes(("no", "yes"), (0, 1), (0.5, 0.5))
FOUND = SPACE.answer(
    [np.float32([[0, 2, 1], [3, 0, 1]]), np.float32([[0.1, 0.6, 0.3], [0.8, 0.05, 0.15]])]
)


def test_csv_can_be_read_back() -> None:
    answer = outputs.Predictions(FOUND, SPACE, ("x/1.png", "x,2.png"), top=2)
    rows = list(csv.DictReader(io.StringIO(outputs.csv(answer).decode())))
    assert [r["source"] for r in rows] == ["x/1.png", "x,2.png"]
    assert [(r["row"], r["label"], r["name"], r["class"]) for r in rows] == [
        ("0", "1", "b,", "8"),
        ("1", "0", "a", "7"),
    ]
    assert [r["name_2"] for r in rows] == ['c"', 'c"']
    assert float(rows[0]["probability"]) == pytest.approx(0.6)
    assert float(rows[0]["probability_2"]) == pytest.approx(0.3)


def test_csv_without_files_or_further_labels() -> None:
    text = outputs.csv(outputs.Predictions(FOUND, SPACE)).decode()
    assert text.splitlines()[0] == "row,label,name,class,probability"
    wide = outputs.csv(outputs.Predictions(FOUND, SPACE, top=9)).decode()
    assert wide.splitlines()[0].endswith("name_3,probability_3")
    assert {line.count('"') >= 0 for line in wide.splitlines()} == {True}
    assert {len(row) for row in csv.reader(io.StringIO(wide))} == {9}


def test_columns_that_were_kept_keep_their_names_and_values() -> None:
    kept = {"row": ["r1", "r2"], "label": ["x", "y"], "prob_a": [5, 6], "probability": [0, 1]}
    answer = outputs.Predictions(FOUND, SPACE, kept=kept, label="label", probabilities=True)
    table = list(csv.DictReader(io.StringIO(outputs.csv(answer).decode())))
    lines = [json.loads(line) for line in outputs.jsonl(answer).decode().splitlines()]
    for found in (table, lines, answer.records()):
        for name, values in kept.items():
            assert [str(row[name]) for row in found] == [str(value) for value in values]
        assert [float(row["predicted_probability"]) for row in found] == pytest.approx([0.6, 0.8])
        assert [float(row["predicted_prob_a"]) for row in found] == pytest.approx([0.1, 0.8])


def test_json_lines() -> None:
    lines = outputs.jsonl(outputs.Predictions(FOUND, SPACE, top=3)).decode().splitlines()
    first = json.loads(lines[0])
    assert len(lines) == 2
    assert (first["row"], first["label"], first["class"]) == (0, 1, 8)
    assert [name for name, _ in first["top"]] == ["b,", 'c"', "a"]
    assert "source" not in first


def test_npy_holds_the_probabilities() -> None:
    found = np.load(io.BytesIO(outputs.npy(outputs.Predictions(FOUND, SPACE))))
    np.testing.assert_array_equal(found, FOUND.probs)


def samples(shape: tuple[int, ...], labels: int = 2) -> answers.Samples:
    x = np.linspace(0, 16, 3 * int(np.prod(shape))).reshape(3, *shape).astype(np.float32)
    y = np.eye(max(labels, 1), dtype=np.float32)[[0, 0, labels - 1]][:, :labels]
    return answers.Samples(x, y, np.zeros((3, 2), np.float32), 5, space=PAIR)


def test_npz() -> None:
    for labels in (2, 0):
        drawn = generated.Drawn(samples((4, 4), labels), 3, 0, 16)
        with np.load(io.BytesIO(generated.npz(drawn)), allow_pickle=False) as found:
            assert ("label" in found) is (labels > 0)
            assert int(found["seed"]) == 5
            np.testing.assert_array_equal(found["x"], drawn.samples.x)


def test_npz_of_a_picture_says_how_it_is_laid_out() -> None:
    rows = samples((4, 4))
    for seed in (None, 5):
        found = latent.Picture(rows.x, rows.y, rows.z, 3, seed, PAIR)
        data = generated.npz(generated.Drawn(found, found.columns, 0, 16))
        with np.load(io.BytesIO(data), allow_pickle=False) as read:
            assert int(read["columns"]) == 3
            assert read["label"].tolist() == [0, 0, 1]
            assert ("seed" in read) is (seed is not None)


@pytest.mark.parametrize(("shape", "size"), [((4, 4), 48), ((4, 4, 3), 48), ((60, 60), 60)])
def test_pictures_are_large_enough_to_see(shape: tuple[int, ...], size: int) -> None:
    data = generated.picture(generated.Drawn(samples(shape), 2, 0, 16))
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert (width, height) == (2 * (size + 2) + 2, 2 * (size + 2) + 2)


def test_no_picture() -> None:
    for shape in ((3,), (2, 4, 4)):
        with pytest.raises(errors.DataError, match=r"an \.npz file instead"):
            generated.picture(generated.Drawn(samples(shape), 2, 0, 16))
    none = answers.Samples(
        np.zeros((0, 4, 4), np.float32), *(np.zeros((0, 2), np.float32),) * 2, 0
    )
    with pytest.raises(errors.DataError):
        generated.picture(generated.Drawn(none, 2, 0, 16))


def test_a_name_is_checked_before_the_work(tmp_path: Path) -> None:
    assert atomic.check_output(tmp_path / "A.CSV", outputs.CLASSIFY) == ".csv"
    with pytest.raises(errors.InputError, match=r"a name that ends in \.csv or \.jsonl or \.parq"):
        atomic.check_output(tmp_path / "a.xlsx", outputs.CLASSIFY)
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(errors.OutputExists):
        atomic.check_output(tmp_path / "a.csv", outputs.CLASSIFY)
    atomic.check_output(tmp_path / "a.csv", outputs.CLASSIFY, force=True)
    with pytest.raises(errors.DataNotFound):
        atomic.check_output(tmp_path / "b" / "a.csv", outputs.CLASSIFY)
