"""Margins: against loops, and by hand."""

import pytest
import torch

from ssdgm_train.probability import regularisers

MARGINS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 0.25, 0.0], [-3.0, 1.0, 1.0]])
UNIFORM = torch.full((3,), 1 / 3).log()


def test_the_hinge_is_that_of_crammer_and_singer_by_hand() -> None:
    found = regularisers.hinge(MARGINS, torch.tensor([0, 1, 0]))
    assert found.tolist() == [0.0, 0.75, 5.0]


def test_the_hinge_is_a_loop_over_the_classes() -> None:
    margins, y = torch.randn(50, 4).double(), torch.arange(50) % 4
    wanted = [
        max(float(row[j]) + (j != int(k)) for j in range(4)) - float(row[k])
        for row, k in zip(margins, y, strict=True)
    ]
    torch.testing.assert_close(regularisers.hinge(margins, y).tolist(), wanted)


def test_the_hat_by_hand_is_nothing_beyond_a_margin_of_one() -> None:
    assert regularisers.hat(MARGINS).tolist() == [0.0, 0.75, 1.0]


def test_the_hat_is_the_hinge_at_the_class_that_leads() -> None:
    margins = torch.randn(50, 4).double()
    leads = regularisers.hinge(margins, margins.argmax(-1))
    torch.testing.assert_close(regularisers.hat(margins), leads)


@pytest.mark.parametrize("prior", [(1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2)])
def test_the_imbalance_is_zero_at_the_prior_and_positive_elsewhere(
    prior: tuple[float, ...],
) -> None:
    log_prior = torch.tensor(prior, dtype=torch.float64).log()
    at = regularisers.imbalance(log_prior.expand(5, -1), log_prior)
    assert at.shape == (1,)
    assert at.item() == pytest.approx(0, abs=1e-12)
    assert regularisers.imbalance(log_prior.expand(5, -1) + torch.eye(3)[0], log_prior) > 0.01


def test_the_imbalance_is_of_the_mean_and_not_of_the_rows() -> None:
    """Rows that are sure of different classes are in balance."""
    assert regularisers.imbalance(100 * torch.eye(3), UNIFORM).abs() < 1e-6
    every = regularisers.imbalance(100 * torch.eye(3)[:1].expand(9, -1), UNIFORM)
    torch.testing.assert_close(every, torch.tensor([3.0]).log())


def test_the_imbalance_is_the_divergence_of_torch() -> None:
    margins, log_prior = torch.randn(20, 3).double(), torch.tensor([0.2, 0.5, 0.3]).double().log()
    mean = torch.distributions.Categorical(probs=margins.softmax(-1).mean(0))
    wanted = torch.distributions.kl_divergence(
        mean, torch.distributions.Categorical(log_prior.exp())
    )
    torch.testing.assert_close(regularisers.imbalance(margins, log_prior)[0], wanted)


def test_the_mismatch_by_hand_is_the_distance_of_the_classes_mean_margins() -> None:
    labelled = torch.tensor([[4.0, 0.0], [0.0, 2.0]])
    unlabelled = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 16.0], [0.0, 0.0]])
    assert regularisers.mismatch(labelled, unlabelled).tolist() == pytest.approx(
        [(1.5**2 + 3.0**2) ** 0.5]
    )
    assert regularisers.mismatch(labelled, labelled.flip(0)).tolist() == [0.0]


def test_no_rows_cost_nothing() -> None:
    none = torch.zeros(0, 3)
    assert regularisers.mismatch(none, MARGINS).tolist() == [0.0]
    assert regularisers.mismatch(MARGINS, none).tolist() == [0.0]
    assert regularisers.hat(none).sum() == regularisers.imbalance(none, UNIFORM).sum() == 0
