"""What a trained model answers on rows in memory: labels, latents and draws, in double precision.

In float32 the last bits of a row's answer depend on how many rows are asked beside it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train import evaluation, likelihoods, method
from ssdgm_train.evaluation import passes
from ssdgm_train.problems import Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """A trained model at work.

    Attributes:
        model: A module in double precision, with the protocols of `method`.
        problem: What it was built for.
        temperature: What its logits are divided by.
        device: Where it is.
    """

    model: Any
    problem: Problem
    temperature: float
    device: torch.device

    def probs(self, x: NDArray[np.generic]) -> Floats:
        """q(y | x) of raw rows, [n, K]."""
        logits = evaluation.logits(self.model, x, self.device) / self.temperature
        found: Floats = torch.softmax(logits, -1).numpy()
        return found

    def latents(self, x: NDArray[np.generic]) -> Floats:
        """The means of q(z | x, y = q(y | x)), or of q(z | x) without labels, [n, Z]."""
        rows, probs = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(self.probs(x))
        means = passes.map_tensors(self.model, self._mean, rows, probs, device=self.device)
        found: Floats = means.numpy()
        return found

    def draws(self, y: NDArray[np.int64], seed: int) -> Floats:
        """A row of p(x | y) for every class index, [n, *shape], in the data's own units."""
        model, classes = self.model, self.problem.labels.size
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(len(y), model.latent, generator=generator, dtype=torch.float64)
        given = torch.nn.functional.one_hot(torch.from_numpy(y), classes).double()
        with evaluation.evaluating(model), torch.inference_mode():
            z, given = z.to(self.device), given.to(self.device)
            labelled = isinstance(model, method.Decodes)
            found = model.decode(given, z) if labelled else model.render(z)
        kept = {name: value.cpu() for name, value in found.items()}
        family = likelihoods.family_of(self.problem)
        x: Floats = family.sample(kept, self.problem, generator).numpy()
        return x

    def _mean(self, x: Tensor, y: Tensor) -> Tensor:
        model = self.model
        found = model.encode(x, y) if isinstance(model, method.Encodes) else model.embed(x)
        mean: Tensor = found.mean
        return mean
