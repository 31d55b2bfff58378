r"""Bytes of colour: the discretised logistic, whose mass of a level is that of its bin.

.. math:: p(k) = \sigma((k + 1/2 - \mu) / s) - \sigma((k - 1/2 - \mu) / s)

where the lowest and the highest level have all that lies beyond them. In the log both terms would
cancel; with bin edges a above and b below it is
\(\log \sigma(a) + \log \sigma(-b) + \log(1 - e^{-(a - b)})\), which never does.

References:
    Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al., 2016),
    appendix; PixelCNN++ (Salimans et al., 2017), section 2.1.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_runtime import errors
from ssdgm_train.likelihoods import family
from ssdgm_train.likelihoods.family import Likelihood, Parameters
from ssdgm_train.probability import shapes
from ssdgm_train.problems import Pieces, Problem, Scaling

LEVELS = 256
HALF = (LEVELS - 1) / 2
BIN = 1 / HALF
"""The width of a level in observations, which lie in [-1, 1]."""

FLOOR = BIN / 2
LARGEST = 1.0
"""Of the log of a spread."""


def logistic(problem: Problem) -> Likelihood:
    """Levels 0..255 with a learned mean and scale each, the scale at least half a level."""
    return Likelihood(
        name="logistic",
        outputs=2 * problem.numbers,
        spreads=problem.numbers,
        log_prob=_log_prob,
        parameters=_parameters,
        mean=lambda found: expected(found["mean"], found["scale"]),
        draw=family.same,
    )


def expected(mean: Tensor, scale: Tensor) -> Tensor:
    r"""The mean of the logistic clipped to [-1, 1], \(\int_{-1}^1 \sigma((\mu - t) / s) dt - 1\).

    That of its levels differs by less than a thousandth of a level from the floor's scale on.
    """
    inside = F.softplus((mean + 1) / scale) - F.softplus((mean - 1) / scale)
    return scale * inside - 1


def _parameters(raw: Tensor) -> Parameters:
    mean, spread = raw.chunk(2, -1)
    return {"mean": mean, "scale": FLOOR + torch.exp(spread.clamp(max=LARGEST))}


def _log_prob(x: shapes.Features, raw: Tensor) -> shapes.Nats:
    found = _parameters(raw)
    centred, scale = x - found["mean"], found["scale"]
    above, below = (centred + BIN / 2) / scale, (centred - BIN / 2) / scale
    from_below = F.logsigmoid(above)
    from_above = F.logsigmoid(-below)
    within = from_below + from_above + torch.log(-torch.expm1(-BIN / scale))
    lowest, highest = x < BIN / 2 - 1, x > 1 - BIN / 2
    found_all = torch.where(lowest, from_below, torch.where(highest, from_above, within))
    return found_all.sum(-1)


def _fit(pieces: Pieces, total: int) -> Scaling:
    strange = next((x.dtype for x in pieces() if x.dtype != np.uint8), None)
    if strange is not None:
        raise errors.DataError(
            f"data.likelihood is logistic and x is {strange}",
            "uint8 levels from 0 to 255",
            "Set data.likelihood=gaussian.",
        )
    return Scaling((HALF,), (HALF,))


def _limits(problem: Problem) -> tuple[float, float]:
    return 0.0, LEVELS - 1.0


def _levels(problem: Problem) -> family.Levels:
    return {"total": LEVELS - 1, "low": 0.0, "step": 1.0}


FAMILY = family.Family("logistic", _fit, logistic, _limits, _levels)
