r"""Bounds and losses as functions of tensors, without a model and without averaging.

For one example with latent draw \(z \sim q(z \mid x, y)\),

.. math:: L(x, y) = \log p(x \mid y, z) + \log p(y) - KL(q(z \mid x, y) \| p(z))

bounds \(\log p(x, y)\), and with the label summed out

.. math:: U(x) = \sum_y q(y \mid x) L(x, y) + H[q(y \mid x)]

bounds \(\log p(x)\). \(U\) is largest at \(q(y \mid x) \propto e^{L(x, y)}\), where it is the
log-sum-exp of \(L\).

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), equations 6 to 9
    (with the opposite sign).
    Importance Weighted Autoencoders (Burda et al., 2016), equation 8.
"""

import math

import torch

from ssdgm_train.probability import shapes


def labelled_bound(log_px: shapes.Nats, log_py: shapes.Nats, kl: shapes.Nats) -> shapes.Nats:
    """The evidence lower bound L(x, y) of a row whose label is known."""
    return log_px + log_py - kl


def importance_bound(log_weights: shapes.Logits) -> shapes.Nats:
    r"""\(\log \frac1S \sum_s w_s\) from log-weights whose last axis is the S draws.

    With \(w_s = p(x, z_s) / q(z_s \mid x)\) it bounds log p(x), ever closer as S grows.
    """
    return torch.logsumexp(log_weights, -1) - math.log(log_weights.shape[-1])
