"""MM-DGM: one pass for an imputed class, and what reaches the classifier through it."""

import dataclasses
from pathlib import Path

import cases
import noises
import pytest
import torch
from torch import Tensor

from ssdgm_train import begin, method
from ssdgm_train.labels import classes
from ssdgm_train.methods import mmdgm
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.settings import RecipeError

KIND = "bernoulli-uint8"
CONTEXT = cases.context(noise=noises.Zero())


def built(**changes: object) -> mmdgm.Model:
    plain: dict[str, object] = {"batch_norm": False, "binarise": False}
    model = cases.built(mmdgm.METHOD, KIND, torch.float64, **{**plain, **changes})
    assert isinstance(model, mmdgm.Model)
    return model


def slopes(value: Tensor, model: mmdgm.Model) -> list[Tensor]:
    """The gradient of a sum with respect to the classifier."""
    weights = [*model.classifier.parameters()]
    found = torch.autograd.grad(value.sum(), weights, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]


def test_an_unlabelled_row_costs_one_pass_whatever_the_number_of_classes() -> None:
    model, seen = built(), list[torch.Size]()
    model.decoder.register_forward_hook(lambda _, __, out: seen.append(out.shape))
    mmdgm.loss(model, cases.batch(KIND), CONTEXT)
    assert [shape[:-1] for shape in seen] == [(12,)]


def test_the_bound_of_an_unlabelled_row_is_that_of_its_largest_margin() -> None:
    model, batch = built(), cases.batch(KIND)
    terms = mmdgm.loss(model, batch, CONTEXT)
    x = model.standardise(batch.u).double()
    y = torch.eye(cases.CLASSES).double()[model.classifier(x).argmax(-1)]
    torch.testing.assert_close(terms["unlabelled"], -model.bound(x, y, noises.Zero()))
    x = model.standardise(batch.x).double()
    y = torch.eye(cases.CLASSES).double()[batch.y]
    torch.testing.assert_close(terms["labelled"], -model.bound(x, y, noises.Zero()))


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_the_gradient_passes_straight_through_the_imputed_class(slope: float) -> None:
    """By hand: that of the bound with respect to y, times that of softmax(f)."""
    model, batch = built(straight=slope), cases.batch(KIND)
    terms = mmdgm.loss(model, batch, CONTEXT)
    x = model.standardise(batch.u).double()
    q = model.classifier(x).softmax(-1)
    y = torch.eye(cases.CLASSES).double()[q.argmax(-1)].requires_grad_()
    (by_label,) = torch.autograd.grad(-model.bound(x, y, noises.Zero()).sum(), y)
    wanted = slopes(slope * by_label * q, model)
    assert max(float(w.abs().max()) for w in wanted) > 1e-3
    torch.testing.assert_close(slopes(terms["unlabelled"], model), wanted)


def test_without_a_slope_the_bound_leaves_the_classifier_alone() -> None:
    terms = mmdgm.loss(model := built(straight=0.0), cases.batch(KIND), CONTEXT)
    assert all(not g.any() for g in slopes(terms["unlabelled"], model))
    assert all(not g.any() for g in slopes(terms["labelled"], model))
    assert any(g.any() for g in slopes(terms["hat"], model))


def test_the_weights_are_those_of_the_docstring() -> None:
    config = mmdgm.Config(share=0.25, alpha=2.0, hat=0.5, balance=0.1, decay=0.01)
    ((player,),) = (phase.players for phase in mmdgm.METHOD.phases(config, method.Sizes(1, 9)))
    assert player.weights == pytest.approx(
        {
            "labelled": 0.25,
            "unlabelled": 0.75,
            "hinge": 2,
            "hat": 1,
            "balance": 0.2,
            "decay": 0.02,
        }
    )


def test_the_balance_is_of_the_margins_at_known_and_at_imputed_classes() -> None:
    model, batch = built(), cases.batch(KIND)
    (balance,) = mmdgm.loss(model, batch, CONTEXT)["balance"]
    own, others = (
        model.classifier(model.standardise(x).double()).detach() for x in (batch.x, batch.u)
    )
    sums = torch.zeros(cases.CLASSES).double()
    for row, y in zip(own, batch.y, strict=True):
        sums[y] += row[y] / len(own)
    for row in others:
        sums[row.argmax()] -= row.max() / len(others)
    torch.testing.assert_close(balance, sums.square().sum().sqrt())


def test_what_decays_is_the_last_layer_s_matrix() -> None:
    model = built()
    terms = mmdgm.loss(model, cases.batch(KIND), CONTEXT)
    (decay,) = terms["decay"]
    torch.testing.assert_close(decay, model.last().norm() ** 2)
    assert model.last().shape == (cases.CLASSES, 8)
    only = [bool(g.any()) for g in slopes(decay, model)]
    names = [name for name, _ in model.classifier.named_parameters()]
    assert [n for n, moved in zip(names, only, strict=True) if moved] == ["rest.1.weight"]


@dataclasses.dataclass(frozen=True)
class Fewer(classes.Classes):
    """Labels of which a classifier gives fewer numbers than there are classes."""

    @property
    def raw(self) -> int:
        return self.size - 1


def test_labels_without_a_margin_each_are_refused() -> None:
    problem = Problem((2,), "float32", Fewer((0.5, 0.3, 0.2)), "gaussian", (0.0,), (1.0,))
    text = cases.message(RecipeError, lambda: mmdgm.METHOD.build(mmdgm.Config(), problem))
    assert "2 numbers for 3 classes" in text
    assert "a margin for each class" in text


def test_the_paper_s_recipe_is_of_convolutions_on_grey_levels(tmp_path: Path) -> None:
    plan = recipe.load("paper-mmdgm", None, ["data.validation=10"])
    source = cases.saved(tmp_path / "rows.npz", cases.separable("logistic-uint8", 60, 30))
    session = begin(source, plan, tmp_path / "run", device="cpu")
    assert session.recipe.model.channels
    assert not session.recipe.model.binarise
