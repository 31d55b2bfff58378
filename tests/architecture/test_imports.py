"""Who may import whom: import-linter's contracts, each of which catches what it forbids."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import packages
import pytest

LINT = """
import sys
from importlinter import cli
sys.exit(cli.lint_imports("pyproject.toml", no_cache=True, no_logo=True))
"""


def lint(root: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a copy of the repository."""
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_kept() -> None:
    found = lint(packages.ROOT, *(folder.parent for folder in packages.FOLDERS.values()))
    assert found.returncode == 0, found.stdout + found.stderr
    assert ", 0 broken." in found.stdout


VIOLATIONS = {
    "Export stands on train": (
        "ssdgm_train/training/loop.py",
        "import ssdgm_export.bundle.card",
    ),
    "Train knows the runtime's rows": (
        "ssdgm_train/training/loop.py",
        "import ssdgm_runtime.model",
    ),
    "Train needs neither an engine": ("ssdgm_train/training/loop.py", "import onnxruntime"),
    "The runtime needs numpy": ("ssdgm_runtime/inference/noise.py", "import torch"),
    "One file touches the engine": ("ssdgm_export/proof/parity.py", "import onnxruntime"),
    "The command line is thin": ("ssdgm_export/cli/console.py", "import torch"),
    "Methods do not know one another": (
        "ssdgm_train/methods/classifiers/supervised.py",
        "import ssdgm_train.methods.m2",
    ),
    "Classifiers do not know one another": (
        "ssdgm_train/methods/classifiers/vat.py",
        "import ssdgm_train.methods.classifiers.ladder",
    ),
    "The layers of export": ("ssdgm_export/graphs/trace.py", "import ssdgm_export.bundle.card"),
    "The layers of train": (
        "ssdgm_train/probability/objectives.py",
        "import ssdgm_train.training.loop",
    ),
    "The layers of the runtime": (
        "ssdgm_runtime/errors.py",
        "import ssdgm_runtime.inference.noise",
    ),
    "What a device runs is a closed core": (
        "ssdgm_runtime/model.py",
        "import ssdgm_runtime.pictures.latent",
    ),
    "One room knows a web framework": ("ssdgm_runtime/console/doctor.py", "import uvicorn"),
    "No import leads back": ("ssdgm_train/data/dataset.py", "import ssdgm_train.data.split"),
}


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [(contract, *planted) for contract, planted in VIOLATIONS.items()],
    ids=list(VIOLATIONS),
)
def test_a_planted_violation_is_caught(
    tmp_path: Path, contract: str, file: str, line: str
) -> None:
    for name, folder in packages.FOLDERS.items():
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(packages.ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a") as stream:
        stream.write(f"\n\ndef late() -> None:\n    {line}\n")
    found = lint(tmp_path, tmp_path)
    broken = [row for row in found.stdout.splitlines() if "BROKEN" in row]
    assert any(row.startswith(contract) for row in broken), found.stdout + found.stderr


def test_every_contract_has_a_planted_violation() -> None:
    import tomllib

    settings = tomllib.loads((packages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]
    left_out = [name for name in names if not name.startswith(tuple(VIOLATIONS))]
    assert not left_out, f"plant a violation of {left_out[0]!r} in {Path(__file__).name}"


def test_train_may_know_four_names_of_the_runtime_and_no_more() -> None:
    import tomllib

    settings = tomllib.loads((packages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = (c for c in contracts if c["name"].startswith("Train knows"))
    forbidden = {name.removeprefix("ssdgm_runtime.") for name in contract["forbidden_modules"]}
    folder = packages.FOLDERS["ssdgm_runtime"]
    there = {p.stem for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert there - forbidden - {"__init__"} == {"rows", "readers", "atomic", "errors"}
    assert "ignore_imports" not in contract


def test_a_module_that_no_layer_names_is_caught(tmp_path: Path) -> None:
    for name, folder in packages.FOLDERS.items():
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(packages.ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "ssdgm_train" / "stray.py").write_text('"""A stray."""\n')
    found = lint(tmp_path, tmp_path)
    assert found.returncode != 0
    assert "ssdgm_train.stray" in found.stdout


HEAVY = ("onnx", "onnxruntime", "onnxscript", "typer", "rich", "matplotlib", "sklearn", "scipy")


def loaded(statement: str, names: tuple[str, ...]) -> list[str]:
    """Which of some modules a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*[n for n in {names!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_training_is_imported_without_an_engine_or_a_command_line() -> None:
    assert loaded("import ssdgm_train", (*HEAVY, "ssdgm_export", "torch")) == ["torch"]


def test_the_check_of_lightness_sees_what_is_loaded() -> None:
    assert loaded("import rich", HEAVY) == ["rich"]
