"""Importance sampling where the evidence is known, on rows and on bits, in parts and by seed."""

import os
from pathlib import Path

import cases
import noises
import pytest
import torch
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_train import data
from ssdgm_train.evaluation import evidence, passes
from ssdgm_train.labels import classes
from ssdgm_train.probability import objectives
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.published import kingma2014

CPU = torch.device("cpu")
IMAGES = Problem((1, 3), "uint8", classes.uniform(2), "bernoulli", (0.0,), (255.0,))


class Noisy(nn.Module):
    """Weights that are a known sequence of draws: row, class and noise, added up."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.classes, self.sizes = classes, list[int]()

    def log_weights(self, x: Tensor, noise: Noise) -> Tensor:
        assert not self.training
        self.sizes.append(len(x))
        drawn = noise.normal(torch.empty(len(x), self.classes))
        return x.sum(-1, keepdim=True) + torch.arange(self.classes) + drawn


class Whole(Noisy):
    """A model that computes more than it has to, and can be slimmed."""

    kept = (0,)

    def log_weights(self, x: Tensor, noise: Noise) -> Tensor:
        raise AssertionError("it was not slimmed")

    def slim(self) -> nn.Module:
        return Noisy(self.classes)


def run(model: nn.Module, x: Tensor, draws: int, seed: int = 0) -> list[evidence.Estimate]:
    return list(evidence.estimates(model, x, 2, draws, noises.seeded(seed)))


def drawn(x: Tensor, draws: int, seed: int = 0) -> Tensor:
    """All log-weights [draws, n, K]."""
    noise, model = noises.seeded(seed), Noisy().eval()
    return torch.stack([model.log_weights(x, noise) for _ in range(draws)]).double()


X = torch.linspace(-2, 2, 10).reshape(5, 2)


def test_the_bound_is_the_importance_bound_of_the_weights_summed_over_classes() -> None:
    weights = drawn(X, 7)
    found = run(Noisy(), X, 7)
    assert [estimate.draws for estimate in found] == list(range(1, 8))
    whole = objectives.importance_bound(weights.logsumexp(-1).T)
    torch.testing.assert_close(found[-1].bound, whole)
    torch.testing.assert_close(found[2].single, weights[:3].logsumexp(-1).mean(0))
    torch.testing.assert_close(found[0].bound, found[0].single)


def test_the_weights_of_a_class_are_averaged_over_the_draws() -> None:
    by_class = objectives.importance_bound(drawn(X, 4).movedim(0, -1))
    torch.testing.assert_close(run(Noisy(), X, 4)[-1].log_joint, by_class)


def test_weights_below_any_number_are_summed_as_logarithms() -> None:
    found = run(Noisy(), X - 5000, 3)[-1]
    assert torch.isfinite(found.bound).all()
    torch.testing.assert_close(found.log_joint.softmax(-1).sum(-1), torch.ones(5).double())


def test_a_seed_is_an_estimate() -> None:
    one, again, other = (run(Noisy(), X, 3, seed)[-1].bound for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_many_rows_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROWS", 4)
    model = Noisy()
    assert run(model, torch.ones(10, 2), 2)[-1].bound.shape == (10,)
    assert model.sizes == [4, 4, 2] * 2


def test_wide_rows_go_in_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "NUMBERS", 2 * 2 * 3)
    model = Noisy()
    run(model, torch.ones(7, 2), 1)
    assert model.sizes == [3, 3, 1]


def test_a_model_that_can_be_slimmed_is() -> None:
    torch.testing.assert_close(run(Whole(), X, 2)[-1].bound, run(Noisy(), X, 2)[-1].bound)


def test_a_model_without_labels_has_one_column() -> None:
    assert run(Noisy(classes=1), X, 2)[-1].log_joint.shape == (5, 1)


def test_the_model_is_left_in_the_mode_that_it_was_in_between_draws() -> None:
    model = Noisy().train()
    for _ in evidence.estimates(model, X, 2, 2, noises.seeded()):
        assert model.training
        assert not torch.is_inference_mode_enabled()


def test_bits_are_drawn_where_the_likelihood_is_of_bits() -> None:
    rows = torch.tensor([[[0, 255, 102]]] * 4000, dtype=torch.uint8)
    found = evidence.observed(IMAGES, rows, noises.seeded())
    assert found["rows"][0].tolist() == pytest.approx([0, 1, 0.4])
    assert set(found["bits"].unique().tolist()) == {0, 1}
    assert found["bits"].mean(0).tolist() == pytest.approx([0, 1, 0.4], abs=0.03)


@pytest.mark.parametrize("kind", ["binomial-uint8", "gaussian-float32"])
def test_other_rows_are_taken_as_they_are(kind: str) -> None:
    stated, rows = cases.stated(kind), cases.batch(kind).x
    assert evidence.observed(stated, rows, noises.seeded()).keys() == {"rows"}


def test_rows_outside_what_the_likelihood_knows_are_refused() -> None:
    stated = Problem((1, 3), "float32", classes.uniform(2), "bernoulli", (0.0,), (1.0,))
    rows = torch.tensor([[[0.5, 0, 3]]])
    text = cases.message(
        errors.DataError, lambda: evidence.observed(stated, rows, noises.seeded())
    )
    assert "have values in [0, 3]" in text
    assert "bernoulli values in [0, 1]" in text


@pytest.fixture
def published(data_dir: Path) -> tuple[nn.Module, Problem, Tensor]:
    """The authors' M1 and 1000 MNIST test rows."""
    weights = data_dir / "kingma2014-m1/m1_mnist_50-500-500.npz"
    if not weights.exists() or not os.path.exists(data_dir / "mnist"):
        pytest.skip("SSDGM_DATA_DIR has neither mnist nor the authors' weights")
    stated = Problem((28, 28), "uint8", classes.uniform(10), "bernoulli", (0.0,), (255.0,))
    found = data.load("mnist").x_test
    assert found is not None
    return kingma2014.load(weights, stated), stated, torch.from_numpy(found)


def test_the_authors_weights_have_the_authors_bound(
    published: tuple[nn.Module, Problem, Tensor],
) -> None:
    """87.4 nats on bits and 92.0 on grey levels, by their code on all test rows."""
    model, stated, x = published
    noise = noises.seeded()
    for name, seen in evidence.observed(stated, x, noise).items():
        (found,) = evidence.estimates(model, seen, 10, 1, noise)
        assert float(found.single.mean()) == pytest.approx(
            {"bits": -87.4, "rows": -92.0}[name], abs=0.15
        )
