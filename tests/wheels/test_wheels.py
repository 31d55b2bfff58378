"""The three wheels: what is in them, and the runtime's alone in an empty environment."""

import email
import json
import os
import platform
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exported
import numpy as np
import pytest

import ssdgm_export
import ssdgm_runtime
import ssdgm_train

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "tests/golden/m2-tiny.ssdgm"
CONSTRAINTS = ROOT / "constraints.txt"
PACKAGES = {
    "ssdgm_runtime": ssdgm_runtime,
    "ssdgm_train": ssdgm_train,
    "ssdgm_export": ssdgm_export,
}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
ENGINES = ("onnxruntime", "onnxruntime-gpu")
OLDEST = "onnxruntime==1.20.*"
OPENVINO = "onnxruntime-openvino==1.24.*"
PLUGINS = ("onnxruntime-ep-openvino==1.8.*", "onnxruntime-ep-webgpu==0.4.*")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def call(*words: object, **options: Any) -> "subprocess.CompletedProcess[str]":  # noqa: ANN401
    """A command outside this process, free of its Python settings."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    line = [str(word) for word in words]
    return subprocess.run(line, capture_output=True, text=True, env=plain, **options)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three wheels."""

    def build(place: Path) -> None:
        sources = (ROOT / "runtime", ROOT / "train", ROOT)
        made = call(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", place, *sources)
        assert made.returncode == 0, made.stderr

    return exported.once(tmp_path_factory, "wheels", build)


def wheel(folder: Path, name: str) -> Path:
    found = list(folder.glob(f"{name}-*.whl"))
    assert len(found) == 1, f"wheels of {name}: {found}"
    return found[0]


def metadata(path: Path) -> Any:  # noqa: ANN401
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_holds_its_package_and_nothing_else(name: str, wheels: Path) -> None:
    path = wheel(wheels, name)
    version = PACKAGES[name].__version__
    with zipfile.ZipFile(path) as archive:
        files = set(archive.namelist())
    told = f"{name}-{version}.dist-info"
    assert {file.split("/")[0] for file in files} == {name, told}
    assert f"{name}/py.typed" in files
    assert f"{told}/licenses/LICENSE" in files
    folder = Path(PACKAGES[name].__file__ or "").parent
    sources = {
        f"{name}/{p.relative_to(folder).as_posix()}"
        for p in folder.rglob("*")
        if p.suffix in (".py", ".toml", ".json") or p.parent.name == "site"
    }
    kinds = {file for file in files if file.startswith(f"{name}/")}
    assert kinds == {*sources, f"{name}/py.typed"}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_says_what_it_needs(name: str, wheels: Path) -> None:
    told = metadata(wheel(wheels, name))
    assert told["Version"] == ssdgm_runtime.__version__
    assert told["Requires-Python"] == ">=3.11"
    assert told["License-Expression"] == "Apache-2.0"
    assert len(told.get_payload()) > 500, "the project's page would be empty"
    base = [r for r in told.get_all("Requires-Dist") if "extra ==" not in r]
    assert base
    assert not [r for r in base if r.startswith(ENGINES)], "a base dependency names an engine"


def test_the_runtime_needs_numpy_alone(wheels: Path) -> None:
    told = metadata(wheel(wheels, "ssdgm_runtime"))
    base = [r for r in told.get_all("Requires-Dist") if "extra ==" not in r]
    assert [r.split(">")[0] for r in base] == ["numpy"]
    extras = {"cpu", "gpu", "images", "tables", "trust", "ray", "service"}
    assert set(told.get_all("Provides-Extra")) == extras


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where pip reaches no index."""
    place = tmp_path_factory.mktemp("probe")
    probe = (*PIP, "download", "--quiet", "--no-deps", "-c", CONSTRAINTS, "-d", place)
    found = call(*probe, "flatbuffers")
    if found.returncode:
        pytest.skip(f"pip reaches no package index: {found.stderr.strip().splitlines()[-1]}")


def environment(place: Path, *packages: object) -> None:
    """A new virtual environment with these packages, and no pip of its own."""
    made = call(sys.executable, "-m", "venv", "--without-pip", place / "venv")
    assert made.returncode == 0, made.stderr
    install = (*PIP, "--python", place / "venv/bin/python", "install", "--quiet")
    done = call(*install, *packages)
    assert done.returncode == 0, done.stderr


def inside(place: Path) -> Run:
    """Run that environment's Python in a folder that holds nothing of ours."""
    (place / "work").mkdir(exist_ok=True)
    return lambda *words: call(place / "venv/bin/python", *words, cwd=place / "work")


@pytest.fixture(scope="session")
def device(tmp_path_factory: pytest.TempPathFactory, index: None, wheels: Path) -> Run:
    """The runtime's wheel with its `cpu` extra, pinned."""

    def make(place: Path) -> None:
        environment(place, "-c", CONSTRAINTS, f"{wheel(wheels, 'ssdgm_runtime')}[cpu]")

    return inside(exported.once(tmp_path_factory, "device", make))


@pytest.fixture(scope="session")
def oldest(tmp_path_factory: pytest.TempPathFactory, index: None, wheels: Path) -> Run:
    """The runtime's wheel with the oldest engine that it is tested with."""
    if sys.version_info >= (3, 14):
        pytest.skip("onnxruntime 1.20 has no wheels for this Python")
    runtime = wheel(wheels, "ssdgm_runtime")
    return inside(
        exported.once(
            tmp_path_factory, "oldest", lambda place: environment(place, runtime, OLDEST)
        )
    )


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, index: None, wheels: Path) -> Run:
    """The runtime's wheel without an engine."""

    def make(place: Path) -> None:
        environment(place, "-c", CONSTRAINTS, wheel(wheels, "ssdgm_runtime"))

    return inside(exported.once(tmp_path_factory, "bare", make))


@pytest.fixture(scope="session")
def desktop(index: None) -> None:
    """Skip where there are no wheels with OpenVINO."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("wheels with OpenVINO are tried on Linux on x86-64")


@pytest.fixture(scope="session")
def openvino(tmp_path_factory: pytest.TempPathFactory, desktop: None, wheels: Path) -> Run:
    """The runtime's wheel with the build of onnxruntime that has OpenVINO."""
    if sys.version_info >= (3, 14):
        pytest.skip(f"{OPENVINO} has no wheels for this Python")
    wanted = ("-c", CONSTRAINTS, wheel(wheels, "ssdgm_runtime"), OPENVINO)
    return inside(
        exported.once(tmp_path_factory, "openvino", lambda place: environment(place, *wanted))
    )


@pytest.fixture(scope="session")
def plugged(tmp_path_factory: pytest.TempPathFactory, desktop: None, wheels: Path) -> Run:
    """The runtime's wheel with its `cpu` extra and two plug-ins."""
    wanted = ("-c", CONSTRAINTS, f"{wheel(wheels, 'ssdgm_runtime')}[cpu]", *PLUGINS)
    return inside(
        exported.once(tmp_path_factory, "plugged", lambda place: environment(place, *wanted))
    )


def told(done: "subprocess.CompletedProcess[str]") -> Any:  # noqa: ANN401
    assert done.returncode == 0, done
    return json.loads(done.stdout)


@pytest.mark.network
def test_an_empty_environment_has_no_torch_onnx_or_typer(device: Run) -> None:
    for package in ("torch", "onnx", "typer", "ssdgm_train", "ssdgm_export"):
        done = device("-c", f"import {package}")
        assert done.returncode == 1
        assert f"No module named '{package}'" in done.stderr


@pytest.mark.network
def test_an_empty_environment_has_what_the_runtime_needs_and_no_more(device: Run) -> None:
    code = (
        "import json; from importlib.metadata import distributions as d;"
        "print(json.dumps(sorted({x.name.lower() for x in d()})))"
    )
    found = set(told(device("-c", code)))
    assert found <= {
        "flatbuffers",
        "numpy",
        "onnxruntime",
        "packaging",
        "protobuf",
        "ssdgm-runtime",
    }
    assert {"numpy", "onnxruntime", "ssdgm-runtime"} <= found


@pytest.mark.network
@pytest.mark.parametrize("engine", ["device", "oldest"])
def test_the_runtime_alone_verifies_classifies_and_generates(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    python: Run = request.getfixturevalue(engine)
    module = ("-m", "ssdgm_runtime")
    verified = told(python(*module, "verify", BUNDLE, "--json"))
    assert verified["passed"]
    assert verified["digests"]
    if engine == "oldest":
        assert verified["onnxruntime"].startswith("1.20.")

    x = np.random.default_rng(0).integers(0, 17, (20, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    classified = told(python(*module, "classify", BUNDLE, tmp_path / "x.npy", "--json"))
    with ssdgm_runtime.load(BUNDLE, provider="cpu") as model:
        wanted = model.classify(x).names
        drawn = model.generate("3", n=4, seed=5).x
    assert [row["name"] for row in classified["predictions"]] == wanted

    words = ("--class", "3", "-n", "4", "--seed", "5", "-o", tmp_path / "a.npz", "--json")
    assert told(python(*module, "generate", BUNDLE, *words))["rows"] == 4
    np.testing.assert_allclose(np.load(tmp_path / "a.npz")["x"], drawn, rtol=1e-4, atol=1e-4)
    words = ("-n", "3", "-o", tmp_path / "a.png", "--json")
    assert told(python(*module, "generate", BUNDLE, *words))["rows"] == 30
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")

    words = ("--batch", "1", "--seconds", "0.01", "--cold", "1", "--json")
    timed = told(python(*module, "bench", BUNDLE, *words))
    assert timed["cold_start"]["model"]["steps_ms"]["answer"] > 0


@pytest.mark.network
def test_without_an_engine_the_error_names_the_extra(bare: Run, tmp_path: Path) -> None:
    done = bare("-m", "ssdgm_runtime", "verify", BUNDLE, "--json")
    assert done.returncode == 3, done
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "MissingEngine"
    assert "ssdgm-runtime[cpu]" in error["message"]
    assert "Traceback" not in done.stderr


@pytest.mark.network
def test_without_an_engine_a_bundle_can_be_inspected(bare: Run) -> None:
    found = told(bare("-m", "ssdgm_runtime", "inspect", BUNDLE, "--json"))
    assert found["tasks"] == ["classify", "encode", "reconstruct", "generate"]


@pytest.mark.network
def test_openvinos_build_answers_as_the_cpu_does(openvino: Run, tmp_path: Path) -> None:
    """The wheel has 84 MB."""
    words = ("--provider", "openvino", "--threads", "1", "--json")
    verified = told(openvino("-m", "ssdgm_runtime", "verify", BUNDLE, *words))
    assert verified["passed"]
    assert {c["provider"] for c in verified["checks"]} == {"OpenVINOExecutionProvider"}
    x = np.random.default_rng(0).integers(0, 17, (20, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    done = openvino("-m", "ssdgm_runtime", "classify", BUNDLE, tmp_path / "x.npy", *words)
    with ssdgm_runtime.load(BUNDLE, provider="cpu") as model:
        assert [row["name"] for row in told(done)["predictions"]] == model.classify(x).names


@pytest.mark.network
def test_plug_ins_are_found_and_tried(plugged: Run) -> None:
    """The wheels have 59 MB. OpenVINO's takes Intel's processors alone, WebGPU's a GPU."""
    found = told(plugged("-m", "ssdgm_runtime", "doctor", "--json"))
    lines = [f["found"] for f in found["findings"] if f["topic"] == "provider"]
    for plugin in PLUGINS:
        assert any(plugin.split("=")[0] in line for line in lines), lines
    words = ("--provider", "openvino", "--json")
    done = plugged("-m", "ssdgm_runtime", "verify", BUNDLE, *words)
    if done.returncode == 0 or "GenuineIntel" in Path("/proc/cpuinfo").read_text():
        assert told(done)["passed"]
    else:
        assert done.returncode == 3, done
        error = json.loads(done.stdout)["error"]
        assert "it finds no device here to run on" in error["found"]
        assert "onnxruntime-openvino" in error["mend"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The three wheels unpacked where nothing of the repository is; the rest is this Python's."""

    def make(place: Path) -> None:
        done = call(*PIP, "install", "--quiet", "--no-deps", "--target", place, *wheels.glob("*"))
        assert done.returncode == 0, done.stderr

    return exported.once(tmp_path_factory, "installed", make)


def blocks(page: str) -> list[tuple[str, str]]:
    """The blocks of code of a page in order, each with the word behind its fence."""
    parts = (ROOT / page).read_text(encoding="utf-8").split("```")[1::2]
    return [(word.strip(), code) for word, _, code in (part.partition("\n") for part in parts)]


def test_the_quick_start_runs_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """The README's own lines, with fewer steps; the packages come from the wheels alone."""
    every = blocks("README.md")
    first = next(i for i, (_, code) in enumerate(every) if "ssdgm-export train digits" in code)
    lines, (kind, program) = every[first][1].strip().splitlines(), every[first + 1]
    assert [line.split()[1] for line in lines] == ["train", "convert", "generate"]
    assert kind == "python"
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    here: dict[str, Any] = {"cwd": tmp_path, "env": {**plain, "PYTHONPATH": str(installed)}}

    def run(*words: str) -> str:
        given = [sys.executable, "-P", *words]
        done = subprocess.run(given, capture_output=True, text=True, check=False, **here)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    where = run("-c", "import ssdgm_train, ssdgm_export as e; print(e.__path__)")
    assert str(installed) in where
    fewer = ("--set", "train.steps=60", "--set", "run.baseline=20", "--set", "model.hidden=[32]")
    for line in lines:
        _, command, *words = shlex.split(line)
        more = fewer if command == "train" else ()
        run("-m", "ssdgm_export", command, *words, *more)
    assert (tmp_path / "sevens.png").read_bytes().startswith(b"\x89PNG")
    run("-c", program)
    script = next((installed / "bin").glob("ssdgm-export*"))
    assert run(str(script), "--version").strip() == ssdgm_export.__version__
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"runs", "digits.ssdgm", "sevens.png"}
