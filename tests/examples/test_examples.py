"""Every example runs, at a small setting, and does what it says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, resume, train
from ssdgm_train.recipes import recipe
from ssdgm_train.settings import RecipeError

pytestmark = pytest.mark.slow
Example = Callable[[str], ModuleType]
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BUNDLE = ROOT / "tests/golden/m2-tiny.ssdgm"
RUN = {
    "two_moons",
    "compare_sklearn",
    "your_own_method",
    "your_own_labels",
    "your_own_labels_on_device",
    "on_a_device",
    "mnist_100_labels",
    "kingma_2014",
    "demo",
}


def test_every_example_is_run_by_a_test() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == RUN


def test_two_moons_are_told_apart_with_eight_labels(example: Example, tmp_path: Path) -> None:
    errors = example("two_moons").main(tmp_path / "moons", steps=1200, seed=0)
    assert errors["m2"] < 0.1 < errors["supervised"]
    picture = (tmp_path / "moons/moons.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    for method in errors:
        with ssdgm_runtime.load(tmp_path / f"moons/{method}.ssdgm") as model:
            assert model.verify().passed


def test_scikit_learn_s_classifiers_are_compared_on_the_same_draws(
    example: Example, tmp_path: Path
) -> None:
    module = example("compare_sklearn")
    names = ["two moons", "digits"]
    found = module.main(tmp_path / "out", seeds=2, steps=60, rows=220, names=names)
    assert list(found) == names
    for ways in found.values():
        assert ways.keys() == {*module.PEERS, "M2 (ours)"}
        assert all(len(errors) == 2 and max(errors) < 0.6 for errors in ways.values())
    lines = (tmp_path / "out/table.md").read_text().splitlines()
    assert len(lines) == 2 + 5
    assert (tmp_path / "out/errors.png").read_bytes().startswith(b"\x89PNG")


def test_a_method_of_one_s_own_trains_resumes_and_runs_as_a_bundle(tmp_path: Path) -> None:
    own = f"{EXAMPLES / 'your_own_method.py'}:METHOD"
    plan = recipe.load(None, own, ["train.steps=200", "run.evaluate_every=100", "run.baseline=0"])
    half = begin("digits", plan, tmp_path / "run", labelled=100)
    next(step for step in train(half) if step.step == 100)
    session = resume(tmp_path / "run")
    assert [step.step for step in train(session)][-1] == 200
    bundle = convert(tmp_path / "run", tmp_path / "own.ssdgm")
    with ssdgm_runtime.load(bundle.path) as model:
        assert model.tasks == ("classify",)
        assert model.verify().passed
        assert (model.predict(session.data.x_test) != session.data.y_test).mean() < 0.25


@pytest.fixture
def scale(tmp_path: Path) -> Path:
    """Rows of five levels in order, few of them with their level."""
    rng = np.random.default_rng(0)
    level = rng.uniform(0, 5, 700)
    x = np.column_stack([level, np.sin(level), 0 * level]) + 0.2 * rng.normal(size=(700, 3))
    y = level.astype(int)
    known = np.where(np.arange(500) < 100, y[:500], -1)
    arrays = {"x_train": x[:500], "y_train": known, "x_test": x[500:], "y_test": y[500:]}
    np.savez(tmp_path / "scale.npz", **{k: v.astype(float) for k, v in arrays.items()})
    return tmp_path / "scale.npz"


def test_labels_of_one_s_own_train_resume_and_run_on_a_device(scale: Path, tmp_path: Path) -> None:
    own = f"{EXAMPLES / 'your_own_labels.py'}:Levels"
    changes = [f"data.labels_as={own}", "train.steps=300", "run.evaluate_every=100"]
    session = begin(str(scale), recipe.load(None, "m2", changes), tmp_path / "run", labelled=100)
    next(step for step in train(session) if step.step == 100)
    session = resume(tmp_path / "run")
    assert [step.step for step in train(session)][-1] == 300
    assert session.run.result is not None
    assert session.run.result.baseline is not None
    assert session.run.result.test is not None
    bundle = convert(tmp_path / "run", tmp_path / "levels.ssdgm")
    rows = session.data.x_test
    with ssdgm_runtime.load(bundle.path) as model:
        answer = model.classify(rows)
        assert model.space.space == "levels"
        assert (answer.labels != session.data.y_test).mean() == session.run.result.test.error
        assert np.abs(answer.expected - session.data.y_test).mean() < 0.5
        assert model.verify().passed
        assert model.generate("4", 3).x.shape == (3, 3)


def test_levels_have_raw_numbers_and_back(example: Example) -> None:
    module = example("your_own_labels")
    raw = 2 * torch.randn(50, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    probs = module.log_levels(raw).exp()
    torch.testing.assert_close(probs.sum(-1), torch.ones(50, 3).double())
    torch.testing.assert_close(
        module.raw_numbers(module.log_levels(raw)), raw, rtol=1e-3, atol=1e-3
    )
    space = module.Levels((0.2,) * 5)
    pooled = space.outputs(space.pooled(raw))["probs"]
    torch.testing.assert_close(pooled, probs.mean(1), rtol=1e-4, atol=1e-4)
    again = space.outputs(space.posterior(probs[:, 0].log() + 3))["probs"]
    torch.testing.assert_close(again, probs[:, 0], rtol=1e-4, atol=1e-4)


def test_a_method_that_pools_draws_has_levels_too(scale: Path, tmp_path: Path) -> None:
    own = f"{EXAMPLES / 'your_own_labels.py'}:Levels"
    changes = [f"data.labels_as={own}", "train.steps=60", "run.baseline=0", "model.hidden=[16]"]
    changes += ["model.latent=2", "model.auxiliary=2"]
    for _ in train(begin(str(scale), recipe.load(None, "adgm", changes), tmp_path / "run")):
        pass
    convert(tmp_path / "run", tmp_path / "levels.ssdgm")


def test_margins_are_of_classes_alone(scale: Path, tmp_path: Path) -> None:
    own = f"{EXAMPLES / 'your_own_labels.py'}:Levels"
    plan = recipe.load(None, "m1", [f"data.labels_as={own}"])
    with pytest.raises(RecipeError, match="s3vm, which separates classes"):
        begin(str(scale), plan, tmp_path / "run")


def test_a_device_answers_in_levels_without_torch(scale: Path, tmp_path: Path) -> None:
    own = f"{EXAMPLES / 'your_own_labels.py'}:Levels"
    changes = [f"data.labels_as={own}", "train.steps=50", "run.baseline=0"]
    for _ in train(begin(str(scale), recipe.load(None, "supervised", changes), tmp_path / "run")):
        pass
    convert(tmp_path / "run", tmp_path / "levels.ssdgm")
    code = (
        "import sys, numpy; from ssdgm_runtime import load\n"
        "from ssdgm_runtime.labels import registry\n"
        "registry.SPACES['levels'] = 'your_own_labels_on_device'\n"
        "answer = load('levels.ssdgm').classify(numpy.zeros((2, 3), numpy.float32))\n"
        "print(answer.expected.shape, 'torch' in sys.modules)\n"
    )
    paths = [str(EXAMPLES), *sys.path]
    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == "(2,) False\n"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Digits that the golden bundle made up."""
    with ssdgm_runtime.load(BUNDLE) as model:
        np.save(tmp_path / "rows.npy", model.generate([3, 8], n=5, seed=1).as_input())
    return tmp_path / "rows.npy"


def test_an_app_on_a_device_names_rows_or_says_that_it_is_unsure(
    example: Example, rows: Path
) -> None:
    module = example("on_a_device")
    sorter, x = module.Sorter(str(BUNDLE), confidence=0.9), np.load(rows)
    names = sorter.sort(x)
    with ssdgm_runtime.load(BUNDLE) as model:
        found = model.classify(x)
    sure = found.probs.max(axis=1) >= 0.9
    assert names == [n if ok else "?" for n, ok in zip(found.names, sure, strict=True)]
    assert module.Sorter(str(BUNDLE), confidence=2.0).sort(x) == ["?"] * len(x)
    np.testing.assert_array_equal(sorter.example("3"), sorter.example("3"))


def test_an_app_on_a_device_runs_from_the_command_line_without_torch(rows: Path) -> None:
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['typer'] = None;"
        f"sys.argv = ['on_a_device.py', {str(BUNDLE)!r}, {str(rows)!r}];"
        f"runpy.run_path({str(EXAMPLES / 'on_a_device.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 10


def test_an_app_on_a_device_says_what_is_wrong_in_one_line(
    example: Example, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example("on_a_device").main("none.ssdgm", str(rows)) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_mnist_runs_alike_in_torch_and_in_the_runtime(
    example: Example, data_dir: Path, tmp_path: Path
) -> None:
    if not (data_dir / "mnist").is_dir():
        pytest.skip("SSDGM_DATA_DIR has no folder mnist")
    assert example("mnist_100_labels").main(tmp_path / "run", steps=40, seed=0) == 0


def test_the_authors_autoencoder_is_measured_and_built_on(
    example: Example, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = data_dir / "kingma2014-m1/m1_mnist_50-500-500.npz"
    if not weights.is_file() or not (data_dir / "mnist").is_dir():
        pytest.skip("SSDGM_DATA_DIR has no folder mnist or kingma2014-m1")
    module = example("kingma_2014")
    assert module.main(weights, tmp_path / "run", labelled=100, steps=200, seed=0) < 0.5
    out = capsys.readouterr().out
    assert "bound on sampled test pixels: 87." in out
    assert "bound on grey test pixels: 9" in out


@pytest.mark.network
def test_the_demo_ends_with_a_picture_and_its_figures(tmp_path: Path) -> None:
    probe = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "flatbuffers")
    if subprocess.run(probe, cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("pip reaches no package index")
    out = tmp_path / "demo"
    words = ("--out", out, "--device", tmp_path / "device", "--seeds", "1")
    small = ("--set", "train.steps=100", "--set", "run.evaluate_every=100")
    command = [str(w) for w in (sys.executable, EXAMPLES / "demo.py", *words, *small)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((out / "report.json").read_text())
    assert report["verified"]
    assert report["parity"]["passed"]
    assert report["errors"].keys() == {"baseline", "spreading", "m2"}
    assert report["error"] == pytest.approx(report["errors"]["m2"][0])
    assert (out / "generated.png").read_bytes().startswith(b"\x89PNG")
    assert f"test error {100 * report['error']:.1f} %" in done.stdout


@pytest.mark.parametrize("name", ["vat", "supervised"])
def test_a_scale_of_one_s_own_is_regularised_by_its_own_answers(
    example: Example, name: str, tmp_path: Path
) -> None:
    module = example("your_own_labels")
    space, raw = module.Levels((0.2,) * 5), torch.randn(6, 4)
    assert space.pseudo(raw, 0.0).value.shape == (6, 5)
    assert space.aligned(raw).shape == (6, 4)
    assert float(space.divergence(raw, raw).abs().max()) < 1e-5
    mean = space.mean(raw).mean(0)
    wanted = float((mean * (mean / 0.2).log()).sum())
    assert float(space.imbalance(raw)) == pytest.approx(wanted, rel=1e-4)
    own = f"{EXAMPLES / 'your_own_labels.py'}:Levels"
    changes = [f"data.labels_as={own}", "train.steps=5", "run.baseline=0", "data.validation=0"]
    changes += [f"regularise.{term}=1" for term in ("consistency", "augmented", "balance")]
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    np.savez(tmp_path / "scale.npz", x=x, y=np.arange(60) % 5)
    plan = recipe.load(None, name, changes)
    steps = [*train(begin(str(tmp_path / "scale.npz"), plan, tmp_path / "run", labelled=30))]
    assert len(steps) == 5
