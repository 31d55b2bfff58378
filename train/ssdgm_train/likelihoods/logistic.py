r"""Bytes of colour: the discretised logistic; the mass of a level is that of its bin.

.. math:: p(k) = \sigma((k + 1/2 - \mu) / s) - \sigma((k - 1/2 - \mu) / s)

where the lowest and the highest level include all mass beyond them. Computed like this the
difference would cancel; with bin edges a above and b below, its log is
\(\log \sigma(a) + \log \sigma(-b) + \log(1 - e^{-(a - b)})\), which is stable.

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
"""The width of a level in observations, which are in [-1, 1]."""

FLOOR = BIN / 2
LARGEST = 1.0
"""The largest log-spread."""


def logistic(problem: Problem) -> Likelihood:
    """The likelihood of levels 0..255 with learned means and scales of at least half a level."""
    return Likelihood(
        name="logistic",
        outputs=2 * problem.numbers,
        spreads=problem.numbers,
        log_prob=_log_prob,
        parameters=_parameters,
        mean=lambda natural: expected(natural["mean"], natural["scale"]),
        draw=family.same,
    )


def expected(mean: Tensor, scale: Tensor) -> Tensor:
    r"""The mean of the logistic clipped to [-1, 1], \(\int_{-1}^1 \sigma((\mu - t) / s) dt - 1\).

    For scales from the floor on it differs by less than a thousandth of a level from the mean of
    the discretised logistic.
    """
    inside = F.softplus((mean + 1) / scale) - F.softplus((mean - 1) / scale)
    return scale * inside - 1


def _parameters(raw: Tensor) -> Parameters:
    mean, spread = raw.chunk(2, -1)
    return {"mean": mean, "scale": FLOOR + torch.exp(spread.clamp(max=LARGEST))}


def _log_prob(x: shapes.Features, raw: Tensor) -> shapes.Nats:
    parameters = _parameters(raw)
    centred, scale = x - parameters["mean"], parameters["scale"]
    above, below = (centred + BIN / 2) / scale, (centred - BIN / 2) / scale
    from_below = F.logsigmoid(above)
    from_above = F.logsigmoid(-below)
    within = from_below + from_above + torch.log(-torch.expm1(-BIN / scale))
    lowest, highest = x < BIN / 2 - 1, x > 1 - BIN / 2
    log_probs = torch.where(lowest, from_below, torch.where(highest, from_above, within))
    return log_probs.sum(-1)


def _fit(pieces: Pieces, total: int) -> Scaling:
    strange = next((x.dtype for x in pieces() if x.dtype != np.uint8), None)
    if strange is not None:
        raise errors.DataError(
            f"data.likelihood is logistic, but x is {strange}",
            "uint8 levels from 0 to 255",
            "Set data.likelihood=gaussian.",
        )
    return Scaling((HALF,), (HALF,))


def _limits(problem: Problem) -> tuple[float, float]:
    return 0.0, LEVELS - 1.0


def _levels(problem: Problem) -> family.Levels:
    return {"total": LEVELS - 1, "low": 0.0, "step": 1.0}


FAMILY = family.Family("logistic", _fit, logistic, _limits, _levels)
