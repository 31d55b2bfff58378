import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors, model, png, use_cases


@pytest.fixture
def rows(images: np.ndarray, tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", images)
    return tmp_path / "rows.npy"


def test_inspect_needs_no_engine(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ssdgm_runtime import session

    monkeypatch.setattr(session, "engine", lambda: pytest.fail("the engine was imported"))
    table = json.loads(json.dumps(use_cases.inspect(data / "tiny.ssdgm"), allow_nan=False))
    assert table["tasks"] == ["classify", "encode", "reconstruct", "generate"]
    assert table["labels"] == ["zero", "one", "two"]
    assert table["graphs"]["decoder"]["noise"] == ["z"]
    assert table["files"]["README.md"] > 0
    assert len(table["variants"]) == 6


def test_verify(data: Path, bundle: Path, reseal: Callable[..., Path]) -> None:
    assert use_cases.verify(data / "tiny.ssdgm", provider="cpu")["passed"] is True
    path = bundle / "golden/decoder/fp32/x.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    assert use_cases.verify(reseal(bundle))["passed"] is False


class TestClassify:
    def test_records_without_an_output(
        self, data: Path, rows: Path, tiny: model.Model, images: np.ndarray
    ) -> None:
        table = use_cases.classify(data / "tiny.ssdgm", rows, top=2, batch_size=7, threads=1)
        found = tiny.classify(images)
        assert [r["label"] for r in table["predictions"]] == found.labels.tolist()
        assert [r["class"] for r in table["predictions"]] == tiny.predict(images).tolist()
        assert table["counts"] == {n: found.names.count(n) for n in tiny.labels}
        assert table["rows"] == 30
        json.dumps(table, allow_nan=False)

    @pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npy"])
    def test_a_file(self, data: Path, rows: Path, tmp_path: Path, suffix: str) -> None:
        out = tmp_path / f"out{suffix}"
        table = use_cases.classify(data / "tiny.ssdgm", rows, out)
        assert table["output"] == str(out)
        assert "predictions" not in table
        before = out.read_bytes()
        with pytest.raises(errors.OutputExists):
            use_cases.classify(data / "tiny.ssdgm", rows, out)
        use_cases.classify(data / "tiny.ssdgm", rows, out, force=True)
        assert out.read_bytes() == before

    def test_a_folder_of_images(self, data: Path, tmp_path: Path, images: np.ndarray) -> None:
        pytest.importorskip("PIL")
        (tmp_path / "in").mkdir()
        for i in range(3):
            (tmp_path / "in" / f"{i}.png").write_bytes(png.encode_png(images[i]))
        table = use_cases.classify(data / "tiny.ssdgm", tmp_path / "in")
        assert [r["source"] for r in table["predictions"]] == ["0.png", "1.png", "2.png"]

    def test_nothing_is_written_when_it_fails(self, data: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "bad.npy", np.zeros((2, 5, 5), np.uint8))
        with pytest.raises(errors.InputError):
            use_cases.classify(data / "tiny.ssdgm", tmp_path / "bad.npy", tmp_path / "out.csv")
        assert not (tmp_path / "out.csv").exists()

    def test_bad_arguments(self, data: Path, rows: Path, without: Callable[..., Path]) -> None:
        with pytest.raises(errors.InputError, match="top is 0"):
            use_cases.classify(data / "tiny.ssdgm", rows, top=0)
        with pytest.raises(errors.TaskUnavailable):
            use_cases.classify(without("classifier"), rows)


class TestGenerate:
    def test_every_class_by_default(self, data: Path, tmp_path: Path) -> None:
        table = use_cases.generate(data / "tiny.ssdgm", tmp_path / "a.npz", n=3, seed=4)
        assert (table["rows"], table["seed"]) == (9, 4)
        assert table["classes"] == ["zero", "one", "two"]
        with np.load(tmp_path / "a.npz") as found:
            assert found["label"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]

    def test_classes_as_a_command_line_gives_them(
        self, data: Path, tmp_path: Path, tiny: model.Model
    ) -> None:
        words = ["two", "1", 0]
        table = use_cases.generate(
            data / "tiny.ssdgm", tmp_path / "a.npz", classes=words, n=1, seed=0
        )
        assert table["classes"] == ["two", "one", "zero"]
        with np.load(tmp_path / "a.npz") as found:
            np.testing.assert_allclose(found["x"], tiny.generate([2, 1, 0], seed=0).x, rtol=1e-5)
        for bad in ("three", "3", 7):
            with pytest.raises(errors.InputError):
                use_cases.generate(data / "tiny.ssdgm", tmp_path / "b.npz", classes=[bad])
        assert not (tmp_path / "b.npz").exists()

    def test_a_picture_has_a_line_a_class(self, data: Path, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        use_cases.generate(data / "tiny.ssdgm", path, n=5, seed=0)
        head = path.read_bytes()[16:24]
        assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (252, 152)
        use_cases.generate(data / "tiny.ssdgm", path, classes=["one"], n=9, seed=0, force=True)
        head = path.read_bytes()[16:24]
        assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (152, 152)

    def test_no_picture_of_columns(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match=r"Write an \.npz file"):
            use_cases.generate(data / "noisy.ssdgm", tmp_path / "a.png")
        assert not list(tmp_path.iterdir())


def test_bench(data: Path) -> None:
    table = use_cases.bench(data / "tiny.ssdgm", batches=(2,), seconds=1e-3, provider="cpu")
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
    table, found = use_cases.failure(error)
    assert found == code
    assert set(table["error"]) == {"type", "message", "found", "expected", "mend"}
    assert table["error"]["type"] == type(error).__name__
    assert table["error"]["message"]
    json.dumps(table)


@pytest.mark.parametrize(
    ("table", "code"), [({}, 0), ({"passed": True}, 0), ({"passed": False}, 1)]
)
def test_the_code_of_a_result(table: dict[str, object], code: int) -> None:
    assert use_cases.exit_code(table) == code
