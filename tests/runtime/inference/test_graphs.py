import importlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors, model


def declare(component: str, side: str, index: int, **fields: object) -> Callable[[object], None]:
    """Say something else of an input or output of one graph."""

    def change(document: object) -> None:
        io = document["additional_metadata"]["ssdgm"]["io"]
        io[component][side][index] |= fields

    return change


OTHER = {
    "an input's shape": ("classifier", "inputs", 0, {"shape": ["batch", 7, 7]}),
    "an input's rank": ("classifier", "inputs", 0, {"shape": ["batch", 16]}),
    "an input's dtype": ("classifier", "inputs", 0, {"dtype": "float32"}),
    "an output's shape": ("decoder", "outputs", 0, {"shape": ["batch", 4, 5]}),
    "an output's dtype": ("decoder", "outputs", 1, {"dtype": "float64"}),
    "an output's name": ("decoder", "outputs", 1, {"name": "mean"}),
    "the latent's width": ("encoder", "outputs", 0, {"shape": ["batch", 3]}),
}


@pytest.mark.parametrize("case", OTHER)
def test_a_graph_that_is_not_as_declared(edit: Callable[..., Path], case: str) -> None:
    component, side, index, fields = OTHER[case]
    folder = edit(declare(component, side, index, **fields))
    with pytest.raises(errors.FormatError, match="as the manifest says") as caught:
        model.load(folder).warmup()
    assert f"models/{component}/fp32/model.onnx" in str(caught.value)


def test_the_first_graph_is_opened_at_once(edit: Callable[..., Path]) -> None:
    with pytest.raises(errors.FormatError, match="as the manifest says"):
        model.load(edit(declare("classifier", "inputs", 0, shape=["batch", 7, 7])))


def test_the_message_shows_both_sides(edit: Callable[..., Path]) -> None:
    with pytest.raises(errors.FormatError) as caught:
        model.load(edit(declare("classifier", "inputs", 0, shape=["batch", 7, 7])))
    assert caught.value.found.endswith("has x uint8 [batch, 4, 4]")
    assert caught.value.expected.startswith("x uint8 [batch, 7, 7]")


@pytest.mark.parametrize("command", ["verify", "classify"])
@pytest.mark.parametrize("program", ["ssdgm_runtime.__main__", "ssdgm_export.cli"])
def test_both_command_lines_end_with_2(
    edit: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    program: str,
    command: str,
) -> None:
    if program == "ssdgm_export.cli":
        pytest.importorskip("typer")
    found = importlib.import_module(program)
    run = getattr(found, "run", None) or found.main
    np.save(tmp_path / "rows.npy", np.zeros((2, 7, 7), np.uint8))
    folder = edit(declare("classifier", "inputs", 0, shape=["batch", 7, 7]))
    rows = [str(tmp_path / "rows.npy")] if command == "classify" else []
    assert run([command, str(folder), *rows, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "FormatError"


def test_a_batch_of_one_size_is_refused(bundle: Path, reseal: Callable[..., Path]) -> None:
    onnx = pytest.importorskip("onnx")
    path = bundle / "models/decoder/fp32/model.onnx"
    proto = onnx.load(path)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    path.write_bytes(proto.SerializeToString())
    with (
        model.load(reseal(bundle)) as opened,
        pytest.raises(errors.FormatError, match=r"y .*\[1, "),
    ):
        opened.generate(0)


def test_the_name_of_the_batch_s_axis_is_free(bundle: Path, reseal: Callable[..., Path]) -> None:
    onnx = pytest.importorskip("onnx")
    for path in (bundle / "models").rglob("model.onnx"):
        proto = onnx.load(path)
        for value in (*proto.graph.input, *proto.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "N"
        path.write_bytes(proto.SerializeToString())
    with model.load(reseal(bundle)) as opened:
        opened.warmup()
