"""The modules that are traced: one distribution each, with preprocessing inside and no randomness.

onnxruntime computes a whole graph whichever outputs are asked for, so a caller who wants only
probabilities gets a graph that holds only q(y | x). Which graphs a model has follows from the
structural protocols of `ssdgm_train.method`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface, tolerance
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import tensor as declared
from ssdgm_train import method
from ssdgm_train.likelihoods import limits
from ssdgm_train.problems import Problem

T = TypeVar("T")
Array = NDArray[Any]

BATCH = "batch"
FUSED = "encoder_classifier"
DTYPES = {"uint8": torch.uint8, "float32": torch.float32, "int64": torch.int64}


class Classifier(nn.Module):
    """q(y | x): x to logits, divided by a temperature, and probabilities."""

    outputs = ("logits", "probs")

    def __init__(self, model: Any, temperature: float) -> None:  # noqa: ANN401  (has a protocol)
        super().__init__()
        self.model, self.temperature = model, temperature

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, *shape] to two [batch, K]."""
        logits: Tensor = self.model.classify(x) / self.temperature
        return logits, torch.softmax(logits, -1)


class Encoder(nn.Module):
    """q(z | x, y): x and label probabilities to a mean and a standard deviation."""

    outputs = ("z_mean", "z_scale")

    def __init__(self, model: Any) -> None:  # noqa: ANN401  (a module with one of the protocols)
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, *shape] and [batch, K] to two [batch, Z]."""
        mean, scale = self.model.encode(x, y)
        return mean, scale


class EncoderClassifier(nn.Module):
    """q(y | x) and q(z | x, y = q(y | x)), in one call."""

    outputs = (*Classifier.outputs, *Encoder.outputs)

    def __init__(self, model: Any, temperature: float) -> None:  # noqa: ANN401
        super().__init__()
        self.model, self.temperature = model, temperature

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """[batch, *shape] to two [batch, K] and two [batch, Z]."""
        logits: Tensor = self.model.classify(x) / self.temperature
        probs = torch.softmax(logits, -1)
        labelled = isinstance(self.model, method.Encodes)
        mean, scale = self.model.encode(x, probs) if labelled else self.model.embed(x)
        return logits, probs, mean, scale


class Embedder(nn.Module):
    """q(z | x): x to a mean and a standard deviation."""

    outputs = ("z_mean", "z_scale")

    def __init__(self, model: Any) -> None:  # noqa: ANN401  (a module with one of the protocols)
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, *shape] to two [batch, Z]."""
        mean, scale = self.model.embed(x)
        return mean, scale


class Decoder(nn.Module):
    """p(x | y, z): label probabilities and latents to the mean and the parameters of x."""

    def __init__(self, model: Any, outputs: tuple[str, ...]) -> None:  # noqa: ANN401
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, y: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """[batch, K] and [batch, Z] to [batch, *shape] each, in the data's own units."""
        parameters = self.model.decode(y, z)
        return tuple(parameters[name] for name in self.outputs)


class Renderer(nn.Module):
    """p(x | z): latents to the mean and the parameters of x."""

    def __init__(self, model: Any, outputs: tuple[str, ...]) -> None:  # noqa: ANN401
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        """[batch, Z] to [batch, *shape] each, in the data's own units."""
        parameters = self.model.render(z)
        return tuple(parameters[name] for name in self.outputs)


class Tabular(nn.Module):
    """A graph of whole rows as a graph of the typed tensors that make up the rows of a table.

    Args:
        inner: The graph; whole rows are its first input.
        outputs: The names of its outputs.
        parts: How many tensors make up the rows.
    """

    def __init__(self, inner: nn.Module, outputs: tuple[str, ...], parts: int) -> None:
        super().__init__()
        self.inner, self.outputs, self.parts = inner, outputs, parts

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """The parts of rows [batch, columns], and what else the graph takes."""
        rows = [part.to(torch.float32) for part in given[: self.parts]]
        outputs: tuple[Tensor, ...] = self.inner(torch.cat(rows, 1), *given[self.parts :])
        return outputs


@dataclass(frozen=True)
class Graph:
    """A module to trace, and what the manifest says of its tensors.

    Attributes:
        name: The component.
        module: From the tensors of `spec.inputs`, in order, to those of `spec.outputs`.
        spec: Its tensors.
        columns: Those of a table, whose rows are split into the tensors.
        units: How large one unit is of outputs that are in the data's own units: one number, or
            one for every value of a row. Other outputs have none.
    """

    name: str
    module: nn.Module
    spec: interface.Graph
    columns: table.Columns = ()
    units: Mapping[str, Array] = field(default_factory=dict)

    def atol(self, output: str, atol: float) -> tolerance.Bound:
        """The absolute tolerance of an output: `atol` of its units."""
        return atol * self.units[output] if output in self.units else atol

    def taken(self, x: Array) -> dict[str, Array]:
        """Rows [n, ...] as the inputs that take them."""
        given = table.split(x, self.columns) if self.columns else {"x": x}
        return {spec.name: given[spec.name] for spec in self.spec.inputs if spec.name in given}


def of(
    model: nn.Module, problem: Problem, temperature: float = 1.0, *, fuse: bool = False
) -> dict[str, Graph]:
    """Every graph that the model offers, by name, in evaluation mode.

    Args:
        model: A trained model.
        problem: Its problem.
        temperature: What the classifier's logits are divided by (Guo et al., 2017).
        fuse: Add `encoder_classifier`, classifier and encoder in one call.

    Raises:
        InputError: There is no encoder or no classifier to fuse.
    """
    model = (model.slim() if isinstance(model, method.Slims) else model).eval()
    graphs = (
        _classifier(model, problem, temperature),
        _encoder(model, problem),
        _decoder(model, problem),
    )
    fused = (_fused(model, problem, temperature),) if fuse else ()
    return {graph.name: graph for graph in (*graphs, *fused) if graph is not None}


def example(spec: declared.Tensor, rows: int) -> Tensor:
    """Zeros of a tensor's dtype and shape."""
    return torch.zeros(rows, *spec.row, dtype=DTYPES[spec.dtype])


def _classifier(model: nn.Module, problem: Problem, temperature: float) -> Graph | None:
    if not isinstance(model, method.Classifies):
        return None
    return _of_rows("classifier", Classifier(model, temperature), problem)


def _encoder(model: nn.Module, problem: Problem) -> Graph | None:
    if isinstance(model, method.Encodes):
        return _of_rows("encoder", Encoder(model), problem, [_y(problem)])
    if isinstance(model, method.Embeds):
        return _of_rows("encoder", Embedder(model), problem)
    return None


def _decoder(model: nn.Module, problem: Problem) -> Graph | None:
    if isinstance(model, method.Decodes):
        inputs = [_y(problem), _z(model.latent)]
        names = tuple(_run(model.decode, inputs))
        return _of_units(_graph("decoder", Decoder(model, names), inputs, noise=("z",)), problem)
    if isinstance(model, method.Renders):
        inputs = [_z(model.latent)]
        names = tuple(_run(model.render, inputs))
        return _of_units(_graph("decoder", Renderer(model, names), inputs, noise=("z",)), problem)
    return None


def _of_units(decoder: Graph, problem: Problem) -> Graph:
    """The decoder with the deviations of numbers without limits, each column's its own."""
    units = limits.units(problem)
    names = [t.name for t in decoder.spec.outputs if t.name in ("x", "mean", "scale")]
    return decoder if units is None else replace(decoder, units=dict.fromkeys(names, units))


def _fused(model: nn.Module, problem: Problem, temperature: float) -> Graph:
    encodes = isinstance(model, (method.Encodes, method.Embeds))
    if not encodes or not isinstance(model, method.Classifies):
        missing = "classifier" if encodes else "encoder"
        raise errors.InputError(
            "fuse", f"on, but the model has no {missing}", "a model that classifies and encodes"
        )
    return _of_rows(FUSED, EncoderClassifier(model, temperature), problem)


def _z(latent: int) -> declared.Tensor:
    return declared.Tensor("z", "float32", (BATCH, latent))


def _rows(problem: Problem) -> list[declared.Tensor]:
    """The tensors that hold rows: x; of a table its numbers x and its categories' codes."""
    if not problem.columns:
        return [declared.Tensor("x", problem.dtype, (BATCH, *problem.shape))]
    numbers = declared.Tensor("x", "float32", (BATCH, problem.numbers))
    codes = declared.Tensor("codes", "int64", (BATCH, len(problem.blocks)))
    return [tensor for tensor in (numbers, codes) if tensor.width]


def _of_rows(
    name: str,
    module: nn.Module,
    problem: Problem,
    more: Sequence[declared.Tensor] = (),
) -> Graph:
    """A graph whose first inputs are rows."""
    rows = _rows(problem)
    if problem.columns:
        module = Tabular(module, module.outputs, len(rows))  # type: ignore[arg-type]
    return replace(_graph(name, module, [*rows, *more]), columns=problem.columns)


def _y(problem: Problem) -> declared.Tensor:
    return declared.Tensor("y", "float32", (BATCH, problem.labels.size))


def _graph(
    name: str, module: nn.Module, inputs: list[declared.Tensor], noise: tuple[str, ...] = ()
) -> Graph:
    module.eval()
    answers = zip(module.outputs, _run(module, inputs), strict=True)  # type: ignore[arg-type]
    outputs = [declared.Tensor(key, "float32", (BATCH, *v.shape[1:])) for key, v in answers]
    return Graph(name, module, interface.Graph(tuple(inputs), tuple(outputs), noise))


def _run(call: Callable[..., T], inputs: list[declared.Tensor]) -> T:
    with torch.inference_mode():
        return call(*(example(spec, 2) for spec in inputs))
