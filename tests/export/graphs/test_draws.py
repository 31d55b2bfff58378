"""Rows drawn from a run's decoder: those that the runtime draws from its bundle."""

import cases
import exported
import numpy as np
import pytest
import torch

from ssdgm_export.graphs import draws
from ssdgm_export.proof import parity
from ssdgm_runtime import model
from ssdgm_train import likelihoods
from ssdgm_train.likelihoods import observations

EVERY = pytest.mark.parametrize("kind", list(cases.KINDS))


@EVERY
def test_drawn_rows_are_rows_of_the_data(kind: str) -> None:
    problem = cases.stated(kind)
    likelihood, units = likelihoods.likelihood_for(problem), observations.observer_for(problem)
    raw = torch.randn(50, likelihood.outputs, generator=torch.Generator().manual_seed(0))
    outputs = {k: v.numpy() for k, v in likelihood.decoded(raw, units).items()}
    drawn = draws.rows(outputs, problem, 0)
    assert drawn.shape == (50, *problem.shape)
    limits = likelihoods.family_of(problem).limits(problem)
    if limits is not None:
        assert limits[0] <= drawn.min() <= drawn.max() <= limits[1]
    assert np.array_equal(drawn, draws.rows(outputs, problem, 0))
    assert not np.array_equal(drawn, draws.rows(outputs, problem, 1))


@pytest.mark.parametrize("name", ["m1", "m2"])
def test_a_bundle_draws_the_same_rows(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = exported.folder(tmp_path_factory, name)
    problem, graphs = (f(folder / "run") for f in (exported.problem, exported.traced_modules))
    y = np.arange(7) % 3 if name == "m2" else np.zeros(7, np.int64)
    given = np.eye(3, dtype=np.float32)[y]
    outputs = draws.decoded(graphs, given, 5, lambda g, feeds: parity.reference(graphs[g], feeds))
    own = draws.rows(outputs, problem, 5)
    with model.load(folder / "bundle.ssdgm", provider="cpu") as opened:
        labels = {"y": y} if name == "m2" else {}
        theirs = opened.generate(**labels, n=1 if labels else 7, seed=5, sample=True).x
    np.testing.assert_array_equal(own, theirs)
