r"""The likelihood \(p(x \mid y, z)\): what the decoder's raw outputs mean."""

from ssdgm_train.likelihoods import counts, gaussian, logistic, mixed
from ssdgm_train.likelihoods.family import Family, Likelihood, Parameters, same
from ssdgm_train.problems import Problem

__all__ = ["LIKELIHOODS", "Family", "Likelihood", "Parameters", "family_of", "of", "same"]

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
    """The family of a problem's likelihood."""
    return LIKELIHOODS[problem.likelihood]


def of(problem: Problem) -> Likelihood:
    """A problem's likelihood."""
    return family_of(problem).build(problem)
