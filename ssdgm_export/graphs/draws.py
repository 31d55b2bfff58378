"""Rows drawn from a run's decoder as a bundle draws them: the runtime's noise and its samplers."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ssdgm_export.graphs.modules import Array
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.inference import likelihoods, noise
from ssdgm_train.likelihoods import family_of
from ssdgm_train.problems import Problem


def likelihood(problem: Problem) -> manifest.Likelihood:
    """How a problem's rows are drawn, as a manifest states it."""
    family = family_of(problem)
    return manifest.Likelihood(family.name, blocks=problem.blocks, **family.levels(problem))


def feeds(decoder: interface.Graph, problem: Problem, y: Array, seed: int) -> dict[str, Array]:
    """A decoder's inputs: labels of class indices [n], and the seed's noise.

    Args:
        decoder: What it takes.
        problem: What it was built for.
        y: The class indices.
        seed: As `Model.generate` takes it, with the same rows.
    """
    one_hot = np.eye(problem.labels.size, dtype=np.float32)[y]
    return {
        t.name: one_hot if t.name == "y" else noise.draw(seed, t.name, len(y), t.width)
        for t in decoder.inputs
    }


def rows(outputs: Mapping[str, Array], problem: Problem, seed: int) -> NDArray[np.floating]:
    """Rows [n, *shape] of p(x | y, z), from a decoder's outputs, in the data's own units."""
    stated = likelihood(problem)
    flat = {name: value.reshape(len(value), -1) for name, value in outputs.items()}
    drawn = likelihoods.SAMPLERS[stated.name](flat, stated, noise.Streams(seed))
    return drawn.reshape(-1, *problem.shape)
