"""What a trained model answers on rows in memory: labels, latents and draws, in double precision.

In float32 the last bits of a row's answer depend on how many rows are asked beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ssdgm_export.estimator import frames
from ssdgm_export.graphs import draws, modules
from ssdgm_runtime import errors
from ssdgm_runtime.labels.space import Space
from ssdgm_runtime.rows import columns
from ssdgm_train.evaluation import ROWS
from ssdgm_train.problems import Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """A trained model at work.

    Attributes:
        graphs: Its graphs, their modules in double precision.
        problem: What it was built for.
        space: What a label is, as the runtime has it.
        device: Where the modules are.
    """

    graphs: Mapping[str, modules.Graph]
    problem: Problem
    space: Space
    device: torch.device

    def probs(self, x: modules.Array) -> Floats:
        """q(y | x) of raw rows, [n, K]; of numbers their means."""
        return self.outputs(x)[self.space.mean]

    def outputs(self, x: modules.Array) -> dict[str, Floats]:
        """What the classifier gives for raw rows, by name."""
        return self._run("classifier", self._feeds(x))

    def scores(self, x: modules.Array) -> Floats:
        """How strange raw rows are, [n], of a model that generates."""
        return self._run("scorer", self._feeds(x))["score"][:, 0]

    def latents(self, x: modules.Array) -> Floats:
        """The means of q(z | x, y = q(y | x)), or of q(z | x) without labels, [n, Z]."""
        return self._run("encoder", {**self._feeds(x), "y": self.probs(x)})["z_mean"]

    def draws(self, y: NDArray[np.int64], seed: int) -> Floats:
        """A row of p(x | y) for every class index, [n, *shape], in the data's own units."""
        known = self.problem.labels.known(torch.from_numpy(y), like=torch.zeros(()))
        return self.draws_of(known.value.numpy(), seed)

    def draws_of(self, y: modules.Array, seed: int) -> Floats:
        """The same for labels as graphs take them, [n, *shape] of their space."""
        outputs = draws.decoded(self.graphs, y, seed, self._run)
        return draws.rows(outputs, self.problem, seed).astype(np.float64)

    def _feeds(self, x: modules.Array) -> dict[str, modules.Array]:
        """Rows as graphs take them: those of a table by their columns."""
        known = self.problem.columns
        return columns.split(x, known) if known else {"x": x}

    def _run(self, name: str, feeds: Mapping[str, modules.Array]) -> dict[str, Floats]:
        """A graph's outputs for those of the feeds that it takes, `ROWS` rows at a time.

        Noise that is not among them is zero.
        """
        graph = self.graphs[name]
        module = graph.module.to(self.device)
        every = {**graph.still(len(next(iter(feeds.values())))), **feeds}
        own = (np.require(every[t.name], requirements=("C", "W")) for t in graph.spec.inputs)
        given = [torch.from_numpy(array) for array in own]
        parts = zip(*(torch.split(tensor, ROWS) for tensor in given), strict=True)
        with torch.inference_mode():
            passes = [module(*(self._exact(tensor) for tensor in part)) for part in parts]
        outputs = (torch.cat(several).cpu().numpy() for several in zip(*passes, strict=True))
        return dict(zip((t.name for t in graph.spec.outputs), outputs, strict=True))

    def _exact(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device, torch.float64 if tensor.is_floating_point() else None)


def framed(values: Floats, problem: Problem, table: frames.Table) -> Any:  # noqa: ANN401  (a native frame)
    """Rows [n, columns] as a frame of the library that the training rows came in."""
    import narwhals as nw

    named_values = columns.named(values, problem.columns)
    return nw.from_dict(named_values, backend=table.backend).to_native()


def classes(values: modules.Array, trained: tuple[int | str, ...]) -> modules.Array:
    """The labels' own values in the order that a table's classes have, [K].

    Raises:
        InputError: Two of them are one word in a table, or one stands for a missing label.
    """
    known = {str(value).strip().lower(): value for value in values.tolist()}
    words = [str(name).lower() for name in trained]
    if len(known) != len(values) or sorted(known) != sorted(words):
        raise errors.InputError(
            "y", f"labelled {values.tolist()}", f"labels that differ in a table, as {words} do"
        )
    return np.array([known[word] for word in words])
