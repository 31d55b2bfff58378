r"""Terms that shape a classifier's margins \(f(x) \in R^K\) rather than its probabilities.

References:
    Max-Margin Deep Generative Models for (Semi-)Supervised Learning (Li, Zhu and Zhang, 2018),
    section 4: the hinge of labelled rows, the hat of unlabelled ones, and their balance, which is
    `mismatch` in the authors' code.
    Transductive Inference for Text Classification using Support Vector Machines (Joachims, 1999).
"""

import torch
from torch.nn import functional as F

from ssdgm_train.probability import shapes


def hinge(margins: shapes.Logits, y: shapes.Labels) -> shapes.Nats:
    r"""\(\max_j (f_j + [j \ne y]) - f_y\): the multiclass hinge of Crammer and Singer (2001)."""
    lead = 1 - F.one_hot(y, margins.shape[-1]).to(margins.dtype)
    return (margins + lead).amax(-1) - margins.gather(-1, y[..., None])[..., 0]


def hat(margins: shapes.Logits) -> shapes.Nats:
    r"""\(\max(0, 1 - (f_{(1)} - f_{(2)}))\): the hinge at the predicted class.

    It pushes the boundary away from rows, as a transductive support vector machine does.
    """
    first, second = margins.topk(2, -1).values.unbind(-1)
    return F.relu(1 - (first - second))


def imbalance(margins: shapes.Logits, log_prior: torch.Tensor) -> torch.Tensor:
    r"""\(KL(\bar q \| p)\) of the batch's mean of softmax(f) from the prior, in nats, [1].

    Without it the hat loss is smallest if all rows are in one class.
    """
    rows = F.softmax(margins, -1).flatten(0, -2)
    mean = rows.sum(0) / max(len(rows), 1)
    return (mean * (mean.clamp_min(1e-12).log() - log_prior)).sum()[None]


def mismatch(labelled: torch.Tensor, unlabelled: torch.Tensor) -> torch.Tensor:
    r"""\(\| mean_L(f \circ y) - mean_U(f \circ \hat y) \|_2\), [1]; zero where one has no rows.

    A balance that needs no prior: over a batch, each class has as much margin among unlabelled
    rows as among labelled ones.

    Args:
        labelled: Margins of labelled rows at their class, zero elsewhere, [n, K].
        unlabelled: Margins of unlabelled rows at the class that is imputed, [m, K].
    """
    if not len(labelled) or not len(unlabelled):
        return labelled.new_zeros(1)
    norm: torch.Tensor = torch.linalg.vector_norm(labelled.mean(0) - unlabelled.mean(0))
    return norm[None]
