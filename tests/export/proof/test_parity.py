"""torch against the engine: what passes, what fails, and what is counted."""

from dataclasses import replace
from pathlib import Path

import exported
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import ssdgm_export
from ssdgm_export.cli import run as cli
from ssdgm_export.graphs import modules, trace
from ssdgm_export.proof import parity
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.rows import tensor as declared

LABELS = exported.labels(3)
ROWS = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)


class Linear(nn.Module):
    """A classifier of one matrix."""

    def __init__(self, weight: NDArray[np.float32]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(weight))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        (x,) = tensors
        logits = x @ self.weight
        return logits, logits.softmax(-1)


def classifier(weight: NDArray[np.float32]) -> dict[str, modules.Graph]:
    classes = weight.shape[1]
    spec = interface.Graph(
        (declared.Tensor("x", "float32", ("batch", 4)),),
        tuple(declared.Tensor(k, "float32", ("batch", classes)) for k in ("logits", "probs")),
    )
    return {"classifier": modules.Graph("classifier", Linear(weight).eval(), spec)}


def traced(found: dict[str, modules.Graph]) -> dict[str, bytes]:
    return {key: trace.trace(graph, {}) for key, graph in found.items()}


WEIGHT = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)


def test_a_faithful_graph_passes_and_is_measured() -> None:
    found = classifier(WEIGHT)
    report = parity.compare(found, traced(found), ROWS, LABELS, batches=(1, 2, 257))
    assert report.passed
    assert report.batches == (1, 2, 257)
    assert report.rows == len(ROWS)
    assert report.compared == len(ROWS)
    assert 0 < report.worst < 0.1
    assert report.max_abs.keys() == {"classifier"}
    assert report.max_abs["classifier"].keys() == {"logits", "probs"}


def test_a_graph_that_computes_something_else_fails() -> None:
    wrong = traced(classifier(WEIGHT + np.float32(0.01)))
    with pytest.raises(parity.ParityError, match="times what is allowed") as caught:
        parity.compare(classifier(WEIGHT), wrong, ROWS, LABELS)
    assert caught.value.exit_code == 1
    assert "--atol" in caught.value.mend


def test_another_prediction_fails_where_the_two_best_are_apart() -> None:
    wrong = traced(classifier(WEIGHT[:, ::-1].copy()))
    with pytest.raises(parity.ParityError, match=r"predicts otherwise on [1-9]\d* rows"):
        parity.compare(classifier(WEIGHT), wrong, ROWS, LABELS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_fails_whatever_the_tolerance(value: float) -> None:
    broken = WEIGHT.copy()
    broken[0, 0] = value
    with pytest.raises(parity.ParityError):
        parity.compare(classifier(WEIGHT), traced(classifier(broken)), ROWS, LABELS, 1e30, 1e30)


def test_nan_on_both_sides_fails() -> None:
    found = classifier(np.full((4, 3), np.nan, np.float32))
    with pytest.raises(parity.ParityError):
        parity.compare(found, traced(found), ROWS, LABELS)


def test_exact_equality_passes_a_tolerance_of_zero() -> None:
    found = classifier(np.zeros((4, 3), np.float32))
    report = parity.compare(found, traced(found), ROWS, LABELS, 0.0, 0.0, batches=(2,))
    assert (report.passed, report.worst) == (True, 0.0)


def test_rows_that_are_too_close_to_tell_are_counted_and_may_differ() -> None:
    tie = np.repeat(WEIGHT[:, :1], 2, axis=1)
    other = tie.copy()
    other[:, 1] += np.float32(1e-6)
    report = parity.compare(
        classifier(tie), traced(classifier(other)), ROWS, LABELS, batches=(17,)
    )
    assert report.passed
    assert report.close_calls == report.compared == 17
    assert report.disagreements == ()


def test_a_row_s_prediction_is_compared_once_however_often_it_is_taken() -> None:
    few = np.eye(4, dtype=np.float32)[:3]
    report = parity.compare(
        classifier(WEIGHT), traced(classifier(WEIGHT)), few, LABELS, batches=(5, 2)
    )
    assert (report.rows, report.compared) == (3, 3)
    many = parity.compare(
        classifier(WEIGHT), traced(classifier(WEIGHT)), ROWS, LABELS, batches=(5, 2)
    )
    assert (many.rows, many.compared) == (5, 5)
    wrong = traced(classifier(np.roll(WEIGHT, 1, axis=1)))
    with pytest.raises(parity.ParityError, match="predicts otherwise on 1 rows"):
        parity.compare(classifier(WEIGHT), wrong, ROWS[:1], LABELS)


def test_rows_that_are_apart_are_no_close_calls() -> None:
    apart = np.zeros((4, 2), np.float32)
    apart[0] = (5, -5)
    found = classifier(apart)
    rows = np.ones((3, 4), np.float32)
    report = parity.compare(found, traced(found), rows, LABELS, batches=(3,))
    assert (report.compared, report.close_calls) == (3, 0)


def test_the_worst_share_is_that_of_the_tolerance() -> None:
    found = classifier(WEIGHT)
    wrong = traced(classifier(WEIGHT * np.float32(1.001)))
    loose = parity.compare(found, wrong, ROWS, LABELS, 0.1, 0.0)
    tight = parity.compare(found, wrong, ROWS, LABELS, 0.05, 0.0)
    assert tight.worst == pytest.approx(2 * loose.worst)


def test_figures_do_not_depend_on_torch_s_threads() -> None:
    found = classifier(WEIGHT)
    files = traced(found)
    reports = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        reports.append(parity.compare(found, files, ROWS, LABELS))
        assert torch.get_num_threads() == threads
    assert reports[0] == reports[1]


def perturb(data: bytes) -> bytes:
    """The same graph with one weight matrix changed a little."""
    proto = onnx.load_from_string(data)
    tensor = next(
        t
        for t in proto.graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2
    )
    values = onnx.numpy_helper.to_array(tensor) + np.float32(0.05)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return proto.SerializeToString()


@pytest.fixture
def planted(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run, and a tracer that gets one weight matrix wrong."""
    honest = trace.trace
    monkeypatch.setattr(trace, "trace", lambda *given: perturb(honest(*given)))
    return baseline / "run"


def test_a_bundle_that_fails_is_not_written(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(parity.ParityError, match="classifier"):
        ssdgm_export.convert(planted, tmp_path / "wrong.ssdgm")
    assert exported.left_behind(tmp_path) == []


def test_the_command_line_ends_with_1(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(["convert", str(planted), "-o", str(tmp_path / "wrong.ssdgm.zip")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: logits of the exported classifier differs from torch by ")
    assert exported.left_behind(tmp_path) == []


def test_a_tolerance_that_allows_it_lets_it_pass(planted: Path, tmp_path: Path) -> None:
    made = ssdgm_export.convert(planted, tmp_path / "loose.ssdgm", atol=1e6)
    about = manifest.loads((made.path / "manifest.json").read_bytes())
    assert {variant.atol for variant in about.variants} == {1e6}


def test_the_message_names_the_graph_the_output_and_the_difference() -> None:
    wrong = traced(classifier(WEIGHT + np.float32(0.01)))
    with pytest.raises(parity.ParityError) as caught:
        parity.compare(classifier(WEIGHT), wrong, ROWS, LABELS)
    assert "of the exported classifier differs from torch by up to 0.0" in str(caught.value)
    assert "{" not in str(caught.value)
    assert caught.value.mend.startswith("Nothing was written. Raise --atol")


def test_rows_that_single_precision_limits_are_counted_and_fail_nothing() -> None:
    far = ROWS.copy()
    far[3] *= 1e6  # logits of a million, whose sixth digit is rounding
    found = classifier(WEIGHT)
    other = traced(classifier(np.nextafter(WEIGHT, np.float32(9)).astype(np.float32)))
    report = parity.compare(found, other, far, LABELS, rtol=0.0, batches=(40,))
    assert report.passed
    assert report.limited > 0
    with pytest.raises(parity.ParityError):
        parity.compare(
            found, traced(classifier(WEIGHT * np.float32(1.001))), far, LABELS, rtol=0.0
        )


def test_a_tolerance_is_of_an_output_s_own_units() -> None:
    (graph,) = classifier(WEIGHT).values()
    wide = replace(graph, units={"logits": np.array([1.0, 1e3, 1.0])})
    assert np.ravel(wide.atol("logits", 1e-4)).tolist() == pytest.approx([1e-4, 0.1, 1e-4])
    assert wide.atol("probs", 1e-4) == 1e-4
