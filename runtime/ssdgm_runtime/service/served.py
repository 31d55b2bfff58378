"""A model as the protocol has it: its metadata, requests to rows, answers to tensors."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.labels.space import Answer
from ssdgm_runtime.model import Model
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_runtime.rows.views import layout as laid
from ssdgm_runtime.service import tensors
from ssdgm_runtime.service.tensors import Spec

Json = dict[str, Any]
VERSION = "1"
"""The only version that a model has."""

NUMBERED, NAMED = "labels", "names"
"""Outputs beside the graph's own: predicted labels as numbers, and by name."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_KINDS = {columns.NUMBER: "FP32", columns.CATEGORY: tensors.BYTES, columns.BOOLEAN: "BOOL"}


class Served:
    """One model.

    Args:
        model: The open model.
        name: What its addresses call it; by default the bundle's name.

    Raises:
        TaskUnavailable: The bundle has no classifier.
        InputError: The name cannot stand in an address.
    """

    def __init__(self, model: Model, name: str | None = None) -> None:
        about = model.graphs.bundle.manifest
        self.model, self.name = model, checked(name or about.name)
        self._intake = model.graphs.intake("classifier", "classify")
        self._layout = about.row_layout
        self.inputs = _inputs(self._layout, self._intake.tensor)
        self.outputs = tuple(self._outputs())

    def to_json(self) -> Json:
        """The model's metadata."""
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": "onnxruntime_onnx",
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
        }

    def missing(self, name: str, version: str = VERSION) -> str:
        """What is wrong with an address's name and version, as a sentence; empty for nothing."""
        if name != self.name:
            return f"There is no model {name!r} here; expected {self.name!r}"
        if version != VERSION:
            return f"There is no version {version!r} of {name}; expected {VERSION!r}"
        return ""

    def rows(self, given: Mapping[str, tensors.Array]) -> tensors.Array:
        """A request's tensors as whole rows, [n, ...], which the model has checked.

        Raises:
            InputError: They are not rows that it takes.
        """
        names = [spec.name for spec in self.inputs]
        if odd := [name for name in given if name not in names]:
            raise errors.InputError(
                "inputs", f"given with {columns.some(odd)}", columns.some(names)
            )
        x: Any = {**given}
        if laid.columns_of(self._layout):
            x = {name: _flat(column) for name, column in given.items()}
        elif not laid.views_of(self._layout):
            x = given["x"]
        return self._intake.take(x)

    def check(self, names: Mapping[str, bool] | None) -> None:
        """Refuse outputs that the model does not have.

        Raises:
            InputError: There are some.
        """
        known = [spec.name for spec in self.outputs]
        if odd := [name for name in names or () if name not in known]:
            raise errors.InputError("outputs", f"given with {odd[0]!r}", f"some of {known}")

    def tensors(
        self, answer: Answer, names: Mapping[str, bool] | None
    ) -> dict[str, tensors.Array]:
        """The outputs that are asked for, all of them where none is named."""
        wanted = [spec.name for spec in self.outputs] if names is None else names
        return {
            name: _named(answer) if name == NAMED else getattr(answer, name) for name in wanted
        }

    def _outputs(self) -> Iterator[Spec]:
        """What answers hold, by one for a row of zeros: the graph's outputs, and labels."""
        tensor, graph = self._intake.tensor, self.model.graphs.graph("classifier", "classify")
        answer = self.model.classify(np.zeros((1, *tensor.row), tensor.dtype))
        declared = {t.name: _spec(t) for t in graph.outputs}
        free = tensor.shape[1:] != tensor.row
        for name in (*self.model.space.outputs, NUMBERED):
            first = getattr(answer, name)
            sides = [-1] * (first.ndim - 1) if free else first.shape[1:]
            given = Spec(name, tensors.datatype(first.dtype), (-1, *sides))
            known = declared.get(name, given)
            yield known if len(known.shape) == first.ndim else given
        yield Spec(NAMED, tensors.BYTES, (-1,))


def checked(name: str) -> str:
    """A model's name, which stands in addresses.

    Raises:
        InputError: It cannot.
    """
    if not _NAME.fullmatch(name):
        wanted = "letters, digits, '.', '_' and '-', which can stand in an address"
        raise errors.InputError("name", repr(name), wanted, "Give another with --name.")
    return name


def _inputs(layout: laid.Layout, tensor: Tensor) -> tuple[Spec, ...]:
    """What rows are made of: the columns of a table, the views, or the one tensor."""
    if table := laid.columns_of(layout):
        return tuple(Spec(column.name, _KINDS[column.kind], (-1,)) for column in table)
    if views := laid.views_of(layout):
        return tuple(
            Spec(view.name, tensors.datatype(view.dtype), (-1, *view.shape)) for view in views
        )
    return (_spec(tensor),)


def _spec(tensor: Tensor) -> Spec:
    """A tensor as a manifest declares it; a side that is free is of any length."""
    sides = (-1 if isinstance(side, str) else side for side in tensor.shape[1:])
    return Spec(tensor.name, tensors.datatype(tensor.dtype), (-1, *sides))


def _flat(column: tensors.Array) -> tensors.Array:
    """The values of a column, [n], of [n] or [n, 1]."""
    return column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column


def _named(answer: Answer) -> tensors.Array:
    """The predicted labels by name; several of one row are joined by semicolons."""
    return tensors.listed(
        [name if isinstance(name, str) else ";".join(map(str, name)) for name in answer.names]  # type: ignore[call-overload]
    )
