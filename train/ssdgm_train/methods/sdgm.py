r"""SDGM: two layers of latents with skips; the auxiliary latent of adgm becomes part of p(x).

.. math:: p(x, y, z, a) = p(y) \, p(z) \, p(a \mid z, y) \, p(x \mid a, z, y)

`models.auxiliary` has the bound.
"""

import torch
from torch import Tensor

from ssdgm_train import method, model
from ssdgm_train.models import auxiliary
from ssdgm_train.networks import builder
from ssdgm_train.probability import shapes


class Model(auxiliary.Auxiliary):
    """The five networks, of which p(x | a, z, y) takes a and p(a | z, y) does not take x."""

    skip = True

    def decode(self, y: shapes.Given, z: shapes.Codes, eps_a: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | a, z, y) as "x" and its parameters, a drawn with the noise."""
        mean, scale = self.relation(z, y)
        a = torch.addcmul(mean, scale, eps_a)
        return self.likelihood.decoded(self.decoder(z, y, a), self.standardise)

    conditionals = (
        model.classifier(auxiliary.Auxiliary.classify),
        model.encoder(auxiliary.Auxiliary.encode, "x", "y", noise=("eps_a",)),
        model.decoder(decode, "y", "z", noise=("eps_a",)),
    )


METHOD = method.Method(
    name="sdgm",
    summary="two layers of latents with skips; richer than adgm in generation too",
    paper=auxiliary.PAPER,
    Config=auxiliary.Config,
    build=Model,
    phases=auxiliary.phases,
    fitted=builder.fitted,
)
