"""Rows in pieces: what workers write is what one machine writes, whatever happens to a worker."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cases
import cloudpickle
import exported
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import ssdgm_export
import ssdgm_runtime
from ssdgm_export.proof import allowance
from ssdgm_runtime import errors
from ssdgm_runtime.console import catalogue, commands, drawing, generated
from ssdgm_runtime.console.cluster import generation, pieces, work
from ssdgm_runtime.console.command import Host
from ssdgm_runtime.readers import tables
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.drift import DriftWarning

LOOSE = allowance.Limits(1.0, 1.0)
ROWS = 500


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bundle.ssdgm` of a table, and `rows/` of it: two Parquet files of row groups."""

    def make(folder: Path) -> None:
        run = exported.train(folder, "m2", "categories")
        ssdgm_export.convert(run, folder / "bundle.ssdgm", limits=LOOSE, score=True)
        known = cases.TABLES["categories"].columns
        some = exported.rows(run)
        rows = some[np.arange(ROWS) % len(some)]
        listed = pa.table({"id": np.arange(ROWS), **table.named(rows, known)})
        (folder / "rows").mkdir()
        parquet.write_table(listed[:320], folder / "rows/a.parquet", row_group_size=100)
        parquet.write_table(listed[320:], folder / "rows/b.parquet", row_group_size=100)
        (folder / "rows/_SUCCESS").touch()
        parquet.write_table(listed, folder / "all.parquet")

    return exported.once(tmp_path_factory, "table in pieces", make)


def read(folder: Path) -> dict[str, list[Any]]:
    """All parts, in the order of their names."""
    parts = sorted(folder.iterdir())
    assert all(work.is_part(path.name) for path in parts)
    found: dict[str, list[Any]] = pa.concat_tables(map(parquet.read_table, parts)).to_pydict()
    return found


def by_hand(place: Path, out: Path, task: str = "classify", **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Every piece of the rows answered by one worker, without an engine."""
    out.mkdir()
    worker = work.Worker(
        work.Job(str(place / "bundle.ssdgm"), str(out), task, {"threads": 1}, **more)
    )
    return [worker({"piece": piece}) for piece in pieces.cut(place / "rows")]


class TestPieces:
    def test_row_groups_are_pieces_in_the_order_of_files(self, place: Path) -> None:
        cut = pieces.cut(place / "rows")
        assert [(p.number, p.start, p.rows, p.group) for p in cut] == [
            *((i, 100 * i, size, i) for i, size in enumerate((100, 100, 100, 20))),
            (4, 320, 100, 0),
            (5, 420, 80, 1),
        ]
        assert {Path(p.place).name for p in cut} == {"a.parquet", "b.parquet"}
        assert [p.rows for p in pieces.cut(place / "all.parquet")] == [ROWS]

    def test_images_are_cut_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pieces, "IMAGES", 2)
        for name in ("b/1.png", "a/2.png", "a/10.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        cut = pieces.cut(tmp_path)
        assert [p.files for p in cut] == [("a/10.png", "a/2.png"), ("b/1.png",)]
        assert [(p.start, p.rows, p.group) for p in cut] == [(0, 2, -1), (2, 1, -1)]

    def test_other_rows_are_refused(self, place: Path, tmp_path: Path) -> None:
        with pytest.raises(errors.DataNotFound, match="There is nothing at"):
            pieces.cut(tmp_path / "none")
        with pytest.raises(errors.DataError, match=r"holds no images.*--engine ray.*Leave"):
            pieces.cut(tmp_path)
        (tmp_path / "rows.csv").write_text("a\n1\n")
        with pytest.raises(errors.DataError, match=r"rows\.csv is no Parquet"):
            pieces.cut(tmp_path / "rows.csv")
        (tmp_path / "x.png").touch()
        parquet.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
        with pytest.raises(errors.DataError, match="holds both"):
            pieces.cut(tmp_path)


class TestWorker:
    @pytest.mark.parametrize("top", [1, 2])
    def test_parts_are_what_one_machine_writes(
        self, place: Path, tmp_path: Path, top: int
    ) -> None:
        done = by_hand(place, tmp_path / "out", keep=("id",), top=top, probabilities=True)
        assert [one["rows"] for one in done] == [100, 100, 100, 20, 100, 80]
        wanted = tmp_path / "all.parquet"
        bundle, rows = place / "bundle.ssdgm", place / "all.parquet"
        commands.classify(bundle, rows, wanted, keep="id", top=top, probabilities=True)
        there, here = read(tmp_path / "out"), parquet.read_table(wanted).to_pydict()
        assert list(there) == list(here)
        for name, values in here.items():
            near = isinstance(values[0], float)
            assert there[name] == (pytest.approx(values, abs=1e-6) if near else values), name
        counts = [dict(one["counts"]) for one in done]
        assert sum(count for one in counts for count in one.values()) == ROWS

    def test_a_piece_that_is_answered_again_is_there_once(
        self, place: Path, tmp_path: Path
    ) -> None:
        by_hand(place, tmp_path / "out")
        before = read(tmp_path / "out")
        job = work.Job(str(place / "bundle.ssdgm"), str(tmp_path / "out"), "classify", {})
        assert work.Worker(job)({"piece": [*pieces.cut(place / "rows")[3]]})["rows"] == 20
        assert read(tmp_path / "out") == before

    def test_what_a_lost_worker_had_begun_is_removed(self, place: Path, tmp_path: Path) -> None:
        by_hand(place, tmp_path / "out")
        (tmp_path / "out/part-000003.17.tmp").write_bytes(b"PAR1")
        work.sweep(tmp_path / "out")
        assert len(read(tmp_path / "out")["row"]) == ROWS

    def test_scores_are_those_of_one_machine(self, place: Path, tmp_path: Path) -> None:
        done = by_hand(place, tmp_path / "out", "score")
        assert all(one["error"] is None and not one["counts"] for one in done)
        wanted = commands.score(place / "bundle.ssdgm", place / "all.parquet")["scores"]
        found = read(tmp_path / "out")
        assert found["row"] == [*range(ROWS)]
        assert found["score"] == pytest.approx([one["score"] for one in wanted], rel=1e-5)

    def test_a_column_called_row_is_kept(self, place: Path, tmp_path: Path) -> None:
        (tmp_path / "rows").mkdir()
        listed = parquet.read_table(place / "all.parquet")
        own = pa.array([f"r{i}" for i in range(ROWS)])
        parquet.write_table(listed.append_column("row", own), tmp_path / "rows/a b.parquet")
        (tmp_path / "bundle.ssdgm").symlink_to(place / "bundle.ssdgm")
        by_hand(tmp_path, tmp_path / "out", keep=("row",))
        assert read(tmp_path / "out")["row"] == own.to_pylist()

    def test_a_wrong_row_is_named_and_leaves_nothing(self, place: Path, tmp_path: Path) -> None:
        (tmp_path / "rows").mkdir()
        listed = parquet.read_table(place / "all.parquet")
        name = next(c.name for c in cases.TABLES["categories"].columns if c.kind != "category")
        cells = [*map(str, listed[name].to_pylist()[:-1]), "many"]
        place_of = listed.column_names.index(name)
        listed = listed.set_column(place_of, name, pa.array(cells))
        parquet.write_table(listed, tmp_path / "rows/a.parquet")
        (tmp_path / "bundle.ssdgm").symlink_to(place / "bundle.ssdgm")
        (done,) = by_hand(tmp_path, tmp_path / "out")
        assert done["error"][0] == "DataError"
        assert f"row {ROWS - 1}, column {name!r}, is 'many'" in done["error"][1]
        assert not [*(tmp_path / "out").iterdir()]

    def test_images_have_their_names(
        self, tmp_path: Path, images: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pieces, "IMAGES", 4)
        (tmp_path / "bundle.ssdgm").symlink_to(tiny)
        (tmp_path / "rows").symlink_to(images)
        done = by_hand(tmp_path, tmp_path / "out")
        assert all("'x' has values that are not within 0 and 16" in one["note"] for one in done)
        found = read(tmp_path / "out")
        with pytest.warns(DriftWarning):
            wanted = commands.classify(tiny, images)["predictions"]
        assert found["source"] == [one["source"] for one in wanted]
        assert found["name"] == [one["name"] for one in wanted]
        assert found["row"] == [*range(len(wanted))]


@pytest.fixture
def tiny() -> Path:
    return Path(__file__).parents[2] / "golden/m2-tiny.ssdgm"


@pytest.fixture
def images(tmp_path: Path, tiny: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    with ssdgm_runtime.load(tiny, provider="cpu") as opened:
        shape = opened.graphs.graph("classifier", "classify").inputs[0].row
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for i in range(10):
        picture = rng.integers(0, 255, shape).astype(np.uint8)
        image.fromarray(picture).save(tmp_path / f"pictures/{i}.png")
    return tmp_path / "pictures"


def test_words_of_a_column_are_read_as_they_are_one_by_one() -> None:
    column = table.Column("a", table.CATEGORY, ("x", "1", "true"), missing=("?",))
    cells = ["x", "1.0", None, "?", "true", "odd", "x "]
    plain = pa.array(cells)
    for array in (plain, plain.dictionary_encode(), plain.cast(pa.large_string())):
        batch = pa.record_batch({"a": array})
        coded = tables.coded(batch, [column], "row", 0)[:, 0]
        np.testing.assert_array_equal(coded, [0, 1, -1, -1, 2, -1, 0])


class TestGeneration:
    def pieces_of(self, bundle: Path, n: int, labels: int = 1) -> list[generation.Piece]:
        with ssdgm_runtime.load(bundle, provider="cpu") as opened:
            decoder = opened.graphs.graph("decoder", "generate")
        return generation.cut(decoder, labels, n, seed=7)

    def test_rows_are_cut_by_label(self, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(generation, "ROWS", 4)
        cut = self.pieces_of(tiny, 9, labels=2)
        assert [(p.number, p.start, p.rows, p.label) for p in cut] == [
            *((0, 0, 4, 0), (1, 4, 4, 0), (2, 8, 1, 0)),
            *((3, 9, 4, 1), (4, 13, 4, 1), (5, 17, 1, 1)),
        ]
        assert len({piece.seed for piece in cut}) == 6
        assert max(piece.seed for piece in cut) < 1 << 48
        assert self.pieces_of(tiny, 9, labels=2) == cut
        assert self.pieces_of(tiny, 0) == []

    def test_large_rows_are_fewer_at_once(
        self, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(generation, "NUMBERS", 1)
        assert [piece.rows for piece in self.pieces_of(tiny, 3)] == [1, 1, 1]

    @pytest.mark.parametrize("sample", [False, True])
    def test_a_part_can_be_generated_again_on_one_machine(
        self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: bool
    ) -> None:
        monkeypatch.setattr(generation, "ROWS", 4)
        with ssdgm_runtime.load(tiny, provider="cpu") as opened:
            labels = drawing.labels(opened, ())
            assert labels is not None
            job = generation.Job(str(tiny), str(tmp_path), {"threads": 1}, labels, sample, 0.5)
            worker = generation.Worker(job)
            cut = self.pieces_of(tiny, 6, len(labels))
            done = [worker({"piece": [*piece]}) for piece in cut]
            assert [one["rows"] for one in done] == [piece.rows for piece in cut]
            assert all(one["error"] is None for one in done)
            for piece, path in zip(cut, sorted(tmp_path.iterdir()), strict=True):
                part = parquet.read_table(path)
                (seed,), (label,) = map(set, (part["seed"].to_pylist(), part["label"].to_pylist()))
                wanted = opened.generate(
                    label, piece.rows, seed=seed, sample=sample, temperature=0.5
                )
                x = part["x"].combine_chunks().to_numpy_ndarray()
                np.testing.assert_array_equal(x, wanted.x)
                rows = range(piece.start, piece.start + piece.rows)
                assert part["row"].to_pylist() == [*rows]

    def test_rows_of_a_table_have_its_columns(self, place: Path, tmp_path: Path) -> None:
        bundle = place / "bundle.ssdgm"
        with ssdgm_runtime.load(bundle, provider="cpu") as opened:
            chosen = drawing.labels(opened, ["0"])
        job = generation.Job(str(bundle), str(tmp_path), {"threads": 1}, chosen)
        (piece,) = self.pieces_of(bundle, 5)
        assert generation.Worker(job)({"piece": piece})["counts"] == [("0", 5)]
        found = read(tmp_path)
        with ssdgm_runtime.load(bundle, provider="cpu") as opened:
            x = opened.generate("0", 5, seed=piece.seed).x
        wanted = table.named(x, cases.TABLES["categories"].columns)
        label = next(name for name in found if name not in (*wanted, "seed", "row"))
        assert [*found] == [*wanted, label, "seed", "row"]
        assert found[label] == ["0"] * 5
        for name, values in wanted.items():
            assert found[name] == [*values]

    def test_a_decoder_without_labels_has_rows_alone(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        made = exported.folder(tmp_path_factory, "m1", exported.OWN["m1"])
        bundle = made / "bundle.ssdgm"
        with ssdgm_runtime.load(bundle, provider="cpu") as opened:
            assert drawing.labels(opened, ()) is None
            job = generation.Job(str(bundle), str(tmp_path), {"threads": 1}, None)
            (piece,) = self.pieces_of(bundle, 5)
            done = generation.Worker(job)({"piece": piece})
            assert (done["rows"], done["counts"], done["error"]) == (5, [], None)
            found = read(tmp_path)
            assert [*found] == ["x", "seed", "row"]
            wanted = opened.generate(n=5, seed=piece.seed).x
        np.testing.assert_array_equal(np.array(found["x"], np.float32), wanted)

    def test_views_have_a_column_each(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        made = exported.folder(tmp_path_factory, "views", "bernoulli-uint8")
        bundle = made / "bundle.ssdgm"
        (piece,) = self.pieces_of(bundle, 3)
        with ssdgm_runtime.load(bundle, provider="cpu") as opened:
            labels = drawing.labels(opened, ["0"])
            generation.Worker(generation.Job(str(bundle), str(tmp_path), {"threads": 1}, labels))(
                {"piece": piece}
            )
            wanted = opened.generate("0", 3, seed=piece.seed).x
        arrays = wanted if isinstance(wanted, dict) else {"": wanted}
        found = read(tmp_path)
        names = [f"x.{name}" if name else "x" for name in arrays]
        assert [*found] == [*names, "label", "seed", "row"]
        for name, array in zip(names, arrays.values(), strict=True):
            flat = np.array(found[name], np.float32).reshape(array.shape)
            np.testing.assert_array_equal(flat, array)

    def test_no_column_of_a_table_takes_the_place_of_the_seed(
        self, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken = {"seed": np.arange(5), "row": ["a"] * 5}
        monkeypatch.setattr(generated, "columns", lambda _: dict(taken))
        bundle = place / "bundle.ssdgm"
        job = generation.Job(str(bundle), str(tmp_path), {"threads": 1}, None)
        (piece,) = self.pieces_of(bundle, 5)
        generation.Worker(job)({"piece": piece})
        found = read(tmp_path)
        assert [*found] == ["seed", "row", "seed_", "row_"]
        assert found["seed_"] == [piece.seed] * 5

    def test_what_is_wrong_with_a_request_is_reported(self, tiny: Path, tmp_path: Path) -> None:
        job = generation.Job(str(tiny), str(tmp_path), {}, None, temperature=1e39)
        (piece,) = self.pieces_of(tiny, 2)
        assert generation.Worker(job)({"piece": piece})["error"][0] == "InputError"
        assert not [*tmp_path.iterdir()]


class TestCommand:
    def asked(
        self,
        place: Path,
        out: Path | None,
        name: str = "classify",
        **more: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        command = next(c for c in catalogue.COMMANDS if c.name == name)
        values = {option.name: option.default for option in command.options}
        given = {"bundle": place / "bundle.ssdgm", "rows": place / "rows", "out": out}
        return command.run({**values, **given, **more}, Host())

    def test_options_of_a_cluster_need_one(self, place: Path, tmp_path: Path) -> None:
        with pytest.raises(errors.UsageError, match="--engine is 'spark'; expected here or ray"):
            self.asked(place, tmp_path / "o", engine="spark")
        with pytest.raises(errors.UsageError, match="--workers has no effect here"):
            self.asked(place, tmp_path / "o.csv", workers=2)
        with pytest.raises(errors.UsageError, match="--ray-address has no effect"):
            self.asked(place, tmp_path / "o.csv", ray_address="auto")

    def test_pictures_are_drawn_on_one_machine(self, tiny: Path, tmp_path: Path) -> None:
        command = next(c for c in catalogue.COMMANDS if c.name == "generate")
        defaults = {option.name: option.default for option in command.options}
        asked = {**defaults, "bundle": tiny, "out": tmp_path / "out", "engine": "ray"}
        for more in ({"styles": True}, {"rows": tiny}):
            with pytest.raises(errors.UsageError, match="has no effect with --engine ray"):
                command.run({**asked, **more}, Host())

    def test_answers_are_not_put_over_other_things(self, place: Path, tmp_path: Path) -> None:
        pytest.importorskip("ray")
        with pytest.raises(errors.UsageError, match="no --out"):
            self.asked(place, None, engine="ray")
        (tmp_path / "mine.txt").touch()
        for force in (False, True):
            with pytest.raises(errors.OutputExists, match=r"already exists\. Choose another name"):
                self.asked(place, tmp_path, engine="ray", force=force)
        assert (tmp_path / "mine.txt").exists()
        masked = Path(__file__).parents[2] / "runtime/data/masked.ssdgm"
        with pytest.raises(errors.TaskUnavailable, match=r"Its labels are masks, which --engine"):
            self.asked(place, tmp_path / "o", engine="ray", name="predict", bundle=masked)

    def test_without_ray_the_error_names_the_extra(
        self, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(errors.MissingExtra, match=r"ssdgm-runtime\[ray\]"):
            self.asked(place, tmp_path / "out", engine="ray")


class TestPage:
    """The lines of docs/clusters.md."""

    def blocks(self) -> list[str]:
        page = Path(__file__).parents[3] / "docs/clusters.md"
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        assert len(blocks) == 2
        return blocks

    @pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # of Dask's use of pandas
    def test_dask_answers_pieces_of_a_frame(
        self, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("dask.dataframe")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "income.ssdgm").symlink_to(place / "bundle.ssdgm")
        (tmp_path / "rows").symlink_to(place / "rows")
        exec(self.blocks()[0], {})
        parts = sorted((tmp_path / "answers").glob("*.parquet"))
        said = pa.concat_tables(map(parquet.read_table, parts)).to_pydict()
        wanted = commands.classify(place / "bundle.ssdgm", place / "all.parquet")["predictions"]
        assert said["id"] == [*range(ROWS)]
        assert said["answer"] == [one["class"] for one in wanted]

    def test_spark_s_lines_answer_frames_too(
        self, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "income.ssdgm").symlink_to(place / "bundle.ssdgm")
        spark = Spark(parquet.read_table(place / "all.parquet").to_pandas())
        exec(self.blocks()[1], {"spark": spark})
        assert spark.kinds == "id long, answer string"
        assert [*spark.answered["id"]] == [*range(ROWS)]
        assert len(spark.answered.columns) == 2


class Spark:
    """As much of Spark as the page uses, which hands over pieces as pandas frames."""

    def __init__(self, frame: Any) -> None:  # noqa: ANN401
        self.frame, self.read, self.write = frame, self, self

    def parquet(self, path: str) -> "Spark":
        return self

    def mapInPandas(self, function: Any, kinds: str) -> "Spark":  # noqa: ANN401
        import pandas as pd

        again = pickle.loads(cloudpickle.dumps(function))
        self.answered = pd.concat([*again(iter([self.frame[:100], self.frame[100:]]))])
        self.kinds = kinds
        return self


def command(place: Path, rows: Path, out: Path, *more: str) -> list[str]:
    words = ["classify", place / "bundle.ssdgm", rows, "-o", out, "--keep", "id", "--json"]
    return [sys.executable, "-m", "ssdgm_runtime", *map(str, words), "--engine", "ray", *more]


@pytest.mark.slow
class TestRay:
    pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")

    def test_a_worker_that_is_killed_loses_nothing(self, place: Path, tmp_path: Path) -> None:
        pytest.importorskip("ray")
        rows = parquet.read_table(place / "all.parquet")
        many = pa.concat_tables([rows] * 600)
        ids = pa.array(np.arange(len(many)))
        many = many.set_column(0, "id", ids)
        parquet.write_table(many, tmp_path / "many.parquet", row_group_size=5000)
        words = command(place, tmp_path / "many.parquet", tmp_path / "out", "--workers", "2")
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        drafts, until = tmp_path.glob, time.monotonic() + 120
        while len([*drafts(".out*/part-*.parquet")]) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        killed = [*workers()]
        os.kill(killed[0], signal.SIGKILL)
        said, _ = process.communicate(timeout=300)
        result = json.loads(said)
        assert (result["rows"], result["workers"], result["parts"]) == (len(many), 2, 60)
        found = read(tmp_path / "out")
        assert found["id"] == found["row"] == [*range(len(many))]
        assert sum(result["counts"].values()) == len(many)

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_generated_rows_are_the_same_from_any_number_of_workers(
        self, place: Path, tmp_path: Path, workers: str
    ) -> None:
        pytest.importorskip("ray")
        bundle, n = place / "bundle.ssdgm", generation.ROWS + 5
        words = [*map(str, ("generate", bundle, "-o", tmp_path / "out", "-n", n, "--seed", 3))]
        words += ["--engine", "ray", "--workers", workers, "--json"]
        said = subprocess.run(
            [sys.executable, "-m", "ssdgm_runtime", *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        result = json.loads(said.stdout)
        with ssdgm_runtime.load(bundle, provider="cpu") as opened:
            labels, decoder = (
                drawing.labels(opened, ()),
                opened.graphs.graph("decoder", "generate"),
            )
        assert labels is not None
        cut = generation.cut(decoder, len(labels), n, 3)
        assert (result["rows"], result["parts"]) == (len(labels) * n, len(cut))
        (tmp_path / "by hand").mkdir()
        worker = generation.Worker(
            generation.Job(str(bundle), str(tmp_path / "by hand"), {"threads": 1}, labels)
        )
        for piece in cut:
            worker({"piece": piece})
        assert read(tmp_path / "out") == read(tmp_path / "by hand")

    def test_a_wrong_row_is_an_error_and_nothing_is_left(
        self, place: Path, tmp_path: Path
    ) -> None:
        pytest.importorskip("ray")
        parquet.write_table(pa.table({"id": [1]}), tmp_path / "few.parquet")
        words = command(place, tmp_path / "few.parquet", tmp_path / "out")
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == errors.DataError.exit_code
        assert json.loads(done.stdout)["error"]["type"] == "DataError"
        assert [path.name for path in tmp_path.iterdir()] == ["few.parquet"]


def workers() -> list[int]:
    """The processes in which Ray answers pieces."""
    found = subprocess.run(
        ["pgrep", "-f", "ray::.*Worker"], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]
