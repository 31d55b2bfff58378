"""Array shapes used in more than one file; an ellipsis stands for any leading axes."""

from typing import TypeAlias

from jaxtyping import Float, Int, Shaped
from torch import Tensor

Rows: TypeAlias = Shaped[Tensor, "batch ..."]
"""Rows as the data set has them: uint8 images, float32 columns."""

Labels: TypeAlias = Int[Tensor, " batch"]
"""Class indices from 0."""

Logits: TypeAlias = Float[Tensor, "*batch classes"]
"""Unnormalised log-probabilities of the classes."""

Features: TypeAlias = Float[Tensor, "*batch features"]
"""Standardised, flattened observations, or the output of a network."""

Nats: TypeAlias = Float[Tensor, "*batch"]
"""A log-density, bound or divergence in nats, one number an example."""
