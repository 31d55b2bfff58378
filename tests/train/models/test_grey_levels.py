"""What a classifier learns from where bounds have bits: grey levels, if it is of its own kind."""

from typing import Any

import cases
import pytest
import torch
from torch import Tensor

from ssdgm_train import methods
from ssdgm_train.models import auxiliary, bounded

POOLED = {"pooled": (4, 4), "binarise": True, "network": "conv", "channels": (4,)}
LOSSES: dict[str, Any] = {"m2": bounded.loss, "gmdgm": bounded.loss, "adgm": auxiliary.loss}


def seen(name: str, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Tensor:  # noqa: ANN401
    """The observations that the classifier of a method learns from, of grey pixels."""
    model: Any = cases.built(methods.METHODS[name], "bernoulli-uint8", **changes)
    rows: list[Tensor] = []
    whole = type(model.classifier).forward

    def record(self: Any, x: Tensor, *others: Tensor) -> Tensor:  # noqa: ANN401
        if self is model.classifier:
            rows.append(x)
        made: Tensor = whole(self, x, *others)
        return made

    monkeypatch.setattr(type(model.classifier), "forward", record)
    LOSSES[name](model, cases.batch("bernoulli-uint8"), cases.context())
    return rows[0]


@pytest.mark.parametrize("name", list(LOSSES))
def test_convolutions_of_its_own_see_grey_levels(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = seen(name, monkeypatch, **POOLED)
    assert ((x > 0) & (x < 1)).any()


@pytest.mark.parametrize("name", list(LOSSES))
def test_other_classifiers_see_the_bits_of_the_bound(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = seen(name, monkeypatch, binarise=True)
    assert torch.isin(x, torch.tensor([0.0, 1.0])).all()


def test_the_same_holds_of_a_classifier_alone() -> None:
    spec = methods.METHODS["supervised"]
    batch = cases.batch("bernoulli-uint8")
    grey, bits = (
        cases.built(spec, "bernoulli-uint8", **{**POOLED, **own}) for own in ({}, {"pooled": ()})
    )
    x = grey.standardise(batch.x)
    assert torch.equal(grey.draw(x, cases.context().noise), x)
    assert not torch.equal(bits.draw(x, cases.context().noise), x)
