"""Pictures with masks, shaded so that the mask stays as it is.

References:
    Unsupervised Data Augmentation (Xie et al., 2020), for changes that keep an answer.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.probability.noise import Noise

CONTRAST, LIGHT, GRAIN, BLUR = 0.5, 0.4, 0.15, 0.8
"""The largest change of contrast (of its logarithm) and of brightness, the deviation of grain and
the most of a blurred picture in its stead, observations being of deviation about one."""


class Shades:
    """Observations [n, channels, h, w] of another contrast and brightness, grained and blurred."""

    def __call__(self, x: Tensor, strength: float, noise: Noise) -> Tensor:
        """Maps to maps; a strength of 1 uses the whole ranges."""
        draws = 2 * noise.uniform(x.new_empty(3, len(x), 1, 1, 1)) - 1
        soft = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        share = strength * BLUR * draws[2].clamp(min=0)
        blurred = x + share * (soft - x)
        spread = x.flatten(1).std(1)[:, None, None, None].clamp(min=1e-3)
        shaded = blurred * torch.exp(strength * CONTRAST * draws[0])
        grained = shaded + strength * GRAIN * spread * noise.normal(x)
        return grained + strength * LIGHT * spread * draws[1]
