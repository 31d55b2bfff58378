"""How many threads a training takes where nobody says: one, if a step is too small to share.

A pool of threads waits for its slowest member many times a step. Where other processes take
turns with it, each such wait may last as long as their turns, and a run of small networks then
takes several times as long on all processors as on one.
"""

import torch
from torch import nn

from ssdgm_train.networks.periodic import Periodic

LARGE = 2e8
"""Multiplications of a step from which on it is worth sharing: some ten milliseconds of a core."""


def wanted(model: nn.Module, rows: int, device: torch.device) -> int:
    """The size of torch's pool for such a model.

    Args:
        model: The model.
        rows: Of a batch, labelled and unlabelled.
        device: Where it computes.
    """
    most = torch.get_num_threads()
    if device.type != "cpu" or _convolves(model):
        return most
    weights = sum(parameter.numel() for parameter in model.parameters())
    return most if weights * rows >= LARGE else 1


def _convolves(model: nn.Module) -> bool:
    """Whether there are kernels, which are used many times a row."""
    parts = (part for part in model.modules() if not isinstance(part, Periodic))
    return any(
        array.ndim > 2
        for part in parts
        for array in (*part.parameters(recurse=False), *part.buffers(recurse=False))
    )
