r"""K tags at once, each yes or no: all label sets are tried where they are few, else one draw.

With \(y \in \{0, 1\}^K\) and q(y | x) a product of Bernoulli distributions,

.. math:: p(y) = \prod_k \pi_k^{y_k} (1 - \pi_k)^{1 - y_k}, \quad
          q(y \mid x) = \prod_k \sigma(r_k)^{y_k} (1 - \sigma(r_k))^{1 - y_k}

Entries that are known stay as they are, the others are tried: every one of the \(2^K\) sets with
its probability, or one relaxed draw \(y_k = \sigma((r_k + \log u_k - \log(1 - u_k)) / t)\), u
uniform, through which the gradient flows. That tags depend on one another is left to p(x | y, z):
neither the prior nor q(y | x) models it, unlike the sequential network of Chu et al. (2018).

References:
    The Concrete Distribution (Maddison, Mnih, Teh, 2017), appendix B, for the relaxed draw; and
    Categorical Reparameterization with Gumbel-Softmax (Jang, Gu, Poole, 2017).
    Rao-Blackwellized Stochastic Gradients for Discrete Distributions (Liu et al., 2019), for a few
    likeliest sets and one drawn.
    Deep Generative Models for Weakly-Supervised Multi-Label Classification (Chu, Yeh, Wang, 2018),
    for tags of which some are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.labels import space
from ssdgm_train.labels.measures import scores
from ssdgm_train.labels.space import Known, Tries
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise

LISTED = 64
"""The most label sets that are listed: those of six tags."""

SUMMED = 16
"""The most that are all tried for every row: more cost more than one relaxed draw is worth."""

THRESHOLD = 0.5
"""The probability from which on a tag is predicted."""


@dataclass(frozen=True)
class Tags:
    """K tags, the prior probability of each, and the heat t of a relaxed draw.

    A label is stored as int8 [K]: 1, 0, or -1 where an entry is not known.
    """

    prior: tuple[float, ...]
    heat: float = 0.5
    space: str = field(default_factory=lambda: "tags", init=False)

    @property
    def size(self) -> int:
        """The number of tags K."""
        return len(self.prior)

    @property
    def shape(self) -> tuple[int, ...]:
        """[K]."""
        return (self.size,)

    @property
    def width(self) -> int:
        """K."""
        return self.size

    @property
    def raw(self) -> int:
        """K logits."""
        return self.size

    def known(self, y: Tensor, like: Tensor) -> Known:
        """Labels [n, K] as zeros and ones, and the mask [n, K]; unknown entries are zeros."""
        return Known(y.clamp(min=0).to(like.dtype), (y >= 0).to(like.dtype))

    def given(self, y: Tensor) -> Tensor:
        """The same."""
        return y

    def tempered(self, raw: Tensor, temperature: float) -> Tensor:
        """The logits divided by the temperature."""
        return raw / temperature

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """Logits and the probability of each tag."""
        logits = raw / temperature
        return {"logits": logits, "probs": torch.sigmoid(logits)}

    def mean(self, raw: Tensor) -> Tensor:
        """The probabilities."""
        return torch.sigmoid(raw)

    def pooled(self, raw: Tensor) -> Tensor:
        """The logit of the mean probabilities."""
        return F.logsigmoid(raw).logsumexp(-2) - F.logsigmoid(-raw).logsumexp(-2)

    def every(self, like: Tensor) -> Tensor | None:
        """Every label set, [2^K, K], if there are at most `LISTED`."""
        return self._sets(like) if 2**self.size <= LISTED else None

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """Every label set; or the `few` likeliest and one drawn of those listed; or a draw."""
        sets = self.every(raw)
        if sets is not None and 0 < few < len(sets) - 1:
            chosen, weight = space.likeliest(self._log_probs(raw).exp(), few, noise)
            return Tries(sets[chosen], weight, drawn=True)
        if 2**self.size <= SUMMED:
            return Tries(self._sets(raw)[None], self._log_probs(raw).exp())
        return Tries(self._relaxed(raw, noise)[:, None], raw.new_ones(len(raw), 1))

    def sampled(self, raw: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """A set of tags, each yes or no, with its log-probability."""
        y = noise.bits(torch.sigmoid(raw))
        return y, -F.binary_cross_entropy_with_logits(raw, y, reduction="none").sum(-1)

    def completed(self, raw: Tensor, known: Known, noise: Noise) -> Tries:
        """What is known, with every set of the unknown entries or a relaxed draw of them."""
        certain = known.mask > 0
        if 2**self.size > SUMMED:
            y = torch.where(certain, known.value, self._relaxed(raw, noise))
            return Tries(y[:, None], raw.new_ones(len(raw), 1))
        sets = self._sets(raw)
        agrees = ((sets == known.value[:, None]) | ~certain[:, None]).all(-1)
        weight = self._log_probs(raw, 1 - known.mask).exp() * agrees
        return Tries(torch.where(certain[:, None], known.value[:, None], sets), weight)

    def entropy(self, raw: Tensor, known: Known | None = None) -> shapes.Nats:
        """The entropy of the entries of q(y | x) that are not known."""
        entropy = F.softplus(raw) - raw * torch.sigmoid(raw)
        return (entropy if known is None else entropy * (1 - known.mask)).sum(-1)

    def log_prob(self, raw: Tensor, known: Known) -> shapes.Nats:
        """Log q(y | x) of the entries that are known; zero where none is."""
        losses = F.binary_cross_entropy_with_logits(raw, known.value, reduction="none")
        return -(losses * known.mask).sum(-1)

    def log_prior(self, y: Tensor) -> Tensor:
        """Log p(y), linear in y."""
        prior = torch.tensor(self.prior, dtype=y.dtype, device=y.device)
        return (y * prior.log() + (1 - y) * torch.log1p(-prior)).sum(-1)

    def divergence(self, target: Tensor, raw: Tensor) -> shapes.Nats:
        r"""\(KL(t \| q)\), summed over the tags."""
        t = torch.sigmoid(target)
        with_tag = t * (F.logsigmoid(target) - F.logsigmoid(raw))
        return (with_tag + (1 - t) * (F.logsigmoid(-target) - F.logsigmoid(-raw))).sum(-1)

    def aligned(self, raw: Tensor) -> Tensor:
        """Each tag's logits moved by what its mean probability is off the prior, as logits."""
        prior = torch.tensor(self.prior, dtype=raw.dtype, device=raw.device)
        return raw + torch.logit(prior) - torch.logit(self._mean(raw))

    def pseudo(self, raw: Tensor, threshold: float) -> Known:
        """The tags whose answer, yes or no, is probable enough."""
        yes = torch.sigmoid(raw)
        mask = (torch.maximum(yes, 1 - yes) >= threshold).to(raw.dtype)
        return Known((yes >= THRESHOLD).to(raw.dtype) * mask, mask)

    def imbalance(self, raw: Tensor) -> Tensor:
        r"""\(KL(\bar q \| p)\), summed over the tags."""
        prior = torch.tensor(self.prior, dtype=raw.dtype, device=raw.device)
        mean = torch.logit(self._mean(raw))
        return self.divergence(mean, torch.logit(prior))[None]

    def _mean(self, raw: Tensor) -> Tensor:
        """The mean probability of every tag, neither 0 nor 1, [K]."""
        return torch.sigmoid(raw).mean(0).clamp(1e-6, 1 - 1e-6)

    def posterior(self, log_joint: Tensor) -> Tensor:
        """The logits of p(y_k | x) from log p(x, y) of every label set, [n, 2^K] to [n, K]."""
        present = self._sets(log_joint).T.bool()
        never = torch.tensor(-torch.inf, dtype=log_joint.dtype, device=log_joint.device)
        joint = log_joint[:, None]
        with_tag, without = (torch.where(p, joint, never) for p in (present, ~present))
        return with_tag.logsumexp(-1) - without.logsumexp(-1)

    def _sets(self, like: Tensor) -> Tensor:
        """The label sets [2^K, K], the first tag changing fastest."""
        tags = torch.arange(self.size, device=like.device)
        numbers = torch.arange(2**self.size, device=like.device)
        return (numbers[:, None] >> tags & 1).to(like.dtype)

    def _log_probs(self, raw: Tensor, of: Tensor | None = None) -> Tensor:
        """Log q(y | x) of each label set, [n, 2^K]; only of the entries of a mask, if given."""
        each = raw[:, None] * self._sets(raw) - F.softplus(raw)[:, None]
        return (each if of is None else each * of[:, None]).sum(-1)

    def _relaxed(self, raw: Tensor, noise: Noise) -> Tensor:
        """A relaxed draw from q(y | x), never in less than 32 bits."""
        exact = raw.to(torch.promote_types(raw.dtype, torch.float32))
        uniform = noise.uniform(exact.detach())
        logistic = torch.logit(uniform, eps=torch.finfo(uniform.dtype).eps)
        return torch.sigmoid((exact + logistic) / self.heat)

    def reliability(self, logits: Tensor, y: Tensor) -> scores.Reliability:
        """Of the answer to each known tag."""
        return scores.reliability(*scores.answers(logits, y))

    def confusion(self, logits: Tensor, y: Tensor) -> None:
        """None: a row has several tags."""

    @property
    def entries(self) -> int:
        """K."""
        return self.size

    def measure(self, raw: Tensor, y: Tensor) -> scores.Score:
        """The errors, the proper scores and the calibration over the known entries."""
        return scores.measure_tags(raw, y)

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """How many known entries are predicted wrongly."""
        return (((raw >= 0) != (y == 1)) & (y >= 0)).sum(-1)

    def error(self, wrong: NDArray[np.floating]) -> NDArray[np.floating]:
        """The same: a share."""
        return wrong

    def drawn(self, rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
        """Tags drawn from the prior, each by itself."""
        return (rng.random((rows, self.size)) < np.array(self.prior)).astype(np.float32)

    def examples(self, rows: int) -> NDArray[np.float32]:
        """The first tag alone, the second alone, and so on, then none, over and over."""
        one_each = np.eye(self.size + 1, self.size, dtype=np.float32)
        return one_each[np.arange(rows) % (self.size + 1)]

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The tags' names, the prior, and the threshold of a prediction."""
        return {
            "space": self.space,
            "names": [str(value) for value in values],
            "prior": list(self.prior),
            "threshold": THRESHOLD,
        }

    def strata(self, y: NDArray[np.generic]) -> NDArray[np.int64]:
        """The rarest of a row's tags; K for a row that is known to have none, else -1."""
        codes = np.where((y != -1).any(1), self.size, -1)
        counts = [int(np.count_nonzero(tag == 1)) for tag in y.T]
        for tag in sorted(range(self.size), key=lambda tag: -counts[tag]):
            codes[y[:, tag] == 1] = tag
        return codes

    def codes(self, y: NDArray[np.generic]) -> None:
        """None: a row has several tags."""
