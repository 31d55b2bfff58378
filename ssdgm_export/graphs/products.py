"""Products with weights, and what is done to their inputs and outputs, combined into one.

A shift stays out of a product where digits would be lost by it: a year, 2014 plus or minus 3, less
2014 is exact before the product, while inside its bias the digits that tell years apart are gone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

CANCELLED = 8.0
"""What a shift may come to in a product's output, whose numbers are about 1, to be folded."""

DROWNED = 64.0
"""How large a shift of a product's output may be against the product's largest weight."""


@dataclass(frozen=True)
class Affine:
    """x ↦ x * factor + shift, elementwise along the last axis; [1] or [n] each."""

    factor: Doubles
    shift: Doubles

    @property
    def nothing(self) -> bool:
        """Whether it leaves every x as it is."""
        return bool((self.factor == 1).all() and (self.shift == 0).all())

    def fits(self, width: int) -> bool:
        """Whether it leaves so many columns as many as they are."""
        return max(self.factor.size, self.shift.size) in (1, width)


@dataclass(frozen=True)
class Product:
    """x ↦ x @ weight + bias, [inputs, outputs] and [outputs]."""

    weight: Doubles
    bias: Doubles

    def takes(self, first: Affine) -> bool:
        """Whether an affine map may come before the product without loss of digits."""
        shift = np.broadcast_to(first.shift, len(self.weight))
        return bool((np.abs(shift[:, None] * self.weight) <= CANCELLED).all())

    def bears(self, then: Affine) -> bool:
        """Whether an affine map may come after the product without loss of digits."""
        largest = np.abs(self.weight * then.factor).max(0, initial=0)
        return bool((np.abs(then.shift) <= DROWNED * largest).all() or not self.weight.any())

    def after(self, first: Affine) -> "Product":
        """The product of what an affine map gives."""
        shift = np.broadcast_to(first.shift, len(self.weight))
        weight = np.broadcast_to(first.factor, len(self.weight))[:, None] * self.weight
        return Product(weight, self.bias + shift @ self.weight)

    def before(self, then: Affine) -> "Product":
        """What an affine map makes of the product."""
        return Product(self.weight * then.factor, self.bias * then.factor + then.shift)
