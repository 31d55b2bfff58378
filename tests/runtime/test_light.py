"""Importing the runtime brings numpy and little else; what is loaded is checked, not how long."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "onnxruntime",
    "onnx",
    "torch",
    "typer",
    "rich",
    "click",
    "PIL",
    "sklearn",
    "matplotlib",
    "safetensors",
    "ssdgm_train",
    "ssdgm_export",
    "argparse",
    "asyncio",
    "concurrent",
    "ctypes",
    "csv",
    "email",
    "gzip",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "numpy.random",
    "platform",
    "secrets",
    "socket",
    "subprocess",
    "tempfile",
    "unittest",
    "urllib.request",
    "zipfile",
    "ssdgm_runtime.bench",
    "ssdgm_runtime.readers.inputs",
    "ssdgm_runtime.pictures.png",
    "ssdgm_runtime.inference.verification",
    "ssdgm_runtime.console.commands",
}


def heavy(code: str) -> set[str]:
    """Which of HEAVY a fresh interpreter loads for this code, beyond numpy and site."""
    script = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        f"{code}\n"
        "print(*(set(sys.modules) - before), sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split()) & HEAVY


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert heavy("import ssdgm_runtime") == set()
    assert heavy("from ssdgm_runtime import load, Model, Options") == set()


def test_the_package_says_what_it_has_and_what_it_has_not() -> None:
    import ssdgm_runtime

    assert set(ssdgm_runtime.__all__) <= set(dir(ssdgm_runtime))
    with pytest.raises(AttributeError, match="has no attribute 'lead'"):
        ssdgm_runtime.lead  # noqa: B018


MODULES = (
    "errors",
    "readers.inputs",
    "bundle.manifest",
    "inference.noise",
    "pictures.png",
    "engine.session",
)


@pytest.mark.parametrize("module", MODULES)
def test_importing_a_module_loads_no_engine(module: str) -> None:
    assert heavy(f"import ssdgm_runtime.{module}") <= {f"ssdgm_runtime.{module}"}


def test_every_command_starts_without_what_only_a_benchmark_needs() -> None:
    found = heavy("import ssdgm_runtime.__main__")
    assert not found & {"subprocess", "tempfile", "concurrent", "numpy.random", "onnxruntime"}


@pytest.mark.parametrize(
    "planted", ["onnxruntime", "zipfile", "argparse", "ssdgm_runtime.pictures.png"]
)
def test_the_check_would_notice(planted: str) -> None:
    if planted == "onnxruntime":
        pytest.importorskip("onnxruntime")
    assert planted in heavy(f"import ssdgm_runtime, {planted}")


def test_a_bundle_runs_without_the_workshop(data: Path) -> None:
    """Opening, checking and using a bundle needs none of what made it."""
    code = (
        f"import ssdgm_runtime; m = ssdgm_runtime.load({str(data / 'tiny.ssdgm')!r});"
        "m.verify(); m.generate(n=2)"
    )
    workshop = {"torch", "onnx", "typer", "rich", "PIL", "sklearn", "ssdgm_train", "ssdgm_export"}
    assert not heavy(code) & workshop
