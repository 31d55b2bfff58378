r"""The likelihood \(p(x \mid y, z)\): what the decoder's raw outputs mean."""

from ssdgm_train.likelihoods import counts, gaussian, logistic, mixed
from ssdgm_train.likelihoods.family import Family, Likelihood, Parameters, same
from ssdgm_train.problems import Problem

__all__ = [
    "LIKELIHOODS",
    "Family",
    "Likelihood",
    "Parameters",
    "family_of",
    "likelihood_for",
    "same",
]

LIKELIHOODS: dict[str, Family] = {
    family.name: family
    for family in (
        counts.BERNOULLI,
        counts.BINOMIAL,
        gaussian.FAMILY,
        logistic.FAMILY,
        mixed.FAMILY,
    )
}
"""Every likelihood by name."""


def family_of(problem: Problem) -> Family:
    """The family of the likelihood of a problem."""
    return LIKELIHOODS[problem.likelihood]


def likelihood_for(problem: Problem) -> Likelihood:
    """The likelihood of a problem."""
    return family_of(problem).build(problem)
