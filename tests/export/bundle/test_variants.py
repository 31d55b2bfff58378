"""Lower precision: what may ship, what `auto` takes, and what is written of it."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import exported
import handmade
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

import ssdgm_export
from ssdgm_export.bundle import convert, variants
from ssdgm_export.graphs import quantise
from ssdgm_export.proof import allowance, gate
from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import manifest, tolerance
from ssdgm_runtime.engine import session
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train.runs import directory

LOOSE = allowance.Limits(1.0, 1.0)
ALL = "fp32,int8,fp16"
Ship = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of M2 in every precision."""

    def make(place: Path) -> None:
        run = exported.train(place, changes=("model.network=mlp", "data.validation=30"))
        ssdgm_export.convert(run, place / "bundle.ssdgm", precision=ALL, limits=LOOSE)

    return exported.once(tmp_path_factory, "every precision", make)


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """fp16 files that compute something else."""

    def wrong(data: bytes) -> bytes:
        found = onnx.load_model_from_string(data)
        for tensor in found.graph.initializer:
            array = numpy_helper.to_array(tensor)
            if array.dtype == np.float32:
                tensor.CopyFrom(numpy_helper.from_array(-3 * array - 1, tensor.name))
        return found.SerializeToString()

    monkeypatch.setattr(quantise, "fp16", wrong)


def about(path: Path) -> manifest.Manifest:
    return manifest.loads((path / "manifest.json").read_bytes())


def test_each_graph_ships_in_each_precision(shipped: Path) -> None:
    for component in about(shipped / "bundle.ssdgm").graphs:
        for precision in variants.PRECISIONS:
            folder = f"{component}/{precision}"
            assert (shipped / "bundle.ssdgm/models" / folder / "model.onnx").is_file()
            assert any((shipped / "bundle.ssdgm/golden" / folder).glob("*.npy"))


def test_auto_takes_int8_on_a_cpu_and_fp32_on_a_gpu(shipped: Path) -> None:
    defaults = {
        (v.component, v.provider): v.precision
        for v in about(shipped / "bundle.ssdgm").variants
        if v.default
    }
    for component in ("classifier", "encoder", "decoder"):
        assert defaults[component, "CPUExecutionProvider"] == "int8"
        assert defaults[component, "CUDAExecutionProvider"] == "fp32"
    with model.load(shipped / "bundle.ssdgm", provider="cpu") as opened:
        assert {v["precision"] for v in opened.info["variants"].values()} == {"int8"}


@pytest.mark.parametrize("precision", variants.PRECISIONS)
def test_every_precision_verifies_and_can_be_asked_for(precision: str, shipped: Path) -> None:
    with model.load(shipped / "bundle.ssdgm", provider="cpu", variant=precision) as opened:
        report = opened.verify()
    assert report.passed
    assert {check.precision for check in report.checks} == {precision}


def test_golden_rows_notice_another_precision_s_file(shipped: Path, tmp_path: Path) -> None:
    wrong = shutil.copytree(shipped / "bundle.ssdgm", tmp_path / "wrong.ssdgm")
    for component in about(wrong).graphs:
        source = wrong / f"models/{component}/fp32/model.onnx"
        shutil.copy(source, wrong / f"models/{component}/int8/model.onnx")
    handmade.reseal(wrong)
    with model.load(wrong, provider="cpu", variant="int8") as opened:
        assert [check.passed for check in opened.verify().checks] == [False] * 3


def test_an_int8_answer_does_not_depend_on_the_batch(shipped: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (300, *_row(shipped)), dtype=np.uint8)
    with model.load(shipped / "bundle.ssdgm", provider="cpu", variant="int8") as opened:
        together = opened.classify(x).logits
        for i in (0, 7, 299):
            np.testing.assert_array_equal(opened.classify(x[i : i + 1]).logits[0], together[i])
        np.testing.assert_array_equal(opened.classify(x, batch_size=13).logits, together)


def _row(shipped: Path) -> tuple[int, ...]:
    return about(shipped / "bundle.ssdgm").graphs["classifier"].inputs[0].row


def test_the_same_run_gives_the_same_bytes(shipped: Path, tmp_path: Path) -> None:
    made = ssdgm_export.convert(
        shipped / "run", tmp_path / "again.ssdgm", precision=["fp32", "int8", "fp16"], limits=LOOSE
    )
    sums = [p / "SHA256SUMS" for p in (made.path, shipped / "bundle.ssdgm")]
    assert sums[0].read_text() == sums[1].read_text()


def test_what_was_measured_is_in_the_bundle(shipped: Path) -> None:
    path = shipped / "bundle.ssdgm"
    told = json.loads((path / "reports/precision.json").read_text())["gates"]
    assert {(g["component"], g["precision"]) for g in told} == {
        (c, p) for c in ("classifier", "encoder", "decoder") for p in ("int8", "fp16")
    }
    document = about(path).document["components"]["classifier"]["variants"]["cpu-int8"]
    (kept,) = document["additional_metadata"]["gates"]
    assert kept in told
    assert kept["batch_gap"] == 0
    assert "| classifier | int8 |" in (path / "README.md").read_text()


def test_the_classifier_s_error_is_that_of_the_held_out_rows(shipped: Path) -> None:
    rows, _ = convert.material(directory.Run(shipped / "run"))
    told = json.loads((shipped / "bundle.ssdgm/reports/precision.json").read_text())["gates"]
    for precision in ("int8", "fp16"):
        found = next(
            g for g in told if (g["component"], g["precision"]) == ("classifier", precision)
        )
        with model.load(shipped / "bundle.ssdgm", provider="cpu", variant=precision) as opened:
            wrong = opened.classify(rows.x).labels != rows.y
        assert found["found"] == pytest.approx(wrong.mean())
        assert (found["rows"], found["kind"]) == (len(rows.x), "validation")
        assert found["cost"] == pytest.approx(found["found"] - found["fp32"])


def test_the_distortion_is_the_squared_error_of_reconstructions(shipped: Path) -> None:
    rows, _ = convert.material(directory.Run(shipped / "run"))
    told = json.loads((shipped / "bundle.ssdgm/reports/precision.json").read_text())["gates"]
    with model.load(shipped / "bundle.ssdgm", provider="cpu", variant="fp32") as opened:
        error = np.square(opened.reconstruct(rows.x) - rows.x.astype(float)).mean()
    for found in (g for g in told if g["measure"] == "distortion"):
        assert found["fp32"] == pytest.approx(error, rel=1e-5)
        assert found["cost"] == pytest.approx(found["found"] / found["fp32"] - 1)


@pytest.mark.usefixtures("spoilt")
def test_what_fails_its_gate_does_not_ship(shipped: Path, tmp_path: Path) -> None:
    limits = allowance.Limits(0.0, 0.01)
    made = ssdgm_export.convert(
        shipped / "run", tmp_path / "a.ssdgm", precision="fp32,fp16", limits=limits
    )
    failed = {g.component for g in made.gates if not g.passed}
    assert {"encoder", "decoder"} <= failed
    for component in failed:
        assert not (made.path / f"models/{component}/fp16").exists()
        assert (made.path / f"models/{component}/fp32/model.onnx").is_file()
    assert "**no**" in (made.path / "README.md").read_text()


@pytest.mark.usefixtures("spoilt")
def test_nothing_is_written_where_a_graph_would_be_without_a_file(
    shipped: Path, tmp_path: Path
) -> None:
    with pytest.raises(variants.GateError, match="decoder in fp16: distortion") as caught:
        ssdgm_export.convert(shipped / "run", tmp_path / "a.ssdgm", precision="fp16")
    assert caught.value.exit_code == 1
    assert "--max-distortion" in caught.value.mend
    assert exported.left_behind(tmp_path) == []


def test_lower_precision_may_ship_alone(shipped: Path, tmp_path: Path) -> None:
    made = ssdgm_export.convert(
        shipped / "run", tmp_path / "a.ssdgm", precision="int8", limits=LOOSE
    )
    assert {v.precision for v in about(made.path).variants} == {"int8"}
    with model.load(made.path) as opened:
        assert opened.verify().passed


def test_without_a_decoder_only_the_classifier_is_judged(baseline: Path, tmp_path: Path) -> None:
    made = ssdgm_export.convert(
        baseline / "run", tmp_path / "a.ssdgm", precision="fp32,int8", limits=LOOSE
    )
    assert [(g.component, g.measure) for g in made.gates] == [("classifier", "change")]


def test_the_fused_graph_gives_what_its_parts_give(shipped: Path, tmp_path: Path) -> None:
    made = ssdgm_export.convert(
        shipped / "run", tmp_path / "a.ssdgm", precision="fp32,int8", limits=LOOSE, fuse=True
    )
    measures = [g.measure for g in made.gates if g.component == "encoder_classifier"]
    assert measures == ["error", "distortion"]
    x = np.random.default_rng(0).integers(0, 256, (5, *_row(shipped)), dtype=np.uint8)
    with model.load(made.path, variant="fp32") as opened:
        fused = opened.graphs.run("encoder_classifier", {"x": x}, 5)
        latent, found = opened.encode(x), opened.classify(x)
    np.testing.assert_allclose(fused["probs"], found.probs, atol=1e-6)
    np.testing.assert_allclose(fused["logits"], found.logits, atol=1e-5)
    np.testing.assert_allclose(fused["z_mean"], latent.mean, atol=1e-5)
    np.testing.assert_allclose(fused["z_scale"], latent.scale, atol=1e-5)


def test_there_is_nothing_to_fuse_without_an_encoder(baseline: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match="fuse is on, but the model has no encoder"):
        ssdgm_export.convert(baseline / "run", tmp_path / "a.ssdgm", fuse=True)
    assert exported.left_behind(tmp_path) == []


@pytest.mark.parametrize("words", ["", "fp64", "fp32,int4", "fp32,,int8", [], [3], 5, None])
def test_an_unknown_precision(words: object) -> None:
    with pytest.raises(errors.InputError, match="fp32, int8, fp16"):
        variants.precisions(words)


def test_precisions_are_taken_once_each() -> None:
    assert variants.precisions(" fp32, int8,fp32") == ("fp32", "int8")


@pytest.mark.parametrize(
    ("text", "share"), [("0.2%", 0.002), (" 1 % ", 0.01), ("0%", 0), ("100%", 1)]
)
def test_limits_are_percentages(text: str, share: float) -> None:
    found = allowance.parse(text, text)
    assert (found.drop, found.distortion) == (pytest.approx(share), pytest.approx(share))


@pytest.mark.parametrize("text", ["", "%", "many", "-1%", "101%", "nan%", "inf%", "0.2", "1%%"])
def test_limits_that_are_none(text: str) -> None:
    with pytest.raises(errors.InputError, match="max-drop"):
        allowance.parse(text, "1%")
    with pytest.raises(errors.InputError, match="max-distortion"):
        allowance.parse("1%", text)


def rows(n: int, kind: str = "validation") -> gate.Rows:
    x = np.arange(n, dtype=np.float32)[:, None]
    return gate.Rows(x, np.arange(n) % 2, kind, exported.labels(2))


class Fixed(session.Session):
    """A classifier's session that answers from a table."""

    def __init__(self, ones: NDArray[np.float32]) -> None:
        self.ones = ones
        self.inputs = {"x": Tensor("x", "float32", ("batch", 1))}
        self.outputs = {k: Tensor(k, "float32", ("batch", 2)) for k in ("logits", "probs")}

    def run(  # type: ignore[override]
        self, feeds: dict[str, NDArray[np.float32]]
    ) -> dict[str, NDArray[np.float32]]:
        one = self.ones[feeds["x"][:, 0].astype(int)]
        probs = np.stack([1 - one, one], axis=1)
        return {"logits": probs - 0.5, "probs": probs}


def judged(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    of: gate.Rows | None = None,
) -> gate.Gate:
    found = {b"before": Fixed(before), b"after": Fixed(after)}
    limits = allowance.Limits(drop=0.02)
    judge = gate.Judge(
        {"classifier": b"before"},
        {"classifier": ("x",)},
        of or rows(len(before)),
        limits,
        lambda name, data: found[data],
    )
    (verdict,) = judge.judge("classifier", "int8", b"after")
    return verdict


def test_the_cost_and_its_standard_error_are_of_the_rows_own_differences() -> None:
    right = (np.arange(1000) % 2).astype(np.float32)
    wrong = right.copy()
    wrong[:30] = 1 - wrong[:30]  # 30 rows lost
    found = judged(right, wrong)
    assert (found.fp32, found.found, found.cost) == pytest.approx((0, 0.03, 0.03))
    assert found.deviation == pytest.approx((0.03 * 0.97 / 1000) ** 0.5)
    assert not found.passed
    assert judged(wrong, right).passed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_does_not_pass(value: float) -> None:
    right = (np.arange(1000) % 2).astype(np.float32)
    broken = right.copy()
    broken[7] = value
    found = judged(right, broken)
    assert found.batch_gap == tolerance.HUGE
    assert not found.passed
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(("changed", "passes"), [(1, True), (3, False)])
def test_without_labels_a_classifier_may_change_few_answers(changed: int, passes: bool) -> None:
    before = (np.arange(100) % 2).astype(np.float32)
    after = before.copy()
    after[:changed] = 1 - after[:changed]
    unknown = dataclasses.replace(rows(100, "training"), y=np.full(100, -1))
    found = judged(before, after, unknown)
    assert (found.measure, found.kind, found.fp32) == ("change", "training", 0)
    assert (found.cost, found.passed) == (pytest.approx(changed / 100), passes)


def test_four_rows_let_nothing_ship() -> None:
    right = (np.arange(4) % 2).astype(np.float32)
    found = judged(right, right)
    assert (found.rows, found.cost, found.passed) == (4, 0, False)


def test_few_validation_rows_leave_the_judgement_to_training_rows(
    m2: Path, tmp_path: Path
) -> None:
    made = ssdgm_export.convert(m2 / "run", tmp_path / "a.ssdgm", precision="fp32,int8")
    assert {(g.rows, g.kind) for g in made.gates} == {(84, "training")}
    assert [g.measure for g in made.gates if g.component == "classifier"] == ["change"]
    assert "change on 84 training rows" in (made.path / "README.md").read_text()


def test_what_cannot_be_measured_is_told(m2: Path) -> None:
    models = m2 / "bundle.ssdgm/models"
    data = (models / "decoder/fp32/model.onnx").read_bytes()
    names = {"decoder": ("y", "z")}
    judge = gate.Judge({"decoder": data}, names, rows(40), allowance.Limits())
    assert judge.judge("decoder", "int8", data) == [
        gate.Gate("decoder", "int8", "nothing", passed=False)
    ]
