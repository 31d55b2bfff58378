"""The label space."""

import math

import pytest
import torch

from ssdgm_train import labels

LIKE = torch.zeros((), dtype=torch.float64)


def test_uniform_classes_are_equally_likely() -> None:
    space = labels.uniform(10)
    assert space.size == 10
    assert space.prior == pytest.approx([0.1] * 10)


def test_the_log_prior_is_in_nats_and_in_the_numbers_of_the_model() -> None:
    found = labels.Classes((0.25, 0.75)).log_prior(LIKE)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([math.log(0.25), math.log(0.75)])


def test_every_class_is_the_one_hot_of_its_index() -> None:
    space = labels.uniform(4)
    every = space.every(LIKE)
    assert torch.equal(every, space.one_hot(torch.arange(4), LIKE))
    assert every.dtype == torch.float64
    assert every.argmax(-1).tolist() == [0, 1, 2, 3]
    assert every.sum(-1).tolist() == [1, 1, 1, 1]
