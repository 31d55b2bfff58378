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

from ssdgm_train.probability import shapes

SMALLEST = 1e-30


def held(logits: shapes.Logits, y: shapes.Labels) -> Tensor:
    """The class that most rows of each component have, int64 [K]; its own number without rows."""
    components, classes = logits.shape[-1], max(int(y.max()) + 1, logits.shape[-1])
    counts = torch.bincount(logits.argmax(-1) * classes + y, minlength=components * classes)
    table = counts.reshape(components, classes)
    return torch.where(table.sum(1) > 0, table.argmax(1), torch.arange(components))


def by_class(logits: shapes.Logits, owners: Tensor) -> Tensor:
    """Log-probabilities of classes, the sums over the components that stand for each, [n, C]."""
    probs = logits.softmax(-1)
    sums = probs.new_zeros(len(probs), int(owners.max()) + 1)
    return sums.index_add(1, owners, probs).clamp_min(SMALLEST).log()
