"""Periodic features of numbers."""

import math

import cases
import pytest
import torch

from ssdgm_train.methods import m2
from ssdgm_train.methods.classifiers import supervised
from ssdgm_train.networks import builder
from ssdgm_train.networks.periodic import FEATURES, Periodic
from ssdgm_train.runs import baseline
from ssdgm_train.settings import RecipeError


def test_each_number_has_features_of_its_own_phases() -> None:
    torch.manual_seed(0)
    network, x = Periodic(5, numbers=3, count=4), torch.randn(7, 2, 5)
    y = network(x)
    assert y.shape == (7, 2, network.width) == (7, 2, 5 + 3 * FEATURES)
    torch.testing.assert_close(y[..., :5], x)
    for j in range(3):
        phase = 2 * math.pi * x[6, 1, j] * network.frequencies[j]
        waves = torch.cat([phase.sin(), phase.cos()])
        own = torch.relu(waves @ network.weight[j] + network.bias.view(3, FEATURES)[j])
        torch.testing.assert_close(y[6, 1, 5 + j * FEATURES : 5 + (j + 1) * FEATURES], own)


def test_any_axes_may_lead() -> None:
    network, x = Periodic(3, numbers=2, count=2), torch.randn(4, 3)
    torch.testing.assert_close(network(x[:, None])[:, 0], network(x))
    assert network(x[:0]).shape == (0, network.width)


def test_codes_of_a_table_pass_as_they_are() -> None:
    model = cases.built(m2.METHOD, "columns-float32", periodic=4)
    first, problem = model.classifier.before, cases.stated("columns-float32")
    assert isinstance(first, Periodic)
    assert first.numbers == problem.numbers
    x = torch.randn(2, model.standardise.width)
    other = x.clone()
    other[:, problem.numbers :] += 1
    features = slice(model.standardise.width, None)
    torch.testing.assert_close(first(x)[:, features], first(other)[:, features])
    assert not isinstance(model.encoder.before, Periodic)


def test_a_table_of_words_alone_has_none() -> None:
    model = cases.built(m2.METHOD, "categories", periodic=4)
    assert not isinstance(model.classifier.before, Periodic)


def test_the_network_beside_a_run_has_it_too() -> None:
    assert baseline._shared(m2.Config(periodic=4))["periodic"] == 4


def test_all_of_it_learns() -> None:
    model = cases.built(supervised.METHOD, "gaussian-float32", periodic=4)
    raw = model.classify(cases.batch("gaussian-float32", 9).x)
    raw.square().sum().backward()
    for name, value in model.classifier.before.named_parameters():
        assert value.grad is not None, name
        assert bool(value.grad.any()), name


def test_a_decay_leaves_its_biases_alone() -> None:
    assert Periodic(3, numbers=3, count=4).bias.dim() == 1


def test_features_that_would_not_vary_are_refused() -> None:
    config = m2.Config(periodic=8, initial="small")
    said = cases.message(RecipeError, lambda: builder.fitted(config, cases.stated()))
    assert "initial is small" in said


@pytest.mark.parametrize("kind", ["bernoulli-uint8", "windows-float32"])
def test_neighbours_have_convolutions_instead(kind: str) -> None:
    config, problem = m2.Config(periodic=8), cases.stated(kind)
    said = cases.message(RecipeError, lambda: builder.fitted(config, problem))
    assert "periodic is 8, but rows are of kind" in said
    assert "Leave periodic 0" in said
