"""A folder for Docker: what it holds, that its request is answered, and what is refused."""

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ssdgm_export.deploy import service
from ssdgm_runtime import errors, load
from ssdgm_runtime.bundle import contents, golden

TESTS = Path(__file__).parents[2]
GOLDEN = TESTS / "golden/m2-tiny.ssdgm"
DATA = TESTS / "runtime/data"


def _build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runtime_build", TESTS / "runtime/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_holds_what_an_image_is_built_of(tmp_path: Path) -> None:
    made = service.deploy(GOLDEN, tmp_path / "image")
    folder, id_ = tmp_path / "image", contents.open_bundle(GOLDEN).id
    assert contents.open_bundle(folder / "model.ssdgm").id == made.bundle == id_
    lines = (folder / "Dockerfile").read_text().splitlines()
    words = [line.split()[0] for line in lines]
    wanted = ["FROM", "ENV", "RUN", "WORKDIR", "COPY", "RUN", "COPY", "RUN", "USER", "EXPOSE"]
    assert words == [*wanted, "HEALTHCHECK", "ENTRYPOINT"]
    assert "USER 10001" in lines
    entry = json.loads(lines[-1].removeprefix("ENTRYPOINT "))
    assert entry[:5] == ["python", "-m", "ssdgm_runtime", "serve", "model.ssdgm"]
    assert entry[-1] == made.name
    probe = json.loads(lines[-2].partition("CMD ")[2])
    assert probe[:2] == ["python", "-c"]
    compile(probe[2], "probe", "exec")
    project = tomllib.loads((TESTS.parent / "runtime/pyproject.toml").read_text())["project"]
    assert "service" in project["optional-dependencies"]
    wanted_line = f"ssdgm-runtime[cpu,service]=={project['version']}\n"
    assert (folder / "requirements.txt").read_text() == wanted_line
    page = (folder / "README.md").read_text()
    assert f"docker build -t {made.image} ." in page
    assert f"curl localhost:8080/v2/models/{made.name}/infer -d @request.json" in page


def test_the_entry_is_a_command_of_the_runtime(tmp_path: Path) -> None:
    from ssdgm_runtime.__main__ import _parser

    service.deploy(GOLDEN, tmp_path / "image", name="digits")
    last = (tmp_path / "image/Dockerfile").read_text().splitlines()[-1]
    values = vars(_parser().parse_args(json.loads(last.removeprefix("ENTRYPOINT "))[3:]))
    assert (values["host"], values["port"], values["name"]) == ("0.0.0.0", 8080, "digits")


@pytest.mark.parametrize(
    "name", ["tiny", "tagged", "measured", "watchful", "masked", "listed", "several"]
)
def test_the_request_in_it_is_answered_as_the_golden_row_is(name: str, tmp_path: Path) -> None:
    pytest.importorskip("httpx2", reason="a tool of the development set")
    from starlette import testclient

    from ssdgm_runtime.service import app

    bundle = DATA / f"{name}.ssdgm"
    if not bundle.exists():
        build = _build()
        bundle = build.write(tmp_path / "b.ssdgm", getattr(build, name)())
    made = service.deploy(bundle, tmp_path / "image")
    folder = tmp_path / "image"
    opened = contents.open_bundle(bundle)
    wanted = golden.outputs(opened, "classifier", "fp32")
    body = (folder / "request.json").read_bytes()
    with load(folder / "model.ssdgm", provider="cpu") as model:
        made_app = app.create(model)
        with testclient.TestClient(made_app) as client:
            answer = client.post(f"/v2/models/{made.name}/infer", content=body)
    assert answer.status_code == 200, answer.text
    outputs = {out["name"]: out["data"] for out in answer.json()["outputs"]}
    for key in opened.manifest.space.outputs:
        np.testing.assert_allclose(outputs[key], wanted[key][0].ravel(), atol=1e-4, rtol=1e-4)


def test_wheels_are_installed_before_others(tmp_path: Path) -> None:
    wheel = tmp_path / "ssdgm_runtime-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    made = service.deploy(GOLDEN, tmp_path / "image", wheels=[wheel])
    assert made.wheels == [f"wheels/{wheel.name}"]
    assert (tmp_path / "image/wheels" / wheel.name).read_bytes() == b"wheel"
    lines = (tmp_path / "image/Dockerfile").read_text().splitlines()
    assert lines.index("COPY wheels wheels") < lines.index(
        "RUN pip install --no-cache-dir --find-links wheels -r requirements.txt"
    )
    with pytest.raises(errors.DataNotFound, match="There is no wheel"):
        service.deploy(GOLDEN, tmp_path / "other", wheels=[tmp_path / "no.whl"])


def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.TaskUnavailable, match="This bundle cannot classify"):
        service.deploy(DATA / "adversary.ssdgm", tmp_path / "image")
    with pytest.raises(errors.InputError, match="can stand in an address"):
        service.deploy(GOLDEN, tmp_path / "image", name="a b")
    assert not (tmp_path / "image").exists()
