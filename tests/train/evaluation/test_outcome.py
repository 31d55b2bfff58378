"""A model over many rows, and what a run's end is measured by."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssdgm_train import evaluation
from ssdgm_train import model as declared
from ssdgm_train.evaluation import calibration, latents
from ssdgm_train.labels import classes
from ssdgm_train.model import Model
from ssdgm_train.probability import distributions

CPU = torch.device("cpu")


class Echo(Model):
    """A model whose logits are the rows."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.labels, self.widths = classes.uniform(size), {}
        self.sizes: list[int] = []

    def classify(self, x: Tensor) -> Tensor:
        assert not self.training
        self.sizes.append(len(x))
        return x

    conditionals = (declared.classifier(classify),)


class Embedding(Echo):
    """An M1 whose latents are the rows."""

    def embed(self, x: Tensor) -> distributions.Normal:
        return distributions.Normal(x, torch.ones_like(x))

    conditionals = (*Echo.conditionals, declared.encoder(embed, "x"))


class Encoding(Echo):
    """An M2 whose latents are the rows and their labels."""

    def encode(self, x: Tensor, y: Tensor) -> distributions.Normal:
        mean = torch.cat([x, y], -1)
        return distributions.Normal(mean, torch.ones_like(mean))

    conditionals = (*Echo.conditionals, declared.encoder(encode, "x", "y"))


class Stacked(Encoding):
    """An M1+M2 that keeps two features."""

    kept = (0, 3)

    def slim(self) -> Model:
        return self


def test_error_and_nll_are_those_of_the_logits() -> None:
    x = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]], np.float32))
    found = evaluation.score(Echo(), x, np.array([0, 2, 1]), CPU)
    assert found.rows == 3
    assert found.error == pytest.approx(1 / 3)
    assert found.nll == pytest.approx(-(math.log(0.5) + math.log(0.8) + math.log(0.2)) / 3)


def test_many_rows_go_in_parts_and_come_back_in_order() -> None:
    model = Echo()
    x = np.arange(2 * 2500, dtype=np.float32).reshape(-1, 2)
    assert torch.equal(evaluation.raw(model, x, CPU), torch.from_numpy(x))
    assert sum(model.sizes) == 2500
    assert max(model.sizes) <= evaluation.ROWS


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_in_the_mode_that_it_was_in(training: bool) -> None:
    model = Echo().train(training)
    evaluation.raw(model, np.ones((2, 2), np.float32), CPU)
    assert model.training is training


def test_the_mode_comes_back_after_an_error() -> None:
    model = Echo()
    with pytest.raises(RuntimeError, match="inside"), evaluation.evaluating(model):
        raise RuntimeError("inside")
    assert model.training


def labelled(rows: int, seed: int = 0) -> evaluation.Labelled:
    """Rows of three classes that are well apart, their logits ten times too sure."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    x = 10 * (np.eye(3)[y] + rng.standard_normal((rows, 3)))
    return evaluation.Labelled(x.astype(np.float32), y)


def outcome(model: Model, **parts: evaluation.Labelled | None) -> Any:  # noqa: ANN401
    every = {"labelled": labelled(9), "validation": None, "test": None, "unlabelled": None}
    return evaluation.outcome(model, {**every, **parts}, CPU)


def test_every_part_is_scored_at_the_temperature_that_validation_gives() -> None:
    validation, test = labelled(400, 1), labelled(300, 2)
    found = outcome(Echo(), validation=validation, test=test)
    temperature = found.temperature
    assert temperature > 5
    scaled = evaluation.Labelled(test.x / np.float32(temperature), test.y)
    assert found.test.nll == pytest.approx(evaluation.score(Echo(), *scaled, CPU).nll, 1e-5)
    before = found.uncalibrated
    assert before.test.nll == pytest.approx(evaluation.score(Echo(), *test, CPU).nll)
    for part in ("validation", "test"):
        assert getattr(found, part).error == getattr(before, part).error
        assert getattr(found, part).ece < getattr(before, part).ece / 2
    assert found.unlabelled is before.unlabelled is None


def test_the_pool_is_scored_where_its_labels_are_known() -> None:
    found = outcome(Echo(), unlabelled=labelled(50))
    assert found.unlabelled.rows == 50
    assert found.validation is found.test is None


@pytest.mark.parametrize("rows", [0, calibration.FEWEST - 1])
def test_few_validation_rows_leave_the_temperature_at_one(rows: int) -> None:
    found = outcome(Echo(), validation=labelled(rows) if rows else None)
    assert found.temperature == 1
    assert found.validation == found.uncalibrated.validation


def test_few_validation_rows_leave_the_temperature_at_the_one_that_is_given() -> None:
    rows = {"labelled": labelled(9), "validation": labelled(9), "test": labelled(50)}
    found = evaluation.outcome(Echo(), {**rows, "unlabelled": None}, CPU, 4.0)
    assert found.temperature == 4.0
    assert found.test is not None
    assert found.test.error == found.uncalibrated.test.error
    assert found.test.nll < found.uncalibrated.test.nll


def test_a_latent_is_active_where_its_mean_varies_over_rows() -> None:
    spread = np.array([0.2, 0.11, 0.09, 0], np.float32)
    signs = np.where(np.arange(400) % 2, 1, -1)[:, None].astype(np.float32)
    held = evaluation.Labelled(5 + signs * spread, np.arange(400) % 3)
    found = latents.latents(Embedding(), *held, device=CPU)
    assert found == latents.Latents(4, (0, 1))


def test_an_encoder_that_is_given_the_label_sees_it() -> None:
    held = evaluation.Labelled(np.zeros((30, 2), np.float32), np.arange(30) % 2)
    found = latents.latents(Encoding(), *held, device=CPU)
    assert found == latents.Latents(5, (2, 3))


def test_latents_are_those_of_training_rows_where_nothing_is_held_out() -> None:
    assert outcome(Embedding()).latents == latents.Latents(3, (0, 1, 2))


def test_a_model_of_two_parts_says_what_it_keeps_of_the_first() -> None:
    found = outcome(Stacked()).latents
    assert (found.size, found.kept) == (6, (0, 3))


def test_neighbours_vote_on_test_rows_before_validation_rows() -> None:
    near = labelled(60, 1)
    far = evaluation.Labelled(near.x, (near.y + 1) % 3)
    found = outcome(Embedding(), labelled=near, validation=near, test=far).neighbours
    assert (found.k, found.rows) == (5, 60)
    assert found.error > 0.5
    assert outcome(Embedding(), labelled=near, validation=near).neighbours.error < 0.5


def test_fewer_labelled_rows_than_neighbours_all_vote() -> None:
    found = outcome(Embedding(), labelled=labelled(3), test=labelled(30)).neighbours
    assert (found.k, found.rows) == (3, 3)


@pytest.mark.parametrize(("model", "latents"), [(Echo(), False), (Encoding(), True)])
def test_what_a_model_cannot_do_is_left_open(model: Model, latents: bool) -> None:
    found = outcome(model, test=labelled(30))
    assert (found.latents is not None) is latents
    assert found.neighbours is None
    assert outcome(Embedding()).neighbours is None
