"""A whole benchmark on a small bundle: what is in it, never how fast it was."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import (
    accuracy,
    backends,
    cell,
    compare,
    fingerprint,
    labelled,
    load,
    outcome,
    report,
    request,
)
from ssdgm_runtime.bench.starts import coldstart
from ssdgm_runtime.console import commands
from ssdgm_runtime.engine import session

Json = dict[str, Any]
SCHEMA = Path(report.__file__).parents[1] / "bench.schema.json"
QUICK = {"seconds": 1e-3, "cold": 0, "providers": ("cpu",)}


@pytest.fixture
def path(data: Path) -> Path:
    return data / "tiny.ssdgm"


@pytest.fixture(scope="module")
def whole(data: Path) -> Json:
    wanted = request.Request(batches=(1, 9), seconds=1e-3, cold=1, providers=("cpu",))
    return commands.bench(data / "tiny.ssdgm", wanted)


def valid(table: Json) -> Json:
    """A report as JSON has it, which its schema allows, where there is something to check it."""
    found: Json = json.loads(json.dumps(table, allow_nan=False))
    with contextlib.suppress(ModuleNotFoundError):
        import jsonschema

        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(found)
    return found


def test_there_is_a_cell_for_each_graph_and_batch(whole: Json) -> None:
    cells = {(c["component"], c["batch"]): c for c in whole["cells"]}
    assert set(cells) == {(g, n) for g in ("classifier", "encoder", "decoder") for n in (1, 9)}
    for found in whole["cells"]:
        own, bare = found["model"], found["against"]["raw"]
        assert own["n"] == bare["n"] == own["rounds"] >= 5
        for timing in (own, bare):
            assert 0 < timing["min_ms"] <= timing["p50_ms"] <= timing["p95_ms"] <= timing["max_ms"]
            rate = found["batch"] / timing["mean_ms"] * 1e3
            assert timing["rows_per_s"] == pytest.approx(rate)
        ratio = own["p50_ms"] / bare["p50_ms"]
        assert found["ratios"]["raw"]["value"] == pytest.approx(ratio)


def test_the_report_is_what_its_schema_says(whole: Json) -> None:
    pytest.importorskip("jsonschema", reason="a tool of the development set")
    assert valid(whole)["schema_version"] == compare.SCHEMA


def test_the_schema_refuses_what_is_not_in_it(whole: Json) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="a tool of the development set")
    for change in ({"cells": []}, {"schema_version": "2.0"}, {"colour": "red"}, {"id": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            valid({**whole, **change})


def test_it_says_where_it_was(whole: Json) -> None:
    found = whole["environment"]
    assert found["processors"] >= 1
    assert set(fingerprint.COMPARED) <= set(found)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", whole["started"])
    (session,) = whole["sessions"]
    assert session["placement"]["decoder"]["active"] == "CPUExecutionProvider"
    assert session["attributes"]["intra_op_num_threads"] == session["threads"]
    assert session["entries"]["session.intra_op.allow_spinning"] == "0"


def test_variables_that_matter_are_told_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setenv("MY_PASSWORD", "secret")
    found = fingerprint.environment()["variables"]
    assert found["OMP_WAIT_POLICY"] == "passive"
    assert "MY_PASSWORD" not in found


def test_a_machine_that_tells_little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fingerprint, "_GOVERNOR", tmp_path / "none")
    monkeypatch.delattr(fingerprint.os, "getloadavg")
    assert (fingerprint.governor(), fingerprint.busy()) == (None, None)
    (tmp_path / "some").write_text("performance\n")
    monkeypatch.setattr(fingerprint, "_GOVERNOR", tmp_path / "some")
    assert fingerprint.governor() == "performance"


def test_fresh_processes_are_timed_step_by_step(whole: Json) -> None:
    found = whole["cold_start"]
    own, bare = found["model"], found["bare"]
    steps = ["interpreter", "numpy", "ssdgm_runtime", "onnxruntime", "bundle", "session", "answer"]
    assert list(own["steps_ms"]) == steps
    assert list(bare["steps_ms"]) == [s for s in steps if s not in ("ssdgm_runtime", "bundle")]
    for kind in (own, bare):
        assert all(ms > 0 for ms in kind["steps_ms"].values())
        assert kind["total_ms"] == pytest.approx(sum(kind["steps_ms"].values()))
        assert kind["rss_peak"] is None or kind["rss_peak"] >= kind["rss_before"] > 1e6
    assert found["ratio"] == pytest.approx(own["load_ms"] / bare["load_ms"])


def test_a_cold_start_that_fails_leaves_the_rest(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(coldstart.subprocess, "run", refuse)
    told: list[str] = []
    wanted = request.Request(**{**QUICK, "cold": 1}, batches=(1,), components=("decoder",))
    table = commands.bench(
        path,
        wanted,
        outcome.Result(fail_if=("cold_ms>1", "p50<0")),
        watch=lambda done, total, text: told.append(text),
    )
    assert "no more processes" in valid(table)["cold_start"]["failed"]
    assert len(table["cells"]) == 1
    assert told[-1] == "1 cold starts failed"
    assert table["passed"] is False
    missing = table["comparison"]["missing"]
    assert missing[0].startswith("cold_ms>1: cold start: not measured: A new process failed: no")
    assert missing[1] == "cold_ms>1: there was nothing to look at"
    assert table["comparison"]["failures"] == []


def test_engines_take_turns_in_the_opposite_order() -> None:
    order: list[str] = []

    rounds: list[int] = []

    def stretch(call: load.Call, turn: int) -> load.Stretch:
        call()
        rounds.append(turn)
        return load.Stretch([1.0], 1.0, 0.5)

    calls = {name: (lambda name=name: order.append(name)) for name in ("a", "b", "c")}
    ticks = iter(range(1000))
    clock = load.Clock(now=lambda: float(next(ticks)))
    found = cell.alternate(calls, stretch, request.Request(seconds=8.0), clock)
    assert "".join(order[:12]) == "cbaabccbaabc"
    assert rounds[:7] == [0, 0, 0, 1, 1, 1, 2]
    assert {len(parts) for parts in found.values()} == {len(order) // 3}


def test_a_timing_is_that_of_all_stretches() -> None:
    parts = [load.Stretch([0.1, 0.3], 0.4, 0.2), load.Stretch([0.2], 0.2, 0.1)]
    found = cell.timing(parts, batch=4, warm=3)
    assert (found["n"], found["rounds"], found["warmup"]) == (3, 2, 3)
    assert found["p50_ms"] == pytest.approx(200)
    assert found["rows_per_s"] == pytest.approx(12 / 0.6)
    assert found["cpu_s_per_1000_rows"] == pytest.approx(0.3 / 12 * 1000)
    assert found["cores"] == pytest.approx(0.5)
    assert found["queue"] is None


def test_a_queue_is_told() -> None:
    waits = np.linspace(0, 2, 20)
    late = load.Stretch((waits + 0.1).tolist(), 4.0, 1.0, waits.tolist(), 25)
    found = cell.timing([late], batch=1, warm=0)["queue"]
    assert (found["offered"], found["unserved"], found["growing"]) == (25, 5, True)
    assert found["achieved_per_s"] == pytest.approx(5)
    assert found["wait_p50_ms"] == pytest.approx(1000)
    calm = load.Stretch([0.1] * 20, 4.0, 1.0, [0.0] * 20, 20)
    assert cell.timing([calm], batch=1, warm=0)["queue"]["growing"] is False


LOADS: dict[str, tuple[Json, int]] = {
    "open": ({"arrival": load.Arrival("poisson", 2000.0), "concurrency": (1, 3)}, 2),
    "batcher": ({"batcher": True, "concurrency": (3,)}, 1),
    "threads": ({"threads": (1, 2), "variants": ("all",)}, 2),
    "alone": ({"against": ("none",)}, 1),
}


@pytest.mark.parametrize(("words", "cells"), LOADS.values(), ids=LOADS)
def test_other_loads_and_settings(path: Path, words: Json, cells: int) -> None:
    few = {**QUICK, "batches": (1,), "components": ("classifier",), "seconds": 0.02}
    wanted = request.Request(**{**few, **words})
    table = valid(commands.bench(path, wanted))
    settings = {(c["concurrency"], c["threads"]) for c in table["cells"]}
    assert len(settings) == len(table["cells"]) == cells
    for found in table["cells"]:
        closed = wanted.arrival.kind == load.CLOSED
        assert (found["model"]["queue"] is None) == (found["floor_ms"] is None) == closed
        assert set(found["against"]) == (set() if words.get("against") else {"raw"})


def test_words_for_one_variant_are_measured_once(path: Path) -> None:
    wanted = request.Request(**QUICK, batches=(1,), variants=("auto", "all", "fp32", "cpu-fp32"))
    assert len(commands.bench(path, wanted)["cells"]) == 3


def test_progress_is_told(path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    wanted = request.Request(**QUICK, batches=(1, 2), components=("decoder",))
    commands.bench(path, wanted, watch=lambda *words: told.append(words))
    assert [done for done, _, _ in told] == [1, 2]
    assert {total for _, total, _ in told} == {2}
    assert "decoder" in told[0][2]


@pytest.mark.parametrize("which", ["tiny", "noisy"])
def test_rows_are_golden_ones_over_and_over(request: pytest.FixtureRequest, which: str) -> None:
    opened = request.getfixturevalue(which)
    for component in opened.graphs.components:
        found = cell.rows(opened, component, 40)
        assert {len(array) for array in found.values()} == {40}
        assert not found.get("a", np.zeros(1)).any()


def test_another_backend_is_a_name_and_a_context(path: Path) -> None:
    seen: list[str] = []

    @contextlib.contextmanager
    def opener(target: backends.Target) -> Iterator[backends.Run]:
        seen.append(target.component)
        bare = session.bare(target.data, target.plan)
        yield lambda feeds: dict(enumerate(bare(feeds)))
        seen.append("closed")

    wanted = request.Request(
        **QUICK, batches=(1,), components=("decoder",), against=("raw", "mine")
    )
    table = valid(commands.bench(path, wanted, engines={"mine": opener}))
    assert (seen[0], seen[-1]) == ("decoder", "closed")
    assert set(table["cells"][0]["ratios"]) == {"raw", "mine"}


ELSE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "values": (lambda found: [1.01 * found[0], *found[1:]], "other values as logits, 1 % away"),
    "nan": (lambda found: [found[0], np.nan * found[1]], "other values as probs, nan % away"),
    "shape": (lambda found: [array[:1] for array in found], r"no logits of shape \[9, 3\]"),
    "nothing": (lambda found: [], "no logits"),
}


@pytest.mark.parametrize(("change", "why"), ELSE.values(), ids=ELSE)
def test_a_backend_that_computes_something_else_is_refused(
    path: Path, change: Callable[[Any], Any], why: str
) -> None:
    @contextlib.contextmanager
    def opener(target: backends.Target) -> Iterator[backends.Run]:
        bare = session.bare(target.data, target.plan)
        yield lambda feeds: change(bare(feeds))

    wanted = request.Request(**QUICK, batches=(9,), components=("classifier",), against=("mine",))
    with pytest.raises(errors.InputError, match=f"mine, whose classifier gives {why}"):
        commands.bench(path, wanted, engines={"mine": opener})


def test_rivals_have_the_threads_that_the_model_has(path: Path) -> None:
    """A few rows are computed by one thread on the CPU, whatever the pool's size."""
    given: list[int] = []

    @contextlib.contextmanager
    def opener(target: backends.Target) -> Iterator[backends.Run]:
        given.append(target.plan.threads)
        yield session.bare(target.data, target.plan)

    wanted = request.Request(
        **QUICK, batches=(8, 9), threads=(2,), components=("decoder",), against=("mine",)
    )
    cells = valid(commands.bench(path, wanted, engines={"mine": opener}))["cells"]
    assert given == [cell["threads_used"] for cell in cells] == [1, 2]
    assert [cell["threads"] for cell in cells] == [2, 2]


def test_a_backend_that_is_not_there_says_how_to_get_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    wanted = request.Request(**QUICK, against=("openvino",))
    with pytest.raises(errors.MissingEngine, match="pip install openvino"):
        commands.bench(path, wanted)
    for name in backends.FROM_RUN:
        with pytest.raises(errors.MissingExtra, match="--run RUN"):
            backends.select([name], {})
    with pytest.raises(errors.InputError, match="executorch, separated by commas"):
        backends.select(["tvm"], {})


def test_openvino_gets_the_file_and_the_threads(
    tiny: model.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    class Core:
        def read_model(self, model: bytes) -> bytes:
            return model

        def compile_model(self, *words: object) -> "Core":
            given.extend(words)
            return self

        def create_infer_request(self) -> "Core":
            given.append("request")
            return self

        def infer(self, feeds: Json, *, share_inputs: bool) -> Json:
            assert share_inputs
            return feeds

    fake = type("openvino", (), {"Core": Core})
    monkeypatch.setitem(__import__("sys").modules, "openvino", fake)
    goal = cell.target(tiny, "classifier")
    with backends.select(["openvino"], {})["openvino"](goal) as run:
        assert run({"x": 1}) == run({"x": 1}) == {"x": 1}
    assert given[:2] == [goal.data, "CPU"]
    assert given[2]["INFERENCE_NUM_THREADS"] == 1
    assert given[2]["INFERENCE_PRECISION_HINT"] == "f32"
    assert given.count("request") == 1


class TestLabels:
    def test_an_npz_file(self, tmp_path: Path, images: np.ndarray) -> None:
        y = np.arange(30) % 4 - 1
        np.savez(tmp_path / "a.npz", x_test=images, y_test=y)
        x, kept = labelled.read(tmp_path / "a.npz")
        assert len(x) == len(kept) == (y >= 0).sum()
        np.testing.assert_array_equal(x, images[y >= 0])

    def test_a_pair_of_idx_files(self, tmp_path: Path, images: np.ndarray) -> None:
        head = bytes([0, 0, 8, 3, 0, 0, 0, 30, 0, 0, 0, 4, 0, 0, 0, 4])
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(head + images.tobytes())
        labels = bytes([0, 0, 8, 1, 0, 0, 0, 30]) + bytes(range(30))
        (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(labels)
        x, y = labelled.read(tmp_path / "t10k-images-idx3-ubyte")
        np.testing.assert_array_equal(x, images)
        assert y.tolist() == list(range(30))

    @pytest.mark.parametrize(
        "arrays",
        [
            {"x": np.zeros(3)},
            {"x": np.zeros(3), "y": np.zeros(2)},
            {"x": np.zeros(3), "y": -np.ones(3)},
            {"x": np.array(3), "y": np.array(3)},
        ],
        ids=["no labels", "too few", "none known", "no axes"],
    )
    def test_rows_without_labels(self, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(errors.DataError):
            labelled.read(tmp_path / "a.npz")
        np.save(tmp_path / "a.npy", np.zeros(3))
        for path in (tmp_path / "a.npy", ""):
            with pytest.raises(errors.DataError, match="has no labels"):
                labelled.read(path)

    def test_the_error_is_counted(self, tiny: model.Model, images: np.ndarray) -> None:
        truth = tiny.predict(images)
        assert labelled.error(tiny, images, truth) == 0
        values = tiny.classes_.tolist()
        wrong = np.array([values[(values.index(v) + 1) % len(values)] for v in truth.tolist()])
        mixed = np.concatenate([wrong[:6], truth[6:]])
        assert labelled.error(tiny, images, mixed) == pytest.approx(6 / 30)
        with pytest.raises(errors.DataError, match="have the label"):
            labelled.error(tiny, images, np.full(30, 77))
        with pytest.raises(errors.DataError, match="have the label"):
            labelled.error(tiny, images, truth[:, None])

    def test_it_stands_beside_the_speed(
        self, path: Path, tmp_path: Path, tiny: model.Model, images: np.ndarray
    ) -> None:
        np.savez(tmp_path / "a.npz", x=images, y=tiny.predict(images))
        wanted = request.Request(**QUICK, batches=(1,), rows=tmp_path / "a.npz")
        found = {v["component"]: v for v in valid(commands.bench(path, wanted))["variants"]}
        assert found["classifier"]["measured"] == {"rows": 30, "error": 0.0}
        assert found["decoder"]["measured"] is None


class TestAccuracy:
    def test_golden_rows_of_fp32(self, tiny: model.Model) -> None:
        found = accuracy.of(tiny, "classifier")
        assert found["golden"]["agreement"] == 1
        assert 0 <= found["golden"]["max_abs"] < 1e-4
        assert accuracy.of(tiny, "decoder")["golden"]["agreement"] is None

    def test_what_the_manifest_says(self) -> None:
        gate = {"passed": True}
        variant = {"int8": {"additional_metadata": {"gate": gate}}}
        document = {
            "additional_metadata": {"ssdgm": {"training": {"test": {"error": 0.05}}}},
            "components": {"classifier": {"variants": variant}},
        }
        found = accuracy.reported(document, "classifier", "int8")
        assert found == {"test_error": 0.05, "gate": gate}
        nothing = {"test_error": None, "gate": None}
        assert accuracy.reported(document, "decoder", "int8")["gate"] is None
        assert accuracy.reported({"additional_metadata": []}, "classifier", "int8") == nothing

    def test_another_precision_is_held_against_fp32(self, edit: Callable[..., Path]) -> None:
        def rename(document: Json) -> None:
            for one in document["components"]["classifier"]["variants"].values():
                one["additional_metadata"]["precision"] = "fp16"

        with model.load(edit(rename), provider="cpu") as opened:
            found = accuracy.of(opened, "classifier")
        assert found["precision"] == "fp16"
        assert found["golden"]["reference"] == "fp32"
        assert found["golden"]["agreement"] == 1

    def test_no_golden_rows_of_fp32(self, bundle: Path, reseal: Callable[[Path], Path]) -> None:
        (bundle / "golden/classifier/fp32/logits.npy").unlink()
        with model.load(reseal(bundle), provider="cpu") as opened:
            assert accuracy.of(opened, "classifier")["golden"] is None


class TestOutcome:
    def run(self, path: Path, **words: Any) -> Json:  # noqa: ANN401
        wanted = request.Request(**QUICK, batches=(1,), components=("classifier",))
        return commands.bench(path, wanted, outcome.Result(**words))

    def test_a_report_is_a_baseline(self, path: Path, tmp_path: Path) -> None:
        out = tmp_path / "a.json"
        first = self.run(path, out=out)
        assert first["comparison"] is None
        assert valid(json.loads(out.read_text())) == valid(first)
        again = self.run(path, baseline=out, fail_if=["p50<0.000001", "load_ms>+100000%"])
        assert (again["passed"], commands.exit_code(again)) == (True, 0)
        assert valid(again)["comparison"]["missing"] == []

    def test_a_condition_that_is_met_ends_with_1(self, path: Path, tmp_path: Path) -> None:
        out = tmp_path / "a.json"
        table = self.run(path, out=out, fail_if=["p95>0"])
        assert (table["passed"], commands.exit_code(table)) == (False, 1)
        assert valid(json.loads(out.read_text()))["passed"] is False

    def test_it_is_drawn(self, path: Path, tmp_path: Path) -> None:
        plot = tmp_path / "a.png"
        table = self.run(path, plot=plot, draw=lambda table: table["id"].encode())
        assert plot.read_text() == table["id"]

    def test_nothing_is_measured_for_what_cannot_be_written(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(report, "measure", lambda *a, **k: pytest.fail("it was measured"))
        (tmp_path / "a.json").touch()
        (tmp_path / "a.png").touch()
        with pytest.raises(errors.OutputExists):
            self.run(path, out=tmp_path / "a.json")
        with pytest.raises(errors.OutputExists):
            self.run(path, plot=tmp_path / "a.png", draw=lambda table: b"")
        with pytest.raises(errors.MissingExtra, match="ssdgm-export bench"):
            self.run(path, plot=tmp_path / "b.png")
        with pytest.raises(errors.InputError):
            self.run(path, fail_if=["p95>+10%"])
        with pytest.raises(errors.DataError):
            self.run(path, baseline=tmp_path / "a.json")
