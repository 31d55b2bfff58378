"""Masks in training: draws, densities, scores, and what they are counted over."""

import math

import numpy as np
import pytest
import torch

from ssdgm_train.labels import Dense, dense
from ssdgm_train.labels.measures import overlaps
from ssdgm_train.labels.space import Known, Regular
from ssdgm_train.probability.noise import Noise

SPACE = Dense((0.5, 0.3, 0.2))
SIDES = (4, 6)


def raw(rows: int = 3) -> torch.Tensor:
    return torch.randn(rows, 3, *SIDES, generator=torch.Generator().manual_seed(0)).double()


def masks(rows: int = 3) -> torch.Tensor:
    """Masks of all classes with some unknown places, as a data set stores them."""
    y = torch.arange(rows * math.prod(SIDES)).reshape(rows, *SIDES) % 3
    y[:, 0, :2] = dense.UNKNOWN
    return y.to(torch.uint8)


def noise() -> Noise:
    return Noise(torch.Generator().manual_seed(1))


def test_it_is_a_space_that_regularisers_know() -> None:
    assert isinstance(SPACE, Regular)
    assert (SPACE.shape, SPACE.raw, SPACE.entries) == ((3, 16, 16), 3, 1)


def test_known_places_are_one_hot_and_others_zero() -> None:
    known = SPACE.known(masks(), like=raw())
    assert known.value.sum(1)[:, 0, :2].abs().sum() == 0
    assert torch.equal(known.value.sum(1, keepdim=True), known.mask)
    assert torch.equal(known.value.argmax(1)[known.mask[:, 0] > 0], masks()[masks() != 255].long())


def test_densities_sum_over_known_places_alone() -> None:
    q, known = raw(), SPACE.known(masks(), like=raw())
    log_q = q.log_softmax(1)
    wanted = torch.zeros(3).double()
    for n, h, w in np.ndindex(3, *SIDES):
        if (k := int(masks()[n, h, w])) != dense.UNKNOWN:
            wanted[n] += log_q[n, k, h, w]
    torch.testing.assert_close(SPACE.log_prob(q, known), wanted)
    entropy = -(log_q.exp() * log_q).sum(1)
    torch.testing.assert_close(SPACE.entropy(q), entropy.sum((1, 2)))
    torch.testing.assert_close(SPACE.entropy(q, known), entropy[:, 0, :2].sum(1))
    prior = SPACE.log_prior(SPACE.known(masks() * 0, like=q).value)
    torch.testing.assert_close(prior, torch.full((3,), 24 * math.log(0.5)).double())


def test_draws_keep_what_is_known_and_pass_gradients_to_the_rest() -> None:
    q, known = raw().requires_grad_(), SPACE.known(masks(), like=raw())
    tries = SPACE.completed(q, known, noise())
    y = tries.y[:, 0]
    assert tries.weight.shape == (3, 1)
    torch.testing.assert_close(y * known.mask, known.value)
    torch.testing.assert_close(y.sum(1), torch.ones(3, *SIDES).double())
    (y * torch.arange(3)[:, None, None]).sum().backward()
    assert q.grad is not None
    assert (q.grad * known.mask == 0).all()
    assert (q.grad[:, :, 0, :2] != 0).any()


def test_draws_are_as_frequent_as_probable() -> None:
    q = torch.tensor([0.2, 0.5, 0.3]).log().reshape(1, 3, 1, 1).expand(1, 3, 60, 60)
    y, log_q = SPACE.sampled(q, noise())
    shares = y.mean((0, 2, 3))
    torch.testing.assert_close(shares, torch.tensor([0.2, 0.5, 0.3]), atol=0.03, rtol=0)
    torch.testing.assert_close(log_q, (y * q).sum().reshape(1))
    relaxed = SPACE.tries(q, noise()).y[:, 0].argmax(1)
    counts = torch.bincount(relaxed.flatten(), minlength=3) / 3600
    torch.testing.assert_close(counts, torch.tensor([0.2, 0.5, 0.3]), atol=0.03, rtol=0)


def test_regularisers_pseudo_labels_divergence_and_balance() -> None:
    q = torch.tensor([[4.0, 0.0, 0.0], [0.1, 0.0, 0.0]]).reshape(1, 2, 3, 1).movedim(2, 1)
    sure = SPACE.pseudo(q, 0.9)
    assert sure.mask.flatten().tolist() == [1, 0]
    assert sure.value[0, :, 0, 0].tolist() == [1, 0, 0]
    torch.testing.assert_close(SPACE.divergence(q, q), torch.zeros(1))
    assert float(SPACE.divergence(q, -q)) > 0
    even = torch.tensor(SPACE.prior).log().reshape(1, 3, 1, 1).expand(2, 3, 2, 2)
    torch.testing.assert_close(SPACE.imbalance(even), torch.zeros(1), atol=1e-6, rtol=0)
    assert float(SPACE.imbalance(q)) > 0


def test_scores_are_over_the_places_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    y, q = masks(), raw()
    known, said = y != dense.UNKNOWN, q.argmax(1)
    score = SPACE.measure(q, y)
    assert score.rows == 3
    assert score.error == pytest.approx(float((said != y)[known].double().mean()))
    assert score.iou is not None
    for k in range(3):
        both = ((said == k) & (y == k) & known).sum()
        either = (((said == k) | (y == k)) & known).sum()
        assert score.iou[k] == pytest.approx(float(both / either))
    assert score.nll == pytest.approx(float(-SPACE.log_prob(q, SPACE.known(y, like=q)).mean()))
    assert "IoU" in score.words
    wrong = SPACE.wrong(q, y)
    assert float(wrong.sum() / known.sum()) == pytest.approx(score.error)
    monkeypatch.setattr(overlaps, "PLACES", 1)
    apart = SPACE.measure(q, y)
    assert apart.ece == pytest.approx(score.ece)
    assert apart.brier == pytest.approx(score.brier)
    assert SPACE.confusion(q, y).sum() == known.sum()


def test_nothing_known_scores_nothing() -> None:
    score = SPACE.measure(raw(), torch.full((3, *SIDES), dense.UNKNOWN, dtype=torch.uint8))
    assert (score.rows, score.nll, score.iou) == (0, 0, (1.0, 1.0, 1.0))


def test_a_bundle_gets_probabilities_at_a_temperature() -> None:
    probs = SPACE.outputs(raw(), 2.0)["probs"]
    torch.testing.assert_close(probs, SPACE.mean(SPACE.tempered(raw(), 2.0)))
    torch.testing.assert_close(
        SPACE.pooled(torch.stack([raw(), raw()], 1)).softmax(1), SPACE.mean(raw())
    )


def test_examples_are_discs_and_names_are_described() -> None:
    discs = SPACE.examples(3)
    assert discs.shape == (3, 3, 64, 64)
    assert [np.unique(disc.argmax(0)).tolist() for disc in discs] == [[0, 1], [0, 2], [0, 1]]
    assert SPACE.described((0, 7, 9))["values"] == [0, 7, 9]
    assert SPACE.described(("a", "b", "c"))["values"] == [0, 1, 2]
    assert SPACE.codes(np.zeros((1, 2, 2), np.uint8)) is None
    assert SPACE.every(raw()) is None


def test_known_is_a_pair() -> None:
    assert isinstance(SPACE.known(masks(), like=raw()), Known)
