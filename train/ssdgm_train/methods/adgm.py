r"""ADGM: m2 with an auxiliary latent, which lets q(z | x, y) and q(y | x) be other than Gaussian.

.. math:: p(x, y, z, a) = p(y) \, p(z) \, p(x \mid y, z) \, p(a \mid x, y, z)

The auxiliary latent leaves p(x, y, z) as it is in m2, and so the decoder too; `models.auxiliary`
has the bound.
"""

from torch import Tensor

from ssdgm_train import method, model
from ssdgm_train.models import auxiliary
from ssdgm_train.networks import builder
from ssdgm_train.probability import shapes


class Model(auxiliary.Auxiliary):
    """The five networks, of which p(x | y, z) does not take a."""

    skip = False

    def decode(self, y: shapes.Given, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | y, z) as "x" and its parameters, in the data's own units."""
        return self.likelihood.decoded(self.decoder(z, y), self.standardise)

    conditionals = (
        model.classifier(auxiliary.Auxiliary.classify),
        model.encoder(auxiliary.Auxiliary.encode, "x", "y", noise=("eps_a",)),
        model.decoder(decode, "y", "z"),
    )


METHOD = method.Method(
    name="adgm",
    summary="m2 with an auxiliary latent that makes the inference richer",
    paper=auxiliary.PAPER,
    Config=auxiliary.Config,
    build=Model,
    phases=auxiliary.phases,
    fitted=builder.fitted,
)
