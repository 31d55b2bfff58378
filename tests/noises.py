"""Noise that a test chooses, and a watch over draws from anywhere else."""

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ssdgm_train.probability.noise import Noise


def seeded(seed: int = 0, device: torch.device | str = "cpu") -> Noise:
    """The noise of a run with this seed."""
    return Noise(torch.Generator(device).manual_seed(seed))


@dataclass(frozen=True)
class Even(Noise):
    """Draws that depend on the last axis alone: rows change places and keep what they drew."""

    def normal(self, like: Tensor) -> Tensor:
        return torch.linspace(-1, 1, like.shape[-1]).to(like).expand_as(like)

    def uniform(self, like: Tensor) -> Tensor:
        return torch.linspace(0.05, 0.95, like.shape[-1]).to(like).expand_as(like)

    def bits(self, probs: Tensor) -> Tensor:
        return (probs > torch.linspace(0.2, 0.8, probs.shape[-1]).to(probs)).to(probs)

    def category(self, weights: Tensor) -> Tensor:
        return weights.argmax(-1, keepdim=True)


@dataclass(frozen=True)
class Zero(Even):
    """The mean of every normal."""

    def normal(self, like: Tensor) -> Tensor:
        return torch.zeros_like(like)


@dataclass(frozen=True)
class Given(Even):
    """Normal numbers that are handed out in turn; all of them have to be asked for."""

    parts: list[Tensor] = field(default_factory=list)

    def normal(self, like: Tensor) -> Tensor:
        part = self.parts.pop(0)
        assert part.shape == like.shape, f"{tuple(like.shape)} asked, {tuple(part.shape)} given"
        return part.to(like)


def given(*parts: Tensor) -> Given:
    """Noise that gives these normal numbers, one tensor after another."""
    return Given(parts=[*parts])


PYTHON = ("random", "gauss", "normalvariate", "uniform", "randint", "randrange", "choice")
PYTHON += ("choices", "sample", "shuffle", "betavariate", "expovariate", "gammavariate")
"""The functions of Python's `random` that draw."""


class Strayed(AssertionError):
    """Something was drawn from another source than the noise that was given."""


class _Watch(TorchDispatchMode):
    """Every operation of torch that draws, whatever it is called through, is an error."""

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise Strayed(f"{func} draws")
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def nowhere_else() -> Iterator[None]:
    """Nothing may draw from torch, numpy or Python, whose noise is the test's own."""

    def stray(*_: object, **__: object) -> None:
        raise Strayed("numpy or Python was asked for a draw")

    before = repr(np.random.get_state())  # noqa: NPY002
    with pytest.MonkeyPatch.context() as patch, _Watch():
        patch.setattr(np.random, "default_rng", stray)
        for name in PYTHON:  # not its state: what checks types at run time draws from it too
            patch.setattr(random, name, stray)
        yield
    if before != repr(np.random.get_state()):  # noqa: NPY002
        raise Strayed("the global state of numpy has moved")
