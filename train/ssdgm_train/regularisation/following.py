r"""Terms of points in pictures, which move with what they are points of.

With \(T\) a random affine map of pictures and of their points, a labelled row is also learnt as
\(-\log q(Ty \mid Tx)\), and the answer to an unlabelled one follows its picture: with
\(q(\cdot \mid x) = N(\mu, \sigma^2)\), whose gradient is stopped,

.. math:: KL(N(T\mu, \sigma^2) \| q(\cdot \mid Tx))

over the points that stay inside of the picture.

References:
    Improving Landmark Localization with Semi-Supervised Learning (Honari et al., 2018), section
    3.2, equivariant landmark transformation.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ssdgm_train.augmentation.choice import STRONG
from ssdgm_train.augmentation.images import Images
from ssdgm_train.labels.points import Points
from ssdgm_train.networks.perceptrons import averages_kept
from ssdgm_train.regularisation.terms import Rows

TERMS = ("augmented", "consistency")
"""The weights that points have a term for."""


def answered(rows: Rows, images: Images, space: Points) -> dict[str, Tensor]:
    """The terms that are in use, [n] nats each.

    Args:
        rows: The batch.
        images: The augmentation of the pictures.
        space: The points.
    """
    used = rows.plan.weights
    return {name: term(rows, images, space) for name, term in _TERMS.items() if name in used}


def _augmented(rows: Rows, images: Images, space: Points) -> Tensor:
    if not len(rows.x):
        return rows.x.new_zeros(0)
    x, y = images.following(rows.x, space.places(rows.y), STRONG, rows.noise)
    with averages_kept(rows.model):
        raw = rows.model.judge(x)
    return -space.log_prob(raw, space.known(y.flatten(1), like=raw))


def _consistency(rows: Rows, images: Images, space: Points) -> Tensor:
    if not len(rows.u):
        return rows.u.new_zeros(0)
    with torch.no_grad(), averages_kept(rows.model):
        said = rows.model.judge(rows.u)
    u, y = images.following(rows.u, space.places(space.own(said)), STRONG, rows.noise)
    with averages_kept(rows.model):
        raw = rows.model.judge(u)
    return space.strayed(said, space.known(y.flatten(1), like=raw), raw)


_TERMS: dict[str, Callable[[Rows, Images, Points], Tensor]] = {
    "augmented": _augmented,
    "consistency": _consistency,
}
