"""A bundle as a model repository of NVIDIA Triton Inference Server, one model per graph.

What `config.pbtxt` says is in Triton's documents (docs/user_guide/model_configuration.md of
https://github.com/triton-inference-server/server); its ONNX Runtime backend runs the graphs.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ssdgm_export.deploy import folders
from ssdgm_runtime import arguments, atomic, errors
from ssdgm_runtime.bundle import contents, manifest
from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.rows.tensor import Tensor

TYPES = {
    "bool": "TYPE_BOOL",
    **{f"uint{bits}": f"TYPE_UINT{bits}" for bits in (8, 16, 32, 64)},
    **{f"int{bits}": f"TYPE_INT{bits}" for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"TYPE_FP{bits}" for bits in (16, 32, 64)},
}
"""Triton's word for each dtype."""

MAX_BATCH, DELAY_US = 64, 100
LABELS = "labels.txt"
_MODEL = "1/model.onnx"


@dataclass(frozen=True)
class Repository:
    """A model repository that was written.

    Attributes:
        repository: Its folder.
        bundle: The id of the bundle.
        models: The models' names, one per graph.
        variants: The variant of each graph, by its component.
        max_batch: The most rows that Triton computes together.
    """

    repository: str
    bundle: str
    models: list[str]
    variants: dict[str, str]
    max_batch: int

    def to_json(self) -> dict[str, Any]:
        """The same as JSON-ready tables."""
        return asdict(self)


def deploy(
    bundle: atomic.PathLike,
    out: atomic.PathLike,
    *,
    name: str | None = None,
    variant: str = manifest.PLAIN,
    max_batch: int = MAX_BATCH,
    force: bool = False,
) -> Repository:
    """Write a bundle as a model repository.

    Args:
        bundle: The bundle, a folder or a zip.
        out: A new folder for the repository; the folder that holds it must be there.
        name: What the models' names begin with; by default the bundle's name.
        variant: Which graphs to take: a variant's name or precision; a component without it has
            its plain one.
        max_batch: The most rows that Triton computes together.
        force: Replace a folder that is there.

    Raises:
        InputError: No component has the variant, or `out` is the bundle or inside of it.
        OutputExists, DataNotFound, NotWritable: `out` cannot be made.
    """
    arguments.count(max_batch, "max_batch", 1)
    opened = contents.open_bundle(bundle)
    atomic.apart(out, bundle=opened.path)
    about = opened.manifest
    first = re.sub(r"[^A-Za-z0-9._-]", "_", name or about.name)
    chosen = {component: _choice(about, component, variant) for component in about.graphs}
    parts: dict[str, bytes] = {}
    for component, graph in about.graphs.items():
        own, labels = f"{first}_{component}", [*_labels(about, component)]
        parts[f"{own}/{_MODEL}"] = opened.read(chosen[component].path)
        lines = config(own, graph, max_batch, labels, {"ssdgm.bundle": opened.id})
        parts[f"{own}/config.pbtxt"] = lines.encode()
        if labels:
            parts[f"{own}/{LABELS}"] = _lines(about.labels)
    folders.write(out, parts, force=force)
    models = [f"{first}_{component}" for component in about.graphs]
    used = {component: choice.name for component, choice in chosen.items()}
    return Repository(str(out), opened.id, models, used, max_batch)


def config(
    name: str, graph: Graph, max_batch: int, labelled: list[str], parameters: dict[str, str]
) -> str:
    """The text of a model's `config.pbtxt`.

    Args:
        name: The model.
        graph: Its graph.
        max_batch: The most rows that are computed together.
        labelled: The outputs whose values have the names of `LABELS`.
        parameters: What else there is to say of the model.
    """
    inputs = "".join(_tensor("input", t) for t in graph.inputs)
    outputs = "".join(_tensor("output", t, t.name in labelled) for t in graph.outputs)
    more = "".join(
        f"parameters {{ key: {_quoted(key)} value {{ string_value: {_quoted(text)} }} }}\n"
        for key, text in parameters.items()
    )
    return (
        f"name: {_quoted(name)}\n"
        'backend: "onnxruntime"\n'
        f"max_batch_size: {max_batch}\n"
        f"{inputs}{outputs}"
        f"dynamic_batching {{ max_queue_delay_microseconds: {DELAY_US} }}\n"
        "instance_group [ { count: 1 kind: KIND_AUTO } ]\n"
        f"{more}"
    )


def _tensor(side: str, known: Tensor, labelled: bool = False) -> str:
    """An input or an output, whose first axis Triton adds."""
    sides = [-1 if isinstance(n, str) else n for n in known.shape[1:]]
    lines = [f"name: {_quoted(known.name)}", f"data_type: {TYPES[known.dtype]}"]
    if sides:
        lines.append(f"dims: [ {', '.join(map(str, sides))} ]")
    else:  # one number per row, which Triton has as a list of one
        lines += ["dims: [ 1 ]", "reshape { shape: [ ] }"]
    if labelled:
        lines.append(f"label_filename: {_quoted(LABELS)}")
    return "".join([f"{side} {{\n", *(f"  {line}\n" for line in lines), "}\n"])


def _quoted(text: str) -> str:
    """A text as protobuf's text format has it."""
    plain = (chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in text.encode())
    return f'"{"".join(plain)}"'


def _lines(names: Sequence[str]) -> bytes:
    """Names, one a line, whatever they hold."""
    return "".join(f"{' '.join(name.split())}\n" for name in names).encode()


def _choice(about: manifest.Manifest, component: str, variant: str) -> manifest.Variant:
    """The variant of a component that is asked for; where it has none, the plain one."""
    words = sorted({word for v in about.variants for word in (v.name, v.precision)})
    if variant not in (manifest.PLAIN, *words):
        raise errors.InputError("variant", repr(variant), f"one of {', '.join(words)}")
    own = [v for v in about.variants if v.component == component]
    plain = [v for v in own if v.precision == manifest.PLAIN]
    return ([v for v in own if variant in (v.name, v.precision)] or plain or own)[0]


def _labels(about: manifest.Manifest, component: str) -> Iterator[str]:
    """The outputs of a graph that have a probability, or a logit, for each label's name."""
    if component != "classifier" or not about.space.traits.probable:
        return
    for known in about.graphs[component].outputs:
        if known.row == (len(about.labels),) and known.name in about.space.outputs:
            yield known.name
