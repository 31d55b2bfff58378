"""One `litert_torch.convert` call: a graph as the bytes of a .tflite file, for one batch size.

Tensors have the graph's own names, in so far as they are names of Python.
"""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from ssdgm_export import extras
from ssdgm_export.graphs import modules, trace
from ssdgm_export.lite import lowering
from ssdgm_runtime import errors
from ssdgm_runtime.rows.tensor import Tensor as Declared

SIGNATURE = "serving_default"
"""What the file calls its one function."""

_MEND = "Leave it out: name the others with --graph, such as --graph classifier."

_MUTE = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}


class LiteError(errors.SsdgmError, RuntimeError):
    """LiteRT cannot have what a graph computes."""

    exit_code: ClassVar[int] = 1


def program(graph: modules.Graph, batch: int = 1) -> bytes:
    """A graph in float32.

    Args:
        graph: The module and its tensors, whose axes have one length each.
        batch: The rows that the file computes at once, always as many.

    Raises:
        InputError: An axis of the graph has many lengths.
        MissingExtra: litert-torch is not installed.
        LiteError: It cannot convert what the graph computes.
    """
    check(graph)
    converter = package("litert_torch")
    specs = graph.spec.inputs
    given = tuple(modules.example(spec, batch) for spec in specs)
    keys = [own(spec.name) for spec in specs]
    outputs = [own(spec.name) for spec in graph.spec.outputs]
    with muted():
        module = _Named(lowering.lowered(graph.module, given), keys, outputs).eval()
        try:
            model = converter.convert(module, sample_kwargs=dict(zip(keys, given, strict=True)))
        except Exception as error:  # its errors share no base class
            why = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise unable(graph.name, why) from error
        data: bytes = model.model_content()
    return data


def int8(data: bytes) -> bytes:
    """A file whose products have weights of 8 bits, a scale a channel.

    What is multiplied with them is reduced to 8 bits as it comes, by a scale of each row's own, so
    nothing has to be known beforehand. Inputs and outputs keep their types.

    Args:
        data: The float32 file.
    """
    quantizer = package("ai_edge_quantizer.quantizer")
    recipe = package("ai_edge_quantizer.recipe")
    with muted():
        reducer = quantizer.Quantizer(bytearray(data), recipe.dynamic_wi8_afp32())
        return bytes(reducer.quantize().quantized_model)


def unable(graph: str, why: str) -> LiteError:
    """The error for a graph that LiteRT cannot have."""
    return LiteError(f"LiteRT cannot have the graph {graph} ({why[:200]})", mend=_MEND)


def check(graph: modules.Graph) -> None:
    """Refuse a graph that takes rows of many sizes: pictures whose labels are masks.

    Raises:
        InputError: It does.
    """
    for spec in graph.spec.inputs:
        sides = [n for n in spec.shape[1:] if isinstance(n, str)]
        if sides:
            raise errors.InputError(
                "graphs",
                f"{graph.name}, whose {spec.name} has sides of many lengths ({', '.join(sides)})",
                "graphs of rows of one size, which is all that a .tflite file takes",
                "Use ssdgm-export convert: a bundle takes any size.",
            )


def own(name: str) -> str:
    """What a .tflite file calls a tensor: `x_left` for `x.left`."""
    return name.replace(".", "_").replace("-", "_")


def dtype(tensor: Declared) -> str:
    """What a .tflite file has it in: codes have 32 bits."""
    return "int32" if tensor.dtype == "int64" else tensor.dtype


def package(name: str) -> Any:  # noqa: ANN401  (they have no stubs)
    """Import a package of the extra, which says much about itself, in silence.

    Raises:
        MissingExtra: It is not installed.
    """
    with muted():
        return extras.package(name, "LiteRT", "ssdgm-export[litert]")


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Keep the converter's progress, its log and its warnings from both outputs."""
    for key, value in _MUTE.items():
        os.environ.setdefault(key, value)
    with trace.quiet(), contextlib.redirect_stderr(io.StringIO()):
        yield


def named(specs: Sequence[Declared]) -> dict[str, str]:
    """What the file calls each tensor, by its name in the graph."""
    return {spec.name: own(spec.name) for spec in specs}


class _Named(nn.Module):
    """A module whose tensors have names, which become the file's."""

    def __init__(self, module: nn.Module, inputs: list[str], outputs: list[str]) -> None:
        super().__init__()
        self.module, self.inputs, self.outputs = module, inputs, outputs

    def forward(self, **given: Tensor) -> dict[str, Tensor]:
        """The outputs by name."""
        values = self.module(*(given[name] for name in self.inputs))
        return dict(zip(self.outputs, values, strict=True))
