"""What holds for the weights of every method that has them, and for models that are slimmed."""

import cases
import noises
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train import method, methods
from ssdgm_train.evaluation import evidence
from ssdgm_train.model import CLASSIFIER, DECODER, ENCODER

NAMES = [name for name, spec in cases.METHODS.items() if "generate" in spec.tasks]
WEIGHING = pytest.mark.parametrize("name", NAMES)
KINDS = pytest.mark.parametrize("kind", list(cases.KINDS))


def seen(kind: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """A few observations of a kind."""
    stated, rows = cases.stated(kind), cases.batch(kind).x
    return evidence.observed(stated, rows, noises.seeded())["rows"].to(dtype)


def test_a_method_that_generates_has_weights_and_no_other() -> None:
    weighing = {n for n, s in cases.METHODS.items() if isinstance(cases.built(s), method.Weighs)}
    assert weighing == set(NAMES)


@WEIGHING
@KINDS
def test_weights_are_one_finite_number_a_row_and_class(
    name: str, kind: str, dtype: torch.dtype
) -> None:
    model, x = cases.built(methods.METHODS[name], kind, dtype).eval(), seen(kind, dtype)
    assert isinstance(model, method.Weighs)
    found = model.log_weights(x, noises.seeded())
    encoder = model.conditional(ENCODER)
    assert encoder is not None
    assert found.shape == (len(x), cases.CLASSES if "y" in encoder.given else 1)
    assert torch.isfinite(found).all()


@WEIGHING
def test_the_importance_bound_grows_with_the_draws(name: str) -> None:
    kind = "bernoulli-uint8"
    model, x = cases.built(methods.METHODS[name], kind), seen(kind)
    noise = noises.seeded()
    found = {
        e.draws: float(e.bound.mean())
        for e in evidence.estimates(model, x.repeat(400, 1), cases.CLASSES, 16, noise)
    }
    single, few, many = (found[draws] for draws in (1, 4, 16))
    assert single < few < many


SLIMMING = [n for n, s in cases.METHODS.items() if isinstance(cases.built(s), method.Slims)]


@pytest.mark.parametrize("name", SLIMMING)
@KINDS
def test_a_slim_model_computes_what_the_whole_one_does(name: str, kind: str) -> None:
    whole, batch = cases.built(methods.METHODS[name], kind).eval(), cases.batch(kind)
    whole.get_buffer("features.kept")[::2] = 0
    assert isinstance(whole, method.Slims)
    slim = whole.slim()
    assert weights(slim) < weights(whole)
    assert slim.conditionals == whole.conditionals
    assert {each.name for each in whole.conditionals} >= {CLASSIFIER, ENCODER, DECODER}
    known = {"x": batch.x, "y": torch.eye(cases.CLASSES)[batch.y]}
    drawn = {name: torch.randn(len(batch.x), width) for name, width in whole.widths.items()}
    with torch.no_grad():
        for each in whole.conditionals:
            names = (*each.given, *each.noise)
            inputs = {name: value for name, value in (known | drawn).items() if name in names}
            wanted = whole.answer(each.name, **inputs)
            torch.testing.assert_close(slim.answer(each.name, **inputs), wanted)


def weights(model: nn.Module) -> int:
    """How many numbers a model holds."""
    return sum(p.numel() for p in model.parameters())
