r"""The likelihood \(p(x \mid y, z)\): what the decoder's raw outputs mean."""

from ssdgm_train.likelihoods import counts, family, gaussian, logistic, mixed, several
from ssdgm_train.likelihoods.family import Family, Likelihood, Parameters, same
from ssdgm_train.problems import Problem, Scaling

__all__ = [
    "LIKELIHOODS",
    "Family",
    "Likelihood",
    "Parameters",
    "alike",
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
        Family(
            "views",
            several.unfit,
            lambda problem: _several(problem),
            family.open_ended,
            family.no_levels,
        ),
    )
}
"""Every likelihood by name."""


def family_of(problem: Problem) -> Family:
    """The family of the likelihood of a problem."""
    return LIKELIHOODS[problem.likelihood]


def likelihood_for(problem: Problem) -> Likelihood:
    """The likelihood of a problem."""
    return family_of(problem).build(problem)


def _several(problem: Problem) -> Likelihood:
    """The likelihood of rows with views: each has its own."""
    return several.several(
        {name: (likelihood_for(part), part.width) for name, part in problem.parts.items()}
    )


def alike(scaling: Scaling) -> Scaling:
    """The same mean and deviation for every feature: those of all numbers together."""
    count = len(scaling.shift)
    shift = sum(scaling.shift) / count
    pairs = zip(scaling.shift, scaling.scale, strict=True)
    squares = sum(scale**2 + (own - shift) ** 2 for own, scale in pairs) / count
    return Scaling((shift,), (squares**0.5,), scaling.total)
