"""Components that no label names, scored by the classes that they turn out to hold.

Cluster-and-label: each component stands for the class that most of its rows have. The map is made
on the rows that are scored, as the literature does, so it says how well components follow classes,
and not how well a handful of labels would name them.

References:
    Semi-Unsupervised Learning: Clustering and Classifying using Ultra-Sparse Labels (Willetts,
    Roberts, Holmes, 2019), section 5.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.probability import shapes

SMALLEST = 1e-30


def held(logits: shapes.Logits, y: shapes.Labels) -> Tensor:
    """The class that most rows of each component have, int64 [K].

    A component that is no row's most probable one has the class of most weight in it.
    """
    rows = F.one_hot(y).to(logits.dtype)
    counts = F.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype).T @ rows
    weights = logits.softmax(-1).T @ rows
    return torch.where(counts.sum(1) > 0, counts.argmax(1), weights.argmax(1))


def by_class(logits: shapes.Logits, owners: Tensor) -> Tensor:
    """Log-probabilities of classes, the sums over the components that stand for each, [n, C]."""
    probs = logits.softmax(-1)
    sums = probs.new_zeros(len(probs), int(owners.max()) + 1)
    return sums.index_add(1, owners, probs).clamp_min(SMALLEST).log()
