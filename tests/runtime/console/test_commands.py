import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import request
from ssdgm_runtime.console import commands
from ssdgm_runtime.pictures import latent, png


def walked(opened: model.Model, n: int, x: Any, classes: Any) -> latent.Picture:  # noqa: ANN401
    """A walk in the plane of rows."""
    return latent.walk(opened.conditionals, n, latent.plane_of(opened.conditionals, x), classes)


@pytest.fixture
def rows(images: np.ndarray, tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", images)
    return tmp_path / "rows.npy"


def test_inspect_needs_no_engine(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ssdgm_runtime.engine import session

    monkeypatch.setattr(session, "engine", lambda: pytest.fail("the engine was imported"))
    table = json.loads(json.dumps(commands.inspect(data / "tiny.ssdgm"), allow_nan=False))
    assert table["tasks"] == ["classify", "encode", "reconstruct", "generate"]
    assert table["labels"] == ["zero", "one", "two"]
    assert table["graphs"]["decoder"]["noise"] == ["z"]
    assert table["files"]["README.md"] > 0
    assert len(table["variants"]) == 6


def test_verify(data: Path, bundle: Path, reseal: Callable[..., Path]) -> None:
    assert commands.verify(data / "tiny.ssdgm", provider="cpu")["passed"] is True
    path = bundle / "golden/decoder/fp32/x.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    assert commands.verify(reseal(bundle))["passed"] is False


class TestClassify:
    def test_records_without_an_output(
        self, data: Path, rows: Path, tiny: model.Model, images: np.ndarray
    ) -> None:
        table = commands.classify(data / "tiny.ssdgm", rows, top=2, batch_size=7, threads=1)
        found = tiny.classify(images)
        assert [r["label"] for r in table["predictions"]] == found.labels.tolist()
        assert [r["class"] for r in table["predictions"]] == tiny.predict(images).tolist()
        assert table["counts"] == {n: found.names.count(n) for n in tiny.labels}
        assert table["rows"] == 30
        json.dumps(table, allow_nan=False)

    @pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npy"])
    def test_a_file(self, data: Path, rows: Path, tmp_path: Path, suffix: str) -> None:
        out = tmp_path / f"out{suffix}"
        table = commands.classify(data / "tiny.ssdgm", rows, out)
        assert table["output"] == str(out)
        assert "predictions" not in table
        before = out.read_bytes()
        with pytest.raises(errors.OutputExists):
            commands.classify(data / "tiny.ssdgm", rows, out)
        commands.classify(data / "tiny.ssdgm", rows, out, force=True)
        assert out.read_bytes() == before

    def test_a_folder_of_images(self, data: Path, tmp_path: Path, images: np.ndarray) -> None:
        pytest.importorskip("PIL")
        (tmp_path / "in").mkdir()
        for i in range(3):
            (tmp_path / "in" / f"{i}.png").write_bytes(png.encode_png(images[i]))
        table = commands.classify(data / "tiny.ssdgm", tmp_path / "in")
        assert [r["source"] for r in table["predictions"]] == ["0.png", "1.png", "2.png"]

    def test_nothing_is_written_when_it_fails(self, data: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "bad.npy", np.zeros((2, 5, 5), np.uint8))
        with pytest.raises(errors.InputError):
            commands.classify(data / "tiny.ssdgm", tmp_path / "bad.npy", tmp_path / "out.csv")
        assert not (tmp_path / "out.csv").exists()

    def test_bad_arguments(self, data: Path, rows: Path, without: Callable[..., Path]) -> None:
        with pytest.raises(errors.InputError, match="top is 0"):
            commands.classify(data / "tiny.ssdgm", rows, top=0)
        with pytest.raises(errors.TaskUnavailable):
            commands.classify(without("classifier"), rows)


class TestGenerate:
    def test_every_class_by_default(self, data: Path, tmp_path: Path) -> None:
        table = commands.generate(data / "tiny.ssdgm", tmp_path / "a.npz", n=3, seed=4)
        assert (table["rows"], table["seed"]) == (9, 4)
        assert table["classes"] == ["zero", "one", "two"]
        with np.load(tmp_path / "a.npz") as found:
            assert found["label"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]

    def test_classes_as_a_command_line_gives_them(
        self, data: Path, tmp_path: Path, tiny: model.Model
    ) -> None:
        words = ["two", "1", 0]
        table = commands.generate(
            data / "tiny.ssdgm", tmp_path / "a.npz", classes=words, n=1, seed=0
        )
        assert table["classes"] == ["two", "one", "zero"]
        with np.load(tmp_path / "a.npz") as found:
            np.testing.assert_allclose(found["x"], tiny.generate([2, 1, 0], seed=0).x, rtol=1e-5)
        for bad in ("three", "3", 7):
            with pytest.raises(errors.InputError):
                commands.generate(data / "tiny.ssdgm", tmp_path / "b.npz", classes=[bad])
        assert not (tmp_path / "b.npz").exists()

    def test_a_picture_has_a_line_a_class(self, data: Path, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        commands.generate(data / "tiny.ssdgm", path, n=5, seed=0)
        head = path.read_bytes()[16:24]
        assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (252, 152)
        commands.generate(data / "tiny.ssdgm", path, classes=["one"], n=9, seed=0, force=True)
        head = path.read_bytes()[16:24]
        assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (152, 152)

    def test_no_picture_of_columns(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match=r"Write an \.npz file"):
            commands.generate(data / "noisy.ssdgm", tmp_path / "a.png")
        assert not list(tmp_path.iterdir())


def size(path: Path) -> tuple[int, int]:
    """A PNG file's width and height."""
    head = path.read_bytes()[16:24]
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")


class TestPictures:
    @pytest.mark.parametrize(
        ("picture", "columns", "lines"), [("styles", 3, 4), ("analogies", 4, 4), ("walk", 4, 12)]
    )
    def test_a_picture_has_its_lines_and_columns(
        self, data: Path, rows: Path, tmp_path: Path, picture: str, columns: int, lines: int
    ) -> None:
        given = {"rows": rows} if picture == "analogies" else {}
        path, out = data / "tiny.ssdgm", tmp_path / "a.png"
        table = commands.generate(path, out, picture=picture, n=4, **given)
        assert size(out) == (50 * columns + 2, 50 * lines + 2)
        assert (table["picture"], table["rows"]) == (picture, columns * lines)
        assert (table["columns"], table["classes"]) == (columns, ["zero", "one", "two"])
        json.dumps(table, allow_nan=False)
        with pytest.raises(errors.OutputExists):
            commands.generate(path, out, picture=picture, n=4, **given)
        commands.generate(path, out, picture=picture, n=4, **given, force=True)

    def test_a_file_holds_what_the_model_draws(
        self, data: Path, rows: Path, tmp_path: Path, tiny: model.Model, images: np.ndarray
    ) -> None:
        drawn = {
            "styles": ({"seed": 3}, latent.styles(tiny.conditionals, 2, 3, ["two", "zero"])),
            "analogies": (
                {"rows": rows},
                latent.analogies(tiny.conditionals, images[:2], classes=["two", "zero"]),
            ),
            "walk": ({"rows": rows}, walked(tiny, 2, images, ["two", "zero"])),
        }
        for name, (given, expected) in drawn.items():
            out, words = tmp_path / f"{name}.npz", ["two", "0"]
            commands.generate(
                data / "tiny.ssdgm", out, picture=name, n=2, classes=words, threads=1, **given
            )
            with np.load(out) as found:
                for key in ("x", "y", "z"):
                    np.testing.assert_array_equal(found[key], getattr(expected, key))
                np.testing.assert_array_equal(found["label"], expected.labels)
                assert int(found["columns"]) == expected.columns
                assert ("seed" in found) is (name == "styles")

    def test_a_walk_of_two_latents_needs_no_rows(self, data: Path, tmp_path: Path) -> None:
        table = commands.generate(
            data / "tiny.ssdgm", tmp_path / "a.npz", picture="walk", classes=["one"], n=3
        )
        assert (table["rows"], table["seed"], table["classes"]) == (9, None, ["one"])

    def test_further_latents_need_rows(
        self, build: ModuleType, rows: Path, tmp_path: Path, images: np.ndarray
    ) -> None:
        pytest.importorskip("onnx")
        bundle = build.write(tmp_path / "deep.ssdgm", build.tiny(latents=5))
        words = {"picture": "walk", "n": 3, "classes": ["one"], "threads": 1}
        with pytest.raises(
            errors.InputError, match=r"latent has 5 dimensions and not 2.*\(--rows\)"
        ):
            commands.generate(bundle, tmp_path / "a.png", **words)
        commands.generate(bundle, tmp_path / "a.npz", **words, rows=rows)
        with model.load(bundle, threads=1) as opened, np.load(tmp_path / "a.npz") as found:
            means = opened.encode(images).mean
            np.testing.assert_allclose(found["z"][4], means.mean(0), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(found["x"], walked(opened, 3, images, 1).x)

    def test_no_picture_of_columns(self, data: Path, tmp_path: Path) -> None:
        words = {"picture": "walk", "n": 2}
        with pytest.raises(errors.DataError, match=r"Write an \.npz file"):
            commands.generate(data / "noisy.ssdgm", tmp_path / "a.png", **words)
        commands.generate(data / "noisy.ssdgm", tmp_path / "a.npz", **words)
        assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"picture": "grid"}, "picture is 'grid'; expected one of styles, analogies, walk"),
            ({"rows": "x.npy"}, "--rows is 'x.npy'; expected no --rows without --analogies"),
            (
                {"picture": "styles", "rows": "x.npy"},
                "--rows is 'x.npy'; expected no --rows with --styles, which draws its latents",
            ),
            (
                {"picture": "walk", "seed": 0},
                "--seed is 0; expected no --seed with --walk, where nothing is random",
            ),
            (
                {"picture": "styles", "sample": True},
                "--sample is True; expected no --sample with --styles, which shows",
            ),
            (
                {"picture": "styles", "temperature": 0.5},
                "--temperature is 0.5; expected no --temperature with --styles",
            ),
            (
                {"picture": "analogies"},
                "--rows is missing; expected the file or folder of rows to draw analogies of",
            ),
        ],
    )
    def test_what_does_not_go_together(
        self, tmp_path: Path, given: dict[str, object], message: str
    ) -> None:
        with pytest.raises(errors.InputError) as caught:
            commands.generate(tmp_path / "no.ssdgm", tmp_path / "a.png", **given)
        assert str(caught.value).startswith(message)

    def test_bad_rows_leave_nothing_behind(self, data: Path, rows: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "bad.npy", np.zeros((2, 5, 5), np.uint8))
        words = {"picture": "analogies", "rows": tmp_path / "bad.npy"}
        for extra in ({}, {"rows": tmp_path / "none.npy"}, {"rows": rows, "n": 0}):
            with pytest.raises((errors.InputError, errors.DataNotFound)):
                commands.generate(data / "tiny.ssdgm", tmp_path / "a.png", **{**words, **extra})
        assert not (tmp_path / "a.png").exists()


def test_bench(data: Path) -> None:
    wanted = request.Request(batches=(2,), seconds=1e-3, providers=("cpu",), cold=0)
    table = commands.bench(data / "tiny.ssdgm", wanted)
    assert commands.exit_code(table) == 0
    assert len(json.loads(json.dumps(table))["cells"]) == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x", "a", "b", "c"), 2),
        (errors.IntegrityError("a"), 2),
        (errors.ProviderUnavailable("a", "b", "c"), 3),
        (errors.MissingEngine("a"), 3),
        (PermissionError(13, "Permission denied", "f"), 2),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("division"), 70),
        (MemoryError(), 2),
    ],
)
def test_every_error_has_a_code_and_the_same_shape(error: BaseException, code: int) -> None:
    table, found = commands.failure(error)
    assert found == code
    assert set(table["error"]) == {"type", "message", "found", "expected", "mend"}
    assert table["error"]["type"] == type(error).__name__
    assert table["error"]["message"]
    json.dumps(table)


@pytest.mark.parametrize(
    ("table", "code"), [({}, 0), ({"passed": True}, 0), ({"passed": False}, 1)]
)
def test_the_code_of_a_result(table: dict[str, object], code: int) -> None:
    assert commands.exit_code(table) == code
