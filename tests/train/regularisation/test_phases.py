"""Regularisers over phases: what they add, to which phases, and what refuses them."""

import dataclasses
import json
from pathlib import Path

import cases
import pytest
import torch

import ssdgm_train
from ssdgm_train import method, methods
from ssdgm_train.labels import Classes
from ssdgm_train.regularisation import phases
from ssdgm_train.regularisation.plan import Regularisation
from ssdgm_train.runs import directory
from ssdgm_train.settings import RecipeError
from ssdgm_train.training import loop

ALL = Regularisation(
    consistency=1.0, augmented=1.0, adversarial=1.0, entropy=0.1, balance=0.1, average=0.9, every=2
)
KNOWING = [
    name for name, spec in cases.METHODS.items() if hasattr(spec.build, "judge") and spec.trains
]
KINDS = ("bernoulli-uint8", "columns-float32", "windows-float32")


def stages(name: str, plan: Regularisation, kind: str) -> tuple[loop.Stage, ...]:
    spec = methods.METHODS[name]
    own = spec.phases(cases.config(spec), method.Sizes(5, 7))
    found = [loop.Stage(phase, loop.Plan(steps=1)) for phase in own]
    return phases.regularised(found, plan, cases.stated(kind))


def test_every_method_with_answers_about_rows_can_be_regularised() -> None:
    assert {"supervised", "m1", "m2", "m1m2", "adgm", "sdgm", "gmdgm"} <= {*KNOWING}


@pytest.mark.parametrize("name", KNOWING)
@pytest.mark.parametrize("kind", KINDS)
def test_the_terms_stand_beside_the_methods_own(name: str, kind: str) -> None:
    spec, model = methods.METHODS[name], cases.built(methods.METHODS[name], kind)
    own = spec.phases(cases.config(spec), method.Sizes(5, 7))
    for former, stage in zip(own, stages(name, ALL, kind), strict=True):
        if not former.classifies:
            assert stage.phase.players[0].weights == former.players[0].weights
            continue
        (player, *_), batch = stage.phase.players, cases.served(stage.phase, model, kind)
        found = player.loss(model, batch, cases.context())
        assert {*found} == {*player.weights} == {*former.players[0].weights, *ALL.weights}
        total = sum(player.weights[k] * v.mean() for k, v in found.items())
        assert isinstance(total, torch.Tensor)
        total.backward()
        assert player.average == ALL.average


def test_without_settings_phases_stay_what_they_are() -> None:
    found = stages("m2", Regularisation(), "bernoulli-uint8")
    spec = methods.METHODS["m2"]
    (own,) = spec.phases(cases.config(spec), method.Sizes(5, 7))
    assert found[0].phase.players[0].loss is own.players[0].loss


def test_the_methods_own_loss_has_every_other_row() -> None:
    seen = list[int]()

    def loss(model: object, batch: method.Batch, context: method.Context) -> method.Terms:
        seen.append(len(batch.u))
        return {"own": torch.zeros(1)}

    phase = method.Phase("joint", (method.Player("all", loss, {"own": 1.0}),))
    plan = Regularisation(entropy=1.0, every=3)
    model, stage = cases.built(methods.METHODS["m2"]), loop.Stage(phase, loop.Plan(steps=1))
    (found,) = phases.regularised([stage], plan, cases.stated())
    found.phase.players[0].loss(model, cases.batch(unlabelled=7), cases.context())
    assert seen == [3]


def test_running_statistics_are_none_of_strongly_changed_rows() -> None:
    kind, spec = "bernoulli-uint8", methods.METHODS["supervised"]
    plan = Regularisation(augmented=1.0, adversarial=1.0, entropy=1.0)
    states = []
    for each in (Regularisation(), plan):
        model = cases.built(spec, kind, binarise=False).train()
        (stage,) = stages("supervised", each, kind)
        stage.phase.players[0].loss(model, cases.batch(kind), cases.context())
        states.append({k: v for k, v in model.state_dict().items() if "running" in k})
    assert len(states[0]) >= 2
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value)


def test_what_cannot_be_regularised_is_refused() -> None:
    class Own(Classes):
        divergence = None  # type: ignore[assignment]

    class Bare(method.Model):
        """A model without answers about rows."""

    plan, spec = Regularisation(consistency=1.0), methods.METHODS["m2"]
    problem = cases.stated()
    unlike = dataclasses.replace(problem, labels=Own((0.5, 0.5)))
    text = cases.message(RecipeError, lambda: phases.check(plan, spec, unlike, mapped=False))
    assert "regularise.consistency is set, and classes know no regulariser" in text
    phases.check(plan, spec, problem, mapped=False)
    bare = dataclasses.replace(spec, name="bare", build=Bare)
    text = cases.message(RecipeError, lambda: phases.check(plan, bare, problem, mapped=False))
    assert "bare has no q(y | x) of rows" in text
    assert "regularise.consistency" in text
    phases.check(Regularisation(), bare, problem, mapped=False)


@pytest.mark.parametrize("name", ["supervised", "m1m2", "adgm"])
def test_a_run_is_trained_resumed_and_converted_with_all_of_them(
    name: str, tmp_path: Path
) -> None:
    changes = [
        f"regularise.{field.name}={json.dumps(getattr(ALL, field.name))}"
        for field in dataclasses.fields(ALL)
    ]
    plan = cases.small_recipe(name, *changes)
    source = cases.saved(tmp_path / "data.npz", cases.IMAGES)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for _ in ssdgm_train.train(ssdgm_train.begin(source, plan, whole, 12)):
        pass
    session = ssdgm_train.begin(source, plan, parts, 12)
    for progress in ssdgm_train.train(session):
        if progress.step == 8:
            break
    for _ in ssdgm_train.train(ssdgm_train.resume(parts)):
        pass
    assert cases.outcome(whole) == cases.outcome(parts)
    result = directory.Run(whole).result
    assert result is not None
    assert directory.Run(whole).read().plan.regularise == ALL


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_labelled_rows_has_no_augmented_term(kind: str) -> None:
    (stage,), model = stages("gmdgm", ALL, kind), cases.built(methods.METHODS["gmdgm"], kind)
    batch = cases.batch(kind, labelled=0)
    found = stage.phase.players[0].loss(model, batch, cases.context(labelled=0))
    assert len(found["augmented"]) == 0
    assert len(found["consistency"]) == 7
    assert all(bool(value.isfinite().all()) for value in found.values())
