"""Planes in the latent space: what a walk goes through."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import checks
from ssdgm_runtime.rows.tensor import Tensor

Floats = NDArray[np.float32]
_FEWEST = 3  # rows that span a plane
_PRIOR = np.array([[0, 0], [1, 0], [0, 1]], dtype=np.float32)


def principal(means: NDArray[np.floating[Any]]) -> Floats:
    """The plane in which posterior means vary most, for `walk`.

    Args:
        means: The means of q(z | x, y), [n, Z] with n from 3 and Z from 2.

    Returns:
        float32 [3, Z]: their mean, then their two first principal components, each as long as
        the standard deviation along it, its largest entry positive.

    Raises:
        InputError: The means are not that.
    """
    if means.dtype.kind != "f" or means.ndim != 2 or len(means) < _FEWEST or means.shape[1] < 2:
        raise errors.InputError(
            "means",
            f"{means.dtype} {list(means.shape)}",
            f"floats [n, Z] of at least {_FEWEST} rows and 2 latents, to span a plane",
        )
    checks.finite(means, "means")
    centre = means.mean(axis=0, dtype=np.float64)
    _, lengths, axes = np.linalg.svd(means - centre, full_matrices=False)
    largest = np.take_along_axis(axes[:2], np.abs(axes[:2]).argmax(axis=1)[:, None], axis=1)
    signs = np.where(largest < 0, -1.0, 1.0)
    directions = signs * axes[:2] * (lengths[:2, None] / np.sqrt(len(means)))
    return np.concatenate([centre[None], directions]).astype(np.float32)


def given(plane: ArrayLike | None, z: Tensor, mapped: bool) -> Floats:
    """A plane that a caller gives, checked, or that of the two latents of the prior.

    Args:
        plane: [3, Z], or None.
        z: The latent.
        mapped: Whether a graph gives it, so that its prior is not the standard normal.

    Raises:
        InputError: The plane is not that, or is not given where no other is there.
    """
    if plane is None and z.row == (2,) and not mapped:
        return _PRIOR
    if plane is None:
        why = "a graph gives the latent"
        if not mapped:
            why = f"the latent has {z.width} dimensions and not 2"
        raise errors.InputError(
            "plane",
            "not given",
            f"[3, {z.width}], because {why}",
            "Pass rows of data, from which it is computed (--rows).",
        )
    checked: Floats = checks.rows(plane, Tensor("plane", z.dtype, z.shape))
    if len(checked) != len(_PRIOR):
        want = f"[3, {z.width}], a centre and two directions"
        raise errors.InputError("plane", checks.described(checked), want, "plane_of(model, x)")
    return checked


def quantiles(n: int) -> NDArray[np.float64]:
    """The standard normal's quantiles at (i + 1/2) / n, from the smallest, float64 [n]."""
    import statistics

    normal = statistics.NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / n) for i in range(n)])
