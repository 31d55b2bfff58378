r"""Rows of several views, which are independent given label and latents.

.. math:: \log p(x \mid y, z) = \sum_{v \, there} \log p_v(x_v \mid y, z)

A view that is missing is summed out by leaving its term out, which is exact.

References:
    Semi-supervised Deep Generative Modelling of Incomplete Multi-Modality Emotional Data (Du et
    al., 2018).
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ssdgm_runtime import errors
from ssdgm_train.likelihoods.family import Likelihood, Parameters
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Pieces, Scaling


class _Several:
    """The functions of a likelihood of views.

    Args:
        parts: The likelihood of each view by its name, and how many features it has.
    """

    def __init__(self, parts: Mapping[str, tuple[Likelihood, int]]) -> None:
        self.names, self.each = [*parts], [one for one, _ in parts.values()]
        self.widths = [*(width for _, width in parts.values()), len(parts)]
        heads = [one.outputs - one.spreads for one in self.each]
        self.cuts = [*heads, *(one.spreads for one in self.each)]

    def raws(self, raw: Tensor) -> Iterator[Tensor]:
        """The raw outputs of every view: its spreads come after the others of all views."""
        pieces, count = torch.split(raw, self.cuts, -1), len(self.each)
        for head, spread in zip(pieces[:count], pieces[count:], strict=True):
            yield torch.cat([head, spread], -1)

    def log_prob(self, x: shapes.Features, raw: Tensor) -> shapes.Nats:
        """The sum over the views that are there."""
        *seen, present = torch.split(x, self.widths, -1)
        terms = [
            there * one.log_prob(own, out)
            for one, own, out, there in zip(
                self.each, seen, self.raws(raw), present.unbind(-1), strict=True
            )
        ]
        return torch.stack(terms).sum(0)

    def parameters(self, raw: Tensor) -> Parameters:
        """Those of each view, as `KIND.VIEW`."""
        return {
            f"{kind}.{name}": value
            for name, one, own in zip(self.names, self.each, self.raws(raw), strict=True)
            for kind, value in one.parameters(own).items()
        }

    def mean(self, natural: Parameters) -> Tensor:
        """The expected observations of all views, without what tells which are there."""
        means = []
        for name, one in zip(self.names, self.each, strict=True):
            end = f".{name}"
            own = {k.removesuffix(end): v for k, v in natural.items() if k.endswith(end)}
            means.append(one.mean(own))
        return torch.cat(means, -1)

    def draw(self, x: shapes.Features, noise: Noise) -> shapes.Features:
        """Fresh bits in the views that have some."""
        *seen, present = torch.split(x, self.widths, -1)
        drawn = [one.draw(own, noise) for one, own in zip(self.each, seen, strict=True)]
        return torch.cat([*drawn, present], -1)


def several(parts: Mapping[str, tuple[Likelihood, int]]) -> Likelihood:
    """The likelihood of views.

    Args:
        parts: The likelihood of each view by its name, and how many features it has.
    """
    views = _Several(parts)
    return Likelihood(
        name="views",
        outputs=sum(views.cuts),
        spreads=sum(one.spreads for one in views.each),
        log_prob=views.log_prob,
        parameters=views.parameters,
        mean=views.mean,
        draw=views.draw,
    )


def gathered(raws: Sequence[Tensor], parts: Sequence[Likelihood]) -> Tensor:
    """The raw outputs of each view's own likelihood as those of rows with views."""
    halves = [
        torch.split(raw, [one.outputs - one.spreads, one.spreads], -1)
        for raw, one in zip(raws, parts, strict=True)
    ]
    return torch.cat([*(head for head, _ in halves), *(spread for _, spread in halves)], -1)


def unfit(pieces: Pieces, total: int) -> Scaling:
    """Rows of one array have no views: `statement` fits every view's own likelihood.

    Raises:
        DataError: Always.
    """
    raise errors.DataError(
        "data.likelihood is views, but rows are one array", mend="Leave data.likelihood out."
    )
