"""Importing the runtime brings numpy and little else; what is loaded is checked, not how long."""

import subprocess
import sys
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from ssdgm_runtime import model

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
    "fastapi",
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
    "ssdgm_runtime.bundle.golden",
    "ssdgm_runtime.bundle.rowkinds",
    "ssdgm_runtime.bundle.tolerance",
    "ssdgm_runtime.bundle.upgrading",
    "ssdgm_runtime.console.commands",
    "ssdgm_runtime.engine.binding",
    "ssdgm_runtime.engine.plugins",
    "ssdgm_runtime.inference.answers",
    "ssdgm_runtime.inference.batching",
    "ssdgm_runtime.inference.conditionals",
    "ssdgm_runtime.inference.generation",
    "ssdgm_runtime.inference.likelihoods",
    "ssdgm_runtime.inference.noise",
    "ssdgm_runtime.inference.streaming",
    "ssdgm_runtime.inference.tables",
    "ssdgm_runtime.inference.verification",
    "ssdgm_runtime.labels.agreement",
    "ssdgm_runtime.labels.reading",
    "ssdgm_runtime.labels.space",
    "ssdgm_runtime.labels.tags",
    "ssdgm_runtime.pictures.png",
    "ssdgm_runtime.readers.inputs",
    "ssdgm_runtime.readers.raw",
    "ssdgm_runtime.rows.cells",
    "ssdgm_runtime.rows.checks",
    "ssdgm_runtime.rows.columns",
    "ssdgm_runtime.rows.named",
    "ssdgm_runtime.rows.resizing",
    "ssdgm_runtime.rows.series",
    "starlette",
    "uvicorn",
}
MOST_LINES = 3500
"""Of our own code that a model loads, before a call needs more."""


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


def test_a_model_loads_few_lines_of_our_own() -> None:
    script = (
        "import sys, ssdgm_runtime.model\n"
        "ours = [m for n, m in sys.modules.items() if n.split('.')[0] == 'ssdgm_runtime']\n"
        "print(sum(len(open(m.__file__, encoding='utf-8').readlines()) for m in ours))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert 2000 < int(done.stdout) <= MOST_LINES


def test_probabilities_of_an_array_need_no_more_than_the_model(data: Path) -> None:
    pytest.importorskip("onnxruntime")
    code = (
        "import numpy as np, ssdgm_runtime\n"
        f"model = ssdgm_runtime.load({str(data / 'tiny.ssdgm')!r}, provider='cpu')\n"
        "model.predict_proba(np.zeros((3, 4, 4), np.uint8))\n"
    )
    assert not {name for name in heavy(code) if name.startswith("ssdgm_runtime.")}


HOPS = {
    "predict_proba": ["model", "calls", "intake", "session", "proper"],
    "classify": ["model", "calls", "intake", "session", "proper", "proper", "classes", "classes"],
}
"""Each output is looked at, and classes make the answer."""


@pytest.mark.parametrize("call", HOPS)
def test_a_call_goes_through_few_functions(tiny: model.Model, call: str) -> None:
    """What a call costs beyond the engine are the functions that it goes through."""
    x, hops = np.zeros((1, 4, 4), np.uint8), list[str]()
    answer = getattr(tiny, call)
    answer(x)  # opens and settles what the others use

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and "ssdgm_runtime" in path.parts:
            hops.append(path.stem)

    sys.setprofile(note)
    try:
        answer(x)
    finally:
        sys.setprofile(None)
    assert hops == HOPS[call]


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
    loaded = heavy(f"import ssdgm_runtime.{module}")
    assert not {name for name in loaded if not name.startswith("ssdgm_runtime.")}


def test_every_command_starts_without_what_only_a_benchmark_needs() -> None:
    found = heavy("import ssdgm_runtime.__main__")
    assert not found & {"subprocess", "tempfile", "concurrent", "numpy.random", "onnxruntime"}
    assert not found & {"fastapi", "starlette", "uvicorn"}


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
