"""The modules that are traced: one distribution each, with preprocessing inside and no randomness.

onnxruntime computes a whole graph whichever outputs are asked for, so a caller who wants only
probabilities gets a graph that holds only q(y | x). Which graphs a model has, and what they take,
is what it declares: one class traces them all.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_export.graphs import free
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface, tolerance
from ssdgm_runtime.rows import tensor as declared
from ssdgm_runtime.rows.views import layout as laid
from ssdgm_runtime.rows.views.lengths import Lengths
from ssdgm_runtime.rows.views.view import PREFIX, View
from ssdgm_train import method
from ssdgm_train.labels import Continuous, Dense, OneClass
from ssdgm_train.likelihoods import limits
from ssdgm_train.model import (
    CLASSIFIER,
    DECODER,
    ENCODER,
    PRIOR,
    RAW,
    SCORER,
    Answer,
    Conditional,
    Model,
)
from ssdgm_train.models import scoring
from ssdgm_train.problems import Problem

Array = NDArray[Any]

BATCH = "batch"
FUSED = "encoder_classifier"
DTYPES = {"uint8": torch.uint8, "float32": torch.float32, "int64": torch.int64}


class Traced(nn.Module):
    """A conditional as a module from the tensors of a graph to the tensors that it gives.

    Args:
        model: The model.
        conditional: One of its distributions.
        inputs: The names of the graph's inputs, in order; several first ones may make up rows.
        parts: How many of them do.
        views: The views of rows that have several.
        temperature: What the raw numbers of labels are divided by (Guo et al., 2017).
    """

    def __init__(
        self,
        model: Model,
        conditional: Conditional,
        inputs: tuple[str, ...],
        parts: int,
        temperature: float,
        views: tuple[View, ...] = (),
    ) -> None:
        super().__init__()
        self.model, self.conditional, self.temperature = model, conditional, temperature
        self.inputs, self.parts, self.views = inputs, parts, views

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The tensors of a graph's inputs to those of its outputs."""
        return tuple(self.named(*tensors).values())

    def named(self, *tensors: Tensor) -> dict[str, Tensor]:
        """The same with the outputs' names."""
        given = dict(zip(self.inputs[self.parts :], tensors[self.parts :], strict=True))
        if self.parts > 1 or "codes" in self.inputs:
            rows = [part.flatten(1) for part in tensors[: self.parts]]
            kind = torch.float32 if "codes" in self.inputs else rows[0].dtype
            given["x"] = torch.cat([part.to(kind) for part in rows], 1)
        elif self.parts:
            given["x"] = tensors[0]
        if "y" in given:
            given["y"] = self.model.labels.given(given["y"])
        outputs = dict(self.conditional.call(self.model, **given))
        if self.views and "x" in outputs:
            outputs = {**self._parted(outputs.pop("x")), **outputs}
        if RAW in outputs:
            labels = self.model.labels.outputs(outputs.pop(RAW), self.temperature)
            outputs = {**labels, **outputs}
        return outputs

    def _parted(self, x: Tensor) -> dict[str, Tensor]:
        """Whole rows as a tensor for each view."""
        widths = [math.prod(view.shape) for view in self.views]
        parts = zip(self.views, torch.split(x, widths, -1), strict=True)
        return {f"{PREFIX}{view.name}": part.reshape(-1, *view.shape) for view, part in parts}


@dataclass(frozen=True)
class Graph:
    """A module to trace, and what the manifest says of its tensors.

    Attributes:
        name: The component.
        module: From the tensors of `spec.inputs`, in order, to those of `spec.outputs`.
        spec: Its tensors.
        layout: The columns or the views by which rows are split into the tensors.
        units: How large one unit is of outputs that are in the data's own units: one number, or
            one for every value of a row. Other outputs have none.
    """

    name: str
    module: nn.Module
    spec: interface.Graph
    layout: laid.Layout = ()
    units: Mapping[str, Array] = field(default_factory=dict)

    def atol(self, output: str, atol: float) -> tolerance.Bound:
        """The absolute tolerance of an output: `atol` of its units."""
        return atol * self.units[output] if output in self.units else atol

    def taken(self, x: Array) -> dict[str, Array]:
        """Rows [n, ...] as the inputs that take them."""
        given = laid.split(x, self.layout) if self.layout else {"x": x}
        return {spec.name: given[spec.name] for spec in self.spec.inputs if spec.name in given}

    def still(self, rows: int) -> dict[str, Array]:
        """Zeros for the noise of so many rows: the mean path, as a bundle takes it."""
        noise = (spec for spec in self.spec.inputs if spec.name in self.spec.noise)
        return {spec.name: np.zeros((rows, *spec.row), spec.dtype) for spec in noise}


def of(
    model: Model,
    problem: Problem,
    temperature: float = 1.0,
    *,
    fuse: bool = False,
    score: bool = False,
) -> dict[str, Graph]:
    """Every graph that the model declares, by name, in evaluation mode.

    Args:
        model: A trained model.
        problem: Its problem.
        temperature: What the raw numbers of labels are divided by (Guo et al., 2017).
        fuse: Add `encoder_classifier`, classifier and encoder in one call.
        score: Add `scorer`, how strange rows are, where the model does not declare one; of
            one-class the classifier says it.

    Raises:
        InputError: There is no encoder or no classifier to fuse, or no p(x) to score by.
    """
    slim = model.slim() if isinstance(model, method.Slims) else model
    slim.eval()
    fused = (_fused(slim, temperature),) if fuse else ()
    scores = isinstance(slim.labels, OneClass) or slim.conditional(SCORER) is not None
    scored = (_scorer(slim),) if score and not scores else ()
    every = (*slim.conditionals, *fused, *scored)
    return {each.name: _graph(slim, each, problem, temperature) for each in every}


def example(spec: declared.Tensor, rows: int, lengths: free.Lengths = free.FEW) -> Tensor:
    """Zeros of a tensor's dtype and shape."""
    return torch.zeros(rows, *free.row(spec, lengths), dtype=DTYPES[spec.dtype])


def _fused(model: Model, temperature: float) -> Conditional:
    """Classifier and encoder in one: y of the latter are the probabilities of the former."""
    first, second = model.conditional(CLASSIFIER), model.conditional(ENCODER)
    if first is None or second is None:
        missing = CLASSIFIER if first is None else ENCODER
        raise errors.InputError(
            "fuse", f"on, but the model has no {missing}", "a model that classifies and encodes"
        )
    classify, encode, labelled = first.call, second.call, "y" in second.given

    def both(model: Model, x: Tensor, **noise: Tensor) -> Answer:
        def own(each: Conditional) -> dict[str, Tensor]:
            return {name: noise[name] for name in each.noise}

        answer = classify(model, x=x, **own(first))
        y = (
            {"y": model.labels.mean(model.labels.tempered(answer[RAW], temperature))}
            if labelled
            else {}
        )
        return {**answer, **encode(model, x=x, **y, **own(second))}

    return Conditional(FUSED, both, ("x",), tuple(dict.fromkeys((*first.noise, *second.noise))))


def _scorer(model: Model) -> Conditional:
    """Minus a bound of log p(x), of a model that has one."""
    if isinstance(model.labels, Dense):
        raise errors.InputError(
            "score", "on, but nothing bounds p(x) where labels are masks", "", "Leave it out."
        )
    if not isinstance(model, method.Weighs):
        raise errors.InputError(
            "score", "on, but the model has no p(x)", "a model that generates, such as m2"
        )
    return scoring.SCORER


def _graph(model: Model, conditional: Conditional, problem: Problem, temperature: float) -> Graph:
    """A conditional with the tensors of its graph; the outputs are named by running it once."""
    rows = _rows(problem) if "x" in conditional.given else []
    others = [_given(name, model) for name in conditional.given if name != "x"]
    inputs = [*rows, *others, *(_latent(name, model) for name in conditional.noise)]
    names = tuple(spec.name for spec in inputs)
    module = Traced(model, conditional, names, len(rows), temperature, views_of(problem)).eval()
    with torch.inference_mode():
        few, more = (
            module.named(*(example(spec, 2, lengths) for spec in inputs))
            for lengths in (free.FEW, free.MORE)
        )
    rest = {
        key: free.shape(value.shape[1:], more[key].shape[1:], model.labels)
        for key, value in few.items()
    }
    outputs = tuple(declared.Tensor(k, "float32", (BATCH, *shape)) for k, shape in rest.items())
    spec = interface.Graph(tuple(inputs), outputs, _noise(model, conditional))
    layout = layout_of(problem) if rows else ()
    units = _units(conditional, spec, problem) | _label_units(conditional, problem)
    if "score" in rest:  # a sum over all numbers of a row
        units["score"] = np.array([float(problem.width)])
    return Graph(conditional.name, module, spec, layout, units)


def _noise(model: Model, conditional: Conditional) -> tuple[str, ...]:
    """The inputs that take noise: the latent too, where no prior gives it."""
    drawn = conditional.name == DECODER and model.conditional(PRIOR) is None
    latent = ("z",) if drawn and "z" in conditional.given else ()
    return (*latent, *conditional.noise)


def _units(conditional: Conditional, spec: interface.Graph, problem: Problem) -> dict[str, Array]:
    """The deviations of numbers without limits that a decoder gives, each column's its own."""
    if conditional.name != DECODER:
        return {}
    parts = {f".{name}": part for name, part in problem.parts.items()} or {"": problem}
    units = {end: limits.units(part) for end, part in parts.items()}
    names = {f"{kind}{end}": u for end, u in units.items() for kind in ("x", "mean", "scale")}
    given = {t.name for t in spec.outputs}
    return {name: u for name, u in names.items() if name in given and u is not None}


def _label_units(conditional: Conditional, problem: Problem) -> dict[str, Array]:
    """The deviations of labels that are numbers, where a graph gives these."""
    labels = problem.labels
    if conditional.name not in (CLASSIFIER, FUSED) or not isinstance(labels, Continuous):
        return {}
    scale: Array = np.array(labels.scale)
    return {"mean": scale, "scale": scale}


def _rows(problem: Problem) -> list[declared.Tensor]:
    """The tensors that hold rows: x; of a table its numbers x and its categories' codes; views."""
    if problem.views:
        return [view.tensor for view in views_of(problem)]
    if not problem.columns:
        return [declared.Tensor("x", problem.dtype, (BATCH, *free.of_rows(problem)))]
    numbers = declared.Tensor("x", "float32", (BATCH, problem.numbers))
    codes = declared.Tensor("codes", "int64", (BATCH, len(problem.blocks)))
    return [tensor for tensor in (numbers, codes) if tensor.width]


def views_of(problem: Problem) -> tuple[View, ...]:
    """The views of a problem's rows as the runtime has them."""
    ranges = {name: limits.value_range(part) for name, part in problem.parts.items()}
    return tuple(View(v.name, v.shape, v.dtype, v.kind, ranges[v.name]) for v in problem.views)


def lengths_of(problem: Problem) -> tuple[Lengths, ...]:
    """The lengths of series, where they are unequal."""
    if not problem.padded:
        return ()
    return (Lengths(problem.shape[0], problem.shortest, problem.shape[1]),)


def layout_of(problem: Problem) -> laid.Layout:
    """How a problem's rows are laid out; nothing where they are one tensor of numbers."""
    return problem.columns or views_of(problem) or lengths_of(problem)


def _given(name: str, model: Model) -> declared.Tensor:
    if name == "y":
        return declared.Tensor("y", "float32", (BATCH, *free.of_labels(model.labels)))
    return _latent(name, model)


def _latent(name: str, model: Model) -> declared.Tensor:
    return declared.Tensor(name, "float32", (BATCH, model.widths[name]))
