"""Array shapes used in more than one file: `*#batch` is any leading axes, which broadcast.

Functions traced for export have the single axis `batch`: checking a broadcast would fix its size.
"""

from typing import TypeAlias

from jaxtyping import Float, Int, Shaped
from torch import Tensor

Rows: TypeAlias = Shaped[Tensor, "batch ..."]
"""Raw rows of the data set: uint8 images, float32 columns."""

Labels: TypeAlias = Int[Tensor, " batch"]
"""Class indices from 0."""

Flat: TypeAlias = Float[Tensor, "batch features"]
"""Rows as observations: flattened and standardised."""

Given: TypeAlias = Float[Tensor, "batch classes"]
"""Labels of rows as probabilities, one-hot if they are known."""

Codes: TypeAlias = Float[Tensor, "batch latent"]
"""Latents of rows."""

Logits: TypeAlias = Float[Tensor, "*#batch classes"]
"""Unnormalised log-probabilities of the classes."""

Features: TypeAlias = Float[Tensor, "*#batch features"]
"""Observations, or the output of a network."""

Nats: TypeAlias = Float[Tensor, "*#batch"]
"""A log-density, bound or divergence in nats, one number per example."""
