"""Rows drawn from a run's decoder as a bundle draws them: the runtime's noise and its samplers."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ssdgm_export.graphs.modules import Array, Graph
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.inference import likelihoods, noise
from ssdgm_train.likelihoods import family_of
from ssdgm_train.model import DECODER, PRIOR
from ssdgm_train.problems import Problem

Outputs = Mapping[str, Array]
Run = Callable[[str, dict[str, Array]], Outputs]


def likelihood(problem: Problem) -> manifest.Likelihood:
    """How a problem's rows are drawn, as a manifest states it."""
    family = family_of(problem)
    views = tuple((name, likelihood(part)) for name, part in problem.parts.items())
    return manifest.Likelihood(
        family.name, blocks=problem.blocks, views=views, **family.levels(problem)
    )


def decoded(graphs: Mapping[str, Graph], y: Array, seed: int, run: Run) -> Outputs:
    """A decoder's outputs for labels and the seed's noise; a prior gives z where there is one.

    Args:
        graphs: A model's graphs, among them the decoder.
        y: The labels, [n, *shape] of their space.
        seed: As `Model.generate` takes it, with the same rows.
        run: A graph's name and its inputs by name to its outputs by name.
    """
    given = {"y": y}
    for name in filter(graphs.__contains__, (PRIOR, DECODER)):
        graph = graphs[name].spec
        drawn = {t.name: t.width for t in graph.inputs if t.name in graph.noise}
        given |= {key: noise.draw(seed, key, len(y), width) for key, width in drawn.items()}
        outputs = run(name, {t.name: given[t.name] for t in graph.inputs})
        given |= {"z": outputs["z"]} if name == PRIOR else {}
    return outputs


def rows(outputs: Mapping[str, Array], problem: Problem, seed: int) -> NDArray[np.floating]:
    """Rows [n, *shape] of p(x | y, z), from a decoder's outputs, in the data's own units."""
    stated = likelihood(problem)
    flat = {name: value.reshape(len(value), -1) for name, value in outputs.items()}
    drawn = likelihoods.SAMPLERS[stated.name](flat, stated, noise.Streams(seed))
    return drawn.reshape(-1, *problem.shape)
