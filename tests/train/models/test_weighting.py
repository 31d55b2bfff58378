"""How much labelled rows, unlabelled ones and the classifier count."""

import dataclasses

import pytest

from ssdgm_train import method
from ssdgm_train.methods import m2
from ssdgm_train.models import weighting

SIZES = method.Sizes(labelled=100, unlabelled=900)


@pytest.mark.parametrize("gamma", [1.0, 9.0, 100.0])
def test_a_supervision_rate_counts_labelled_rows_gamma_times(gamma: float) -> None:
    """The sum of both bounds and of alpha log q(y | x), over N_u + gamma N_l."""
    rate = gamma * SIZES.labelled / (SIZES.unlabelled + gamma * SIZES.labelled)
    found = weighting.stated(m2.Config(alpha=3.0, supervision=rate), SIZES)
    whole = SIZES.unlabelled + gamma * SIZES.labelled
    assert found["labelled"] == pytest.approx(gamma * SIZES.labelled / whole)
    assert found["unlabelled"] == pytest.approx(SIZES.unlabelled / whole)
    assert found["classifier"] == pytest.approx(3.0 * gamma * SIZES.labelled / whole)


def test_every_row_alike_is_the_paper_s_bound() -> None:
    config = m2.Config(alpha=3.0, weighting="paper")
    rate = SIZES.labelled / SIZES.total
    alike = weighting.stated(dataclasses.replace(config, supervision=rate), SIZES)
    paper = weighting.stated(config, SIZES)
    assert {k: paper[k] for k in ("labelled", "unlabelled")} == pytest.approx(
        {k: alike[k] for k in ("labelled", "unlabelled")}
    )


def test_without_a_rate_the_weighting_decides() -> None:
    for name, weights in weighting.WEIGHTINGS.items():
        found = weighting.stated(m2.Config(alpha=0.5, weighting=name), SIZES)
        assert found == weights(0.5, SIZES)
