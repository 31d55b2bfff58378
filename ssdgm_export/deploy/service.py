"""A bundle as a folder that Docker builds an image of: the runtime's service of that bundle.

The image runs `python -m ssdgm_runtime serve`; building it verifies the bundle's golden rows.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssdgm_export.deploy import folders
from ssdgm_runtime import __version__, atomic, errors
from ssdgm_runtime.bundle import contents, golden, manifest
from ssdgm_runtime.inference import parts
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.views import layout as laid
from ssdgm_runtime.rows.views import view
from ssdgm_runtime.service import served, tensors

Json = dict[str, Any]
BUNDLE, REQUEST, WHEELS = "model.ssdgm", "request.json", "wheels"
PORT, USER, PYTHON = 8080, 10001, "3.12"
_PROBE = (
    f"from urllib import request as r; r.urlopen('http://127.0.0.1:{PORT}/v2/health/ready', "
    "timeout=2)"
)
_DOCKERFILE = """\
FROM python:{python}-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid {user} --no-create-home ssdgm
WORKDIR /service
{wheels}COPY requirements.txt .
RUN pip install --no-cache-dir {links}-r requirements.txt
COPY {bundle} {bundle}
RUN python -m ssdgm_runtime verify {bundle}
USER {user}
EXPOSE {port}
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", {probe}]
ENTRYPOINT ["python", "-m", "ssdgm_runtime", "serve", "{bundle}", "--host", "0.0.0.0", \
"--port", "{port}", "--name", "{name}"]
"""
_README = """\
# {name}

The bundle `{id}` behind HTTP, by the Open Inference Protocol.

    docker build -t {image} .
    docker run --rm -p {port}:{port} {image}

Options of `python -m ssdgm_runtime serve` may follow, such as `--max-waiting 64`. Without Docker:

    pip install {links}-r requirements.txt
    python -m ssdgm_runtime serve {bundle} --port {port} --name {name}

Then, in this folder:

    curl localhost:{port}/v2/health/ready
    curl localhost:{port}/v2/models/{name}
    curl localhost:{port}/v2/models/{name}/infer -d @{request}
    curl localhost:{port}/metrics

`{request}` holds one of the bundle's golden rows.
"""


@dataclass(frozen=True)
class Folder:
    """A folder that was written.

    Attributes:
        folder: Where it is.
        bundle: The id of the bundle in it.
        name: What the model's addresses call it.
        image: What its README calls the image.
        port: The port that the service listens at.
        wheels: The wheels that the image installs before it looks elsewhere.
    """

    folder: str
    bundle: str
    name: str
    image: str
    port: int
    wheels: list[str]

    def to_json(self) -> Json:
        """The same as JSON-ready tables."""
        return asdict(self)


def deploy(
    bundle: atomic.PathLike,
    out: atomic.PathLike,
    *,
    name: str | None = None,
    wheels: Sequence[Path] = (),
    force: bool = False,
) -> Folder:
    """Write a bundle as a folder to build an image of.

    Args:
        bundle: The bundle, a folder or a zip.
        out: A new folder; the folder that holds it must be there.
        name: What the model's addresses call it; by default the bundle's name.
        wheels: Wheels to install before any other, such as a runtime that no index has.
        force: Replace a folder that is there.

    Raises:
        InputError: The name cannot stand in an address, or `out` is the bundle or inside of it.
        TaskUnavailable: The bundle has no classifier.
        OutputExists, DataNotFound, NotWritable: `out` cannot be made, or a wheel is not there.
    """
    opened = contents.open_bundle(bundle)
    atomic.apart(out, bundle=opened.path)
    parts.need(opened.manifest.graphs, "classifier", "classify")
    called = served.checked(name or opened.manifest.name)
    own = {f"{WHEELS}/{wheel.name}": _wheel(wheel) for wheel in wheels}
    links = f"--find-links {WHEELS} " if own else ""
    words = {
        "name": called,
        "id": opened.id,
        "image": called.lower().strip("._-") or "ssdgm",
        "bundle": BUNDLE,
        "request": REQUEST,
        "port": PORT,
        "user": USER,
        "python": PYTHON,
        "probe": json.dumps(_PROBE),
        "links": links,
        "wheels": f"COPY {WHEELS} {WHEELS}\n" if own else "",
    }
    written = {
        "Dockerfile": _DOCKERFILE.format(**words),
        "README.md": _README.format(**words),
        "requirements.txt": f"ssdgm-runtime[cpu,service]=={__version__}\n",
        REQUEST: json.dumps(request(opened)) + "\n",
    }
    files = {name: text.encode() for name, text in written.items()}
    files |= own | {f"{BUNDLE}/{name}": data for name, data in folders.files(opened).items()}
    folders.write(out, files, force=force)
    return Folder(str(out), opened.id, called, str(words["image"]), PORT, sorted(own))


def _wheel(path: Path) -> bytes:
    if path.suffix != ".whl" or not path.is_file():
        raise errors.DataNotFound(
            f"There is no wheel {path}", mend="Build it: python -m build --wheel runtime"
        )
    return path.read_bytes()


def request(opened: contents.Bundle) -> Json:
    """A request for the first of the classifier's golden rows."""
    about, given = opened.manifest, golden.inputs(opened, "classifier")
    return {"inputs": [_input(name, row) for name, row in _first(about, given).items()]}


def _first(about: manifest.Manifest, given: dict[str, golden.Array]) -> dict[str, golden.Array]:
    """The first row by the names that callers use."""
    layout = about.row_layout
    if not layout:
        return {"x": given["x"][:1]}
    rows = laid.whole({name: array[:1] for name, array in given.items()}, layout)
    if table := laid.columns_of(layout):
        named = columns.named(rows, table)
        return {name: np.array(values, dtype=object) for name, values in named.items()}
    if views := laid.views_of(layout):
        cut = view.cut(rows, views)
        there = [v for v in views if not np.isnan(cut[v.name]).all()]
        return {v.name: cut[v.name].astype(v.dtype) for v in there}
    return {"x": rows}


def _input(name: str, array: golden.Array) -> Json:
    """An input with the values in JSON, where null is a missing one."""
    values = array.ravel().tolist()
    kinds = {str: tensors.BYTES, bool: "BOOL", float: "FP32", type(None): tensors.BYTES}
    kind = kinds[type(values[0])] if array.dtype == object else tensors.datatype(array.dtype)
    plain = [None if value != value else value for value in values]
    return {"name": name, "shape": list(array.shape), "datatype": kind, "data": plain}
