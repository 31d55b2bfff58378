"""Files for LiteRT: every graph of every method agrees with torch; a folder holds what it says.

`make litert` runs these, in an environment with litert-torch.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cases
import exported
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ssdgm_train
from ssdgm_export import cli
from ssdgm_export.bundle import golden
from ssdgm_export.deploy import litert
from ssdgm_export.graphs import modules
from ssdgm_export.lite import interpreter, program
from ssdgm_export.proof import parity
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.rows import tensor
from ssdgm_train.problems import Problem

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("litert_torch") is None, reason="needs the extra litert"
)
Arrays = dict[str, NDArray[Any]]
CASES = (
    *exported.COVER,
    ("m2", "windows-float32", ("model.kernels=10",)),
    ("m2", "columns-float32", ("model.periodic=4",)),
    ("m1m2", "windows-float32", ()),
    ("m2", "logistic-uint8", ("model.pooled=[4,6,6]", "regularise.consistency=1")),
)


def feeds(graph: modules.Graph, problem: Problem, rows: int) -> Arrays:
    """Rows over the whole range, probabilities of labels, normal noise."""
    rng = np.random.default_rng(77)
    if problem.columns:
        x = cases.rows("columns-float32", np.arange(rows), 77)
    else:
        x = rng.uniform(0, 255, (rows, *problem.shape)).astype(problem.dtype)
    y = rng.dirichlet(np.ones(problem.labels.width), rows).astype(np.float32)
    given = {**graph.taken(x), "y": y}
    return {
        t.name: given[t.name]
        if t.name in given
        else rng.standard_normal((rows, *t.row)).astype(np.float32)
        for t in graph.spec.inputs
    }


def opened(name: str, graph: modules.Graph, data: bytes) -> interpreter.Interpreter:
    spec = graph.spec
    return interpreter.Interpreter(name, data, program.named((*spec.inputs, *spec.outputs)))


@pytest.mark.parametrize(("name", "kind", "changes"), CASES)
def test_every_graph_agrees_with_torch(
    tmp_path_factory: pytest.TempPathFactory, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    run = exported.folder(tmp_path_factory, name, kind, changes) / "run"
    problem = exported.problem(run)
    for key, graph in exported.traced_modules(run).items():
        data = program.program(graph)
        engine, given = opened(key, graph, data), feeds(graph, problem, 5)
        assert {n: t.row for n, t in engine.inputs.items()} == {
            t.name: t.row for t in graph.spec.inputs
        }
        wanted, found = parity.reference(graph, given), engine.run(given)
        for output, values in wanted.items():
            np.testing.assert_allclose(
                found[output], values, 1e-4, 1e-4, err_msg=f"{key}.{output}"
            )
        small = program.int8(data)
        assert len(small) < len(data)
        answers = opened(key, graph, small).run(given)
        assert all(np.isfinite(values).all() for values in answers.values())


def test_a_file_of_many_rows_answers_any_number(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    run = exported.folder(tmp_path_factory) / "run"
    graph, problem = exported.traced_modules(run)["classifier"], exported.problem(run)
    given = feeds(graph, problem, 7)
    wanted = parity.reference(graph, given)["probs"]
    for batch in (1, 3, 16):
        engine = opened("classifier", graph, program.program(graph, batch))
        assert engine.batch == batch
        np.testing.assert_allclose(engine.run(given)["probs"], wanted, 1e-4, 1e-5)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose validation rows are enough for a gate."""
    out = tmp_path_factory.mktemp("digits") / "run"
    words = ("digits", "--labels", "100", "--method", "m2", "--set", "train.steps=30")
    assert cli.run(["train", *words, "--out", str(out), "-q"]) == 0
    return out


def test_a_folder_has_what_it_says(digits: Path, tmp_path: Path) -> None:
    names = ("classifier", "encoder", "decoder", "scorer")
    made = litert.deploy(digits, tmp_path / "a", graphs=names, precision="fp32,int8")
    about = json.loads((tmp_path / "a/litert.json").read_text())
    assert about["files"] == made.to_json()["files"]
    assert [(f.graph, f.precision) for f in made.files] == [
        *((name, "fp32") for name in names),
        *((name, "int8") for name in names[:3]),
    ]  # scores are ranked to their last digits
    for file in made.files:
        assert (tmp_path / "a" / file.path).stat().st_size == file.bytes
        assert file.microseconds > 0
        assert file.onnx_microseconds > 0
    assert about["labels"]["names"] == [str(i) for i in range(10)]
    assert (tmp_path / "a/labels.txt").read_text().split() == about["labels"]["names"]
    assert about["graphs"]["classifier"]["inputs"] == [
        {"name": "x", "of": "x", "dtype": "uint8", "shape": [1, 8, 8]}
    ]
    assert made.parity.passed
    assert all(gate.passed for gate in made.gates)


def test_its_golden_rows_and_its_readme_hold_elsewhere(digits: Path, tmp_path: Path) -> None:
    """In a process that has no more than the interpreter and numpy."""
    litert.deploy(digits, tmp_path / "a", graphs=["classifier", "encoder"], batch=2)
    text = (tmp_path / "a/README.md").read_text()
    example = text.split("```python\n")[1].split("```")[0]
    check = (
        "golden = np.load('golden/classifier/fp32/probs.npy')[:2]\n"
        "assert np.abs(answer['probs'] - golden).max() < 1e-4\n"
        "import sys; assert not {'torch', 'ssdgm_runtime'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", example + check],
        cwd=tmp_path / "a",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "probs" in done.stdout
    assert 'interpreter.runSignature(mapOf("x" to x), mapOf("logits" to logits' in text
    assert "val x = ByteBuffer.allocateDirect(128)" in text  # two rows of 64 bytes


def test_codes_of_tables_have_32_bits(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = exported.folder(tmp_path_factory, "m2", "columns-float32") / "run"
    litert.deploy(run, tmp_path / "a", graphs=["classifier"])
    about = json.loads((tmp_path / "a/litert.json").read_text())
    given = {t["name"]: t["dtype"] for t in about["graphs"]["classifier"]["inputs"]}
    assert given == {"x": "float32", "codes": "int32"}
    assert "// int32 [1, " in (tmp_path / "a/README.md").read_text()


def test_views_have_names_of_their_own(tmp_path: Path) -> None:
    data = cases.several(60, 30, 24)
    arrays: dict[str, Any] = {"y": data.y, "x.left": data.x[:, :6], "x.right": data.x[:, 6:]}
    np.savez(tmp_path / "rows.npz", **arrays)
    plan = cases.small_recipe("views", "train.steps=10", "data.validation=12")
    begun = ssdgm_train.begin(str(tmp_path / "rows.npz"), plan, tmp_path / "run", device="cpu")
    for _ in ssdgm_train.train(begun):
        pass
    litert.deploy(tmp_path / "run", tmp_path / "a", graphs=["classifier"])
    about = json.loads((tmp_path / "a/litert.json").read_text())
    shown = [(t["name"], t["of"]) for t in about["graphs"]["classifier"]["inputs"]]
    assert shown == [("x_left", "x.left"), ("x_right", "x.right")]


def test_slips_are_refused_and_nothing_is_written(digits: Path, tmp_path: Path) -> None:
    def refusal(out: Path, **options: Any) -> str:  # noqa: ANN401
        with pytest.raises(errors.SsdgmError) as caught:
            litert.deploy(digits, out, **options)
        return str(caught.value)

    assert "some of fp32, int8" in refusal(tmp_path / "a", precision="fp16")
    assert "some of classifier, encoder, decoder" in refusal(tmp_path / "a", graphs=["tail"])
    assert "batch" in refusal(tmp_path / "a", batch=0)
    assert "inside" in refusal(digits / "a")
    (tmp_path / "there").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "program", lambda *_: pytest.fail("worked before it looked"))
        assert "already exists" in refusal(tmp_path / "there", graphs=["decoder"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_golden_rows_are_computed_before_anything_is_written(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interpreter.Interpreter.run

    def wrong(engine: interpreter.Interpreter, given: Arrays) -> Arrays:
        answers = run(engine, given)
        last = {k: v[-1:] + 0.01 for k, v in answers.items()}
        broken = {k: np.concatenate([v[:-1], last[k]]) for k, v in answers.items()}
        return broken if len(next(iter(given.values()))) == golden.ROWS else answers

    monkeypatch.setattr(interpreter.Interpreter, "run", wrong)
    with pytest.raises(parity.ParityError, match=r"classifier\.tflite differs from its golden"):
        litert.deploy(digits, tmp_path / "a", graphs=["classifier"])
    assert not [*tmp_path.iterdir()]


def test_int8_without_the_graph_beside_it_is_left_out(digits: Path, tmp_path: Path) -> None:
    made = litert.deploy(digits, tmp_path / "a", graphs=["decoder"], precision="fp32,int8")
    assert [file.path for file in made.files] == ["decoder.tflite"]
    assert [(gate.measure, gate.passed) for gate in made.gates] == [("nothing", False)]


def test_what_the_interpreter_lacks_is_a_sentence(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(program.LiteError, match=r"the graph tail .* Leave it out"):
        interpreter.Interpreter("tail", b"TFL3" * 40, {})


def test_pictures_of_any_size_are_refused() -> None:
    side = tensor.Tensor("x", "uint8", ("batch", "16*height", "16*width", 3))
    graph = modules.Graph("classifier", torch.nn.Identity(), interface.Graph((side,), (), ()))
    with pytest.raises(errors.InputError, match="sides of many lengths"):
        program.check(graph)
