r"""Views: several arrays a row, any of them missing, with a latent and a label in common.

.. math::
    p(y) = Cat(\pi), \quad p(z) = N(0, I), \quad
    p(x \mid y, z) = \prod_v f_v(x_v; y, z, \theta_v)

    q(z \mid x, y) = \text{product or mixture of } q_v(z \mid x_v, y) \text{ over the views there}

and q(y | x) is one network over all views, in which those that are missing have no part. The
views are independent given y and z, so a view that a row lacks is integrated out by leaving its
term out of the likelihood, and can be generated from the others. The label is summed out as in
`m2`, a missing view like any other. With the mixture's weights \(\lambda_v\) and one draw
\(z_v \sim q_v\) of each expert, the bound is

.. math::
    L(x, y) = \log p(y) + \sum_v \lambda_v [\log p(x \mid y, z_v) + \log p(z_v) - \log q(z_v \mid x, y)]

where the authors bound the last term by Jensen's inequality once more; here it is estimated
without a bias. So that a view can be told from the others, a share `lacking` of the rows lose one
in q while they keep it in p, which is a bound all the same (Wu and Goodman, 2018, section 2.2).

References:
    Semi-supervised Deep Generative Modelling of Incomplete Multi-Modality Emotional Data (Du, Du,
    Wang, Li, Zheng, Lu and He, 2018), sections 3 and 4.
    Multimodal Generative Models for Scalable Weakly-Supervised Learning (Wu and Goodman, 2018).
"""  # noqa: E501

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ssdgm_train import labels, likelihoods, method, model
from ssdgm_train.augmentation import several
from ssdgm_train.likelihoods import observations
from ssdgm_train.models import bounded, experts
from ssdgm_train.models.weighting import WEIGHTINGS
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS, INITIALISERS, initialise
from ssdgm_train.probability import distributions, objectives, shapes
from ssdgm_train.probability.distributions import Normal
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting, within

PRODUCT, MIXTURE = EXPERTS = ("product", "mixture")


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers of each view's encoder and decoder.
        classifier: Widths of the layers of q(y | x) for each view, the last of which are summed;
            if empty, `hidden`.
        network: "mlp"; "conv" for views that are images and windows; "auto" chooses by their kind.
        channels: Widths of the convolutions; if empty, as many layers as leave a small map.
        latent: Dimensions of z.
        activation: Of all networks.
        batch_norm: Normalise the hidden layers of q(y | x) over the batch.
        experts: How the views' posteriors are put together: "product" or "mixture", which is the
            paper's and costs a decoding a view.
        lacking: The share of the rows that lose a view in q(z | x, y) while they train.
        binarise: Train Bernoulli views on freshly drawn bits; evaluation is always on grey levels.
        alpha: Weight of log q(y | x), as in m2.
        weighting: As in m2.
        initial: The first weights: torch's own; "small" is m2's paper's.
        likeliest: As in m2.
        settle: As in m2.
    """

    hidden: tuple[int, ...] = setting((200,), above(0))
    classifier: tuple[int, ...] = setting((), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    latent: int = setting(20, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    batch_norm: bool = False
    experts: str = setting(PRODUCT, among(EXPERTS))
    lacking: float = setting(0.5, within(0, 1))
    binarise: bool = True
    alpha: float = setting(0.1, between(0, 1e9))
    weighting: str = setting("balanced", among(WEIGHTINGS))
    initial: str = setting("torch", among(INITIALISERS))
    likeliest: int = setting(0, between(0, 1e9))
    settle: float = setting(0.0, within(0, 1))


class Model(model.Model):
    """q(y | x), and q(z | x_v, y) and p(x_v | y, z) of every view."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config, self.labels = config, problem.labels
        self.widths = {"z": config.latent}
        self.likelihood = likelihoods.likelihood_for(problem)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.sees_greys = False
        self.standardise = observations.observer_for(problem)
        self.views = experts.Views(problem, self.standardise.width)
        builds = [_builder(config, part) for part in (*problem.parts.values(),) or (problem,)]
        width, act = self.labels.width, config.activation
        *shape, features = config.classifier or config.hidden
        judges = [
            each.classifier(shape or (features,), features, act, config.batch_norm)
            for each in builds
        ]
        encoders = [each.encoder([width], config.hidden, config.latent, act) for each in builds]
        decoders = [each.decoder([config.latent, width], config.hidden, act) for each in builds]
        for net in (*judges, *encoders, *decoders):
            initialise(net, config.initial)
        self.classifier = experts.Judge(self.views, judges, features, self.labels.raw, act)
        self.encoder = experts.Encoder(self.views, encoders, config.experts == MIXTURE)
        self.decoder = experts.Decoder(decoders, problem)

    def judge(self, x: shapes.Flat) -> shapes.Logits:
        """The raw numbers of q(y | x) for observations."""
        raw: Tensor = self.classifier(x)
        return raw

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """The raw numbers of q(y | x) for raw rows."""
        return self.judge(self.standardise(x))

    def encode(self, x: shapes.Rows, y: shapes.Given) -> Normal:
        """q(z | x, y) for raw rows; of a mixture the Gaussian with its mean and variance."""
        each, present = self.encoder(self.standardise(x), y)
        if self.config.experts == PRODUCT:
            return experts.product(each, present)
        return experts.matched(each, self.encoder.log_shares(present))

    def decode(self, y: shapes.Given, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | y, z) as "x" and its parameters, in the data's own units."""
        return self.likelihood.decoded(self.decoder(z, y), self.standardise)

    conditionals = (
        model.classifier(classify),
        model.encoder(encode, "x", "y"),
        model.decoder(decode, "y", "z"),
    )

    def bound(self, x: shapes.Features, y: Tensor, noise: Noise) -> shapes.Nats:
        """L(x, y) in nats; x [..., features] and y [..., K] broadcast."""
        each, present = self.encoder(self._seen(x, noise), y)
        log_py = self.labels.log_prior(y)
        if self.config.experts == PRODUCT:
            posterior = experts.product(each, present)
            log_px = self.likelihood.log_prob(x, self.decoder(posterior.sample(noise), y))
            return objectives.labelled_bound(log_px, log_py, distributions.normal_kl(*posterior))
        log_shares = self.encoder.log_shares(present)
        terms = self._weighed(x, y, each, log_shares, noise)
        return log_py + (log_shares.exp() * terms).sum(-1)

    def _seen(self, x: Tensor, noise: Noise) -> Tensor:
        """Observations as q(z | x, y) gets them: while training some lose a view."""
        if not (self.training and self.config.lacking and len(self.views.widths) > 1):
            return x
        *seen, present = torch.split(x, [*self.views.widths, len(self.views.widths)], -1)
        flat = present.reshape(-1, present.shape[-1])
        kept = several.kept(flat, self.config.lacking, noise).reshape(present.shape)
        return torch.cat([*seen, kept], -1)

    def _weighed(
        self, x: Tensor, y: Tensor, each: list[Normal], log_shares: Tensor, noise: Noise
    ) -> Tensor:
        """Log p(x, z | y) - log q(z | x, y) for a draw of every expert, [..., views]."""
        terms = []
        for expert in each:
            z = expert.sample(noise)
            log_px = self.likelihood.log_prob(x, self.decoder(z, y))
            log_pz = distributions.normal_log_prob(z, torch.zeros_like(z), torch.ones_like(z))
            terms.append(log_px + log_pz - experts.mixture_log_prob(z, each, log_shares))
        return torch.stack(terms, -1)

    def log_weights(self, x: shapes.Flat, noise: Noise) -> Tensor:
        """Log p(x, y, z) / q(z | x, y) with draws of z for each label, [batch, E], as of m2.

        Of a mixture it is the mean of the ratios over one draw of each expert, weighted.
        """
        every, log_qy = self.labels.every(like=x), x.new_zeros(())
        if every is None:
            drawn, log_qy = self.labels.sampled(self.classifier(x), noise)
            every, log_qy = drawn[:, None], log_qy[:, None]
        each, present = self.encoder(x[:, None], every)
        if self.config.experts == PRODUCT:
            each, present = [experts.product(each, present)], torch.ones_like(present[..., :1])
            log_shares = torch.zeros_like(present)
        else:
            log_shares = self.encoder.log_shares(present)
        terms = self._weighed(x[:, None], every, each, log_shares, noise)
        return self.labels.log_prior(every) + torch.logsumexp(log_shares + terms, -1) - log_qy


def _builder(config: Config, part: Problem) -> builder.Builder:
    """The networks of one view; convolutions for those that have a grid, unless "mlp" is said."""
    flat = config.network != builder.AUTO and builder.grid_of(part) is None
    chosen = replace(config, network="mlp") if flat else config
    return builder.builder_for(part, builder.fitted(chosen, part))


def _fitted(config: Config, problem: Problem) -> Any:  # noqa: ANN401
    """As the builder has it for rows of one array; views have networks of their own."""
    return config if problem.views else builder.fitted(config, problem)


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    weights = WEIGHTINGS[config.weighting](config.alpha, sizes)
    player = method.Player("all", bounded.loss, weights)
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


METHOD = method.Method(
    name="views",
    summary="rows of several arrays, any of them missing; experts for those that are there",
    paper=method.Paper(
        authors="Du, Du, Wang, Li, Zheng, Lu, He",
        year=2018,
        title="Semi-supervised Deep Generative Modelling of Incomplete Multi-Modality Emotional "
        "Data",
        link="https://arxiv.org/abs/1808.02096",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=labels.ANY,
    fitted=_fitted,
)
