"""What holds for every method of the family, whatever it computes."""

import dataclasses
import importlib
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cases
import noises
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train import evaluation, method, methods
from ssdgm_train.labels import Classes, OneClass
from ssdgm_train.likelihoods import observations
from ssdgm_train.model import (
    CLASSIFIER,
    COMPONENTS,
    DECODER,
    ENCODER,
    PRIOR,
    RAW,
    SCORER,
    Conditional,
    Model,
)
from ssdgm_train.runs import directory
from ssdgm_train.training import loop

SPECS = pytest.mark.parametrize("spec", [pytest.param(m, id=n) for n, m in cases.METHODS.items()])
KINDS = pytest.mark.parametrize("kind", list(cases.KINDS))
FOLDER = Path(methods.__file__).parent
SIZES = method.Sizes(32, 64)


def phases(spec: method.Method, sizes: method.Sizes = SIZES) -> tuple[method.Phase, ...]:
    return spec.phases(cases.config(spec), sizes)


def turns(
    spec: method.Method,
    model: nn.Module,
    context: method.Context,
    kind: str = "gaussian-float32",
    labelled: int = 5,
    unlabelled: int = 7,
    device: torch.device = cases.CPU,
) -> Iterator[tuple[method.Player, method.Batch]]:
    """Every player of every phase, with a batch as its phase gets them."""
    for phase in phases(spec, context.sizes):
        batch = cases.served(phase, model, kind, labelled, unlabelled, device)
        for player in phase.players:
            yield player, batch


def perfect(score: evaluation.Score) -> bool:
    """Whether all rows are right; of one class, whether all outliers are above normal rows."""
    return score.auroc == 1 if score.outlying else score.error == 0


@SPECS
@KINDS
def test_a_loss_is_one_finite_number_an_example(
    spec: method.Method, kind: str, device: torch.device, dtype: torch.dtype
) -> None:
    model = cases.built(spec, kind, dtype, device)
    context = cases.context(device=device)
    for player, batch in turns(spec, model, context, kind, device=device):
        for name, value in player.loss(model, batch, context).items():
            where = f"{spec.name}/{player.name}/{name}"
            assert value.shape in {(5,), (7,), (12,), (1,)}, f"{where} has shape {value.shape}"
            assert torch.isfinite(value).all(), f"{where} is not finite"


@SPECS
@pytest.mark.parametrize(("labelled", "unlabelled"), [(32, 64), (32, 0), (100, 59_900)])
def test_every_term_has_a_weight_and_every_weight_a_term(
    spec: method.Method, labelled: int, unlabelled: int
) -> None:
    model, context = cases.built(spec), cases.context(labelled, unlabelled)
    for player, batch in turns(spec, model, context):
        terms = player.loss(model, batch, context)
        assert terms.keys() == player.weights.keys(), f"{spec.name}/{player.name}"
        assert all(0 <= w < float("inf") for w in player.weights.values())


@SPECS
@KINDS
def test_a_gradient_reaches_every_parameter_of_some_player(
    spec: method.Method, kind: str, device: torch.device, dtype: torch.dtype
) -> None:
    model = cases.built(spec, kind, dtype, device)
    context = cases.context(device=device)
    reached: set[nn.Parameter] = set()
    for player, batch in turns(spec, model, context, kind, device=device):
        model.zero_grad()
        terms = player.loss(model, batch, context)
        torch.stack([player.weights[k] * v.mean() for k, v in terms.items()]).sum().backward()
        reached |= {p for p in player.parameters(model) if p.grad is not None}
        assert all(torch.isfinite(p.grad).all() for p in reached if p.grad is not None)
    left_out = [name for name, p in model.named_parameters() if p not in reached]
    assert not left_out, f"{spec.name} never trains {left_out}"


@SPECS
@KINDS
def test_probabilities_sum_to_one(
    spec: method.Method, kind: str, device: torch.device, dtype: torch.dtype
) -> None:
    model, x = cases.built(spec, kind, dtype, device), cases.batch(kind, device=device).x
    with evaluation.evaluating(model):
        found = model.labels.outputs(model.answer(CLASSIFIER, x=x)[RAW])
    if not spec.knows(Classes):
        assert found["score"].shape == (len(x), 1)
        assert found["score"].isfinite().all()
        return
    assert found["logits"].shape == found["probs"].shape == (len(x), cases.CLASSES)
    total = found["probs"].sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))


@SPECS
def test_a_row_is_classified_alike_alone_and_in_company(
    spec: method.Method, device: torch.device, dtype: torch.dtype
) -> None:
    model, _ = cases.trained(spec, cases.separable(blank=32), 5, device=device)
    model, x = model.to(dtype), cases.batch(device=device).x
    with evaluation.evaluating(model), torch.no_grad():
        alone = torch.cat([model.answer(CLASSIFIER, x=row[None])[RAW] for row in x])
        torch.testing.assert_close(model.answer(CLASSIFIER, x=x)[RAW], alone)


@SPECS
@KINDS
def test_permuting_the_batch_permutes_the_losses(
    spec: method.Method, kind: str, device: torch.device, dtype: torch.dtype
) -> None:
    model = cases.built(spec, kind, dtype, device)
    context = cases.context(noise=noises.Even())
    one, other = torch.randperm(5, device=device), torch.randperm(7, device=device)
    orders = {5: one, 7: other, 12: torch.cat([one, 5 + other]), 1: torch.tensor([0])}
    for player, batch in turns(spec, model, context, kind, device=device):
        shuffled = method.Batch(batch.x[one], batch.y[one], batch.u[other])
        found = player.loss(model, shuffled, context)
        for name, value in player.loss(model, batch, context).items():
            order = orders[len(value)].to(device)
            torch.testing.assert_close(found[name], value[order], msg=f"{player.name}/{name}")


@SPECS
def test_noise_comes_from_the_context_alone(spec: method.Method) -> None:
    kind = "bernoulli-uint8"
    model = cases.built(spec, kind)

    def drawn(seed: int) -> list[Tensor]:
        context = cases.context(seed=seed)
        terms = [p.loss(model, batch, context) for p, batch in turns(spec, model, context, kind)]
        return [value for found in terms for value in found.values()]

    one, again, other = drawn(5), drawn(5), drawn(6)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@SPECS
@KINDS
def test_every_draw_is_asked_of_the_noise_of_the_context(
    spec: method.Method, kind: str, device: torch.device
) -> None:
    """With noise of the test's own, nothing else draws, and the terms are the same every time."""
    model, context = cases.built(spec, kind, device=device), cases.context(noise=noises.Even())
    for player, batch in list(turns(spec, model, context, kind, device=device)):
        with noises.nowhere_else():
            one, again = (player.loss(model, batch, context) for _ in range(2))
        for name, value in one.items():
            assert torch.equal(value, again[name]), f"{player.name}/{name}"


STRAY: dict[str, Callable[[Tensor], object]] = {
    "torch": torch.randn_like,
    "in place": lambda x: torch.empty_like(x).normal_(),
    "its own generator": lambda x: torch.rand(x.shape, generator=torch.Generator()),
    "bits": lambda x: torch.bernoulli(torch.full_like(x, 0.5)),
    "a category": lambda x: torch.multinomial(torch.ones_like(x), 1),
    "dropout": lambda x: torch.nn.functional.dropout(x, 0.5),
    "a distribution": lambda x: torch.distributions.Normal(x, 1.0).rsample(),
    "an order": lambda x: torch.randperm(len(x)),
    "numpy": lambda x: np.random.default_rng(0).normal(size=x.shape),
    "numpy's own": lambda x: np.random.normal(size=x.shape),  # noqa: NPY002
    "python": lambda _: random.random(),
}


@pytest.mark.parametrize("draw", list(STRAY.values()), ids=list(STRAY))
def test_a_draw_from_elsewhere_is_caught(draw: Callable[[Tensor], object]) -> None:
    with pytest.raises(noises.Strayed), noises.nowhere_else():
        draw(torch.ones(3, 2))


def test_draws_of_noise_are_not_taken_for_strays() -> None:
    like = torch.full((3, 2), 0.5)
    for noise in (noises.Even(), noises.Zero(), noises.given(like)):
        with noises.nowhere_else():
            parts = noise.normal(like), noise.uniform(like), noise.bits(like), noise.category(like)
        assert [part.shape for part in parts] == [(3, 2), (3, 2), (3, 2), (3, 1)]


@SPECS
def test_32_labelled_points_are_learnt(spec: method.Method, device: torch.device) -> None:
    data = cases.separable(labelled=32, blank=32)
    model, _ = cases.trained(spec, data, 150, device=device, learning_rate=1e-2)
    known = cases.everything(data).labelled
    assert perfect(evaluation.score(model, data.x[known], data.y[known], device))


@SPECS
def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    spec: method.Method, device: torch.device
) -> None:
    data = cases.separable("bernoulli-uint8", blank=32)
    one, again, other = (cases.trained(spec, data, 6, s, device)[0] for s in (1, 1, 2))
    for (name, weight), same in zip(
        one.state_dict().items(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, same), name
    assert any(
        not torch.equal(weight, differs)
        for weight, differs in zip(one.parameters(), other.parameters(), strict=True)
    )


@SPECS
def test_a_batch_without_unlabelled_rows_is_a_batch(spec: method.Method) -> None:
    model, context = cases.built(spec), cases.context()
    for player, batch in turns(spec, model, context, unlabelled=0):
        terms = player.loss(model, batch, context)
        assert all(torch.isfinite(v).all() for v in terms.values()), player.name
        assert any(len(v) == 5 for v in terms.values()), player.name


@SPECS
def test_all_rows_may_be_labelled(spec: method.Method) -> None:
    data = cases.separable(labelled=32, blank=0)
    model, state = cases.trained(spec, data, 150, learning_rate=1e-2)
    assert state.step == 150 * len(phases(spec))
    assert perfect(evaluation.score(model, data.x, data.y, cases.CPU))


@SPECS
def test_a_checkpoint_gives_back_what_was_saved(spec: method.Method, tmp_path: Path) -> None:
    data = cases.separable("bernoulli-uint8", blank=32)
    model, state = cases.trained(spec, data, 5)
    run = directory.create(tmp_path / "run", cases.record(), cases.everything(data))
    directory.save(run, model, state)
    assert run.latest is not None
    fresh, start = cases.trained(spec, data, 1, seed=9)
    directory.restore(run.latest, fresh, start)
    assert start.step == state.step
    assert torch.equal(start.generator.get_state(), state.generator.get_state())
    assert _flat(fresh.state_dict()) == _flat(model.state_dict())
    for name, optimiser in state.optimisers.items():
        found, kept = start.optimisers[name].state_dict(), optimiser.state_dict()
        assert _flat(found["state"]) == _flat(kept["state"]), name


def _flat(tree: Any) -> Any:  # noqa: ANN401
    if isinstance(tree, Tensor):
        return tree.dtype, tree.tolist()
    if isinstance(tree, dict):
        return {key: _flat(value) for key, value in tree.items()}
    return tree


@SPECS
def test_the_tasks_of_a_method_follow_from_what_its_model_declares(spec: method.Method) -> None:
    model = cases.built(spec)
    assert isinstance(model, spec.build)
    names = [each.name for each in model.conditionals]
    assert len(names) == len({*names})
    assert {*names} <= {*COMPONENTS}
    able = {
        "classify": CLASSIFIER in names,
        "encode": ENCODER in names,
        "reconstruct": ENCODER in names and DECODER in names,
        "generate": DECODER in names,
        "score": SCORER in names or OneClass in spec.spaces,
    }
    assert spec.tasks == tuple(task for task, has in able.items() if has)


@SPECS
def test_a_label_takes_part_in_both_directions_or_in_none(spec: method.Method) -> None:
    """What `reconstruct` asks for follows from the encoder, and the decoder has to agree."""
    model = cases.built(spec)
    given = {each.name: {*each.given} for each in model.conditionals}
    encoder, decoder = given.get(ENCODER, set()), given.get(DECODER, set())
    if PRIOR in given:
        assert "y" in given[PRIOR]
        assert "y" in encoder or "y" not in decoder
    else:
        assert ("y" in encoder) == ("y" in decoder)


def inputs(model: Model, each: Conditional, x: Tensor) -> dict[str, Tensor]:
    """The inputs that a conditional declares, noise as in a run; y is nothing but uncertain."""
    labels = torch.full((len(x), *model.labels.shape), 1 / cases.CLASSES)
    drawn = {name: torch.randn(len(x), width) for name, width in model.widths.items()}
    every = {"x": x, "y": labels, **drawn}
    return {name: every[name] for name in (*each.given, *each.noise)}


@SPECS
@KINDS
def test_every_conditional_takes_and_gives_what_it_declares(
    spec: method.Method, kind: str
) -> None:
    model, x = cases.built(spec, kind).eval(), cases.batch(kind).x
    for each in model.conditionals:
        assert {*each.given} <= {"x", "y", "z"}
        assert not {*each.given} & {*each.noise}
        given = inputs(model, each, x)
        with noises.nowhere_else(), torch.no_grad():
            answer = model.answer(each.name, **given)
        assert {k: v.shape for k, v in answer.items()} == _outputs(model, each, kind, answer)
        assert all(torch.isfinite(value).all() for value in answer.values()), each.name
        if each.name == ENCODER:
            assert (answer["z_scale"] > 0).all()


def _outputs(
    model: Model, each: Conditional, kind: str, answer: Iterable[str]
) -> dict[str, tuple[int, ...]]:
    """The shapes that a conditional's outputs should have for five rows."""
    if each.name == DECODER:
        assert {*answer} > {"x"}
        return _shapes(kind, answer)
    if each.name == CLASSIFIER:
        return {RAW: (5, model.labels.raw)}
    if each.name == SCORER:
        return {"score": (5,)}
    names = ("z",) if each.name == PRIOR else ("z_mean", "z_scale")
    return {name: (5, model.widths["z"]) for name in names}


@SPECS
def test_widths_are_those_of_the_latents_and_noises_that_are_declared(
    spec: method.Method,
) -> None:
    model = cases.built(spec)
    named = {name for each in model.conditionals for name in (*each.given, *each.noise)}
    latent = {"z"} if {PRIOR, ENCODER} & {each.name for each in model.conditionals} else set()
    assert {*model.widths} == (named - {"x", "y"}) | latent
    assert all(width > 0 for width in model.widths.values())


@SPECS
@KINDS
def test_noise_that_is_declared_has_a_say_and_is_zero_if_it_is_not_given(
    spec: method.Method, kind: str
) -> None:
    model, x = cases.built(spec, kind).eval(), cases.batch(kind).x
    for each in model.conditionals:
        given = inputs(model, each, x)
        plain = {name: value for name, value in given.items() if name not in each.noise}
        zeros = {name: torch.zeros_like(given[name]) for name in each.noise}
        with torch.no_grad():
            mean = model.answer(each.name, **plain)
            torch.testing.assert_close(model.answer(each.name, **plain, **zeros), mean)
            for name in each.noise:
                moved = model.answer(each.name, **plain, **{**zeros, name: given[name]})
                same = [torch.equal(value, mean[key]) for key, value in moved.items()]
                assert not all(same), f"{each.name} takes {name} and makes nothing of it"


def _shapes(kind: str, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of what is decoded: those of rows; of a table, of its numbers and categories."""
    problem = cases.stated(kind)
    numbers = (5, problem.numbers) if problem.columns else (5, *problem.shape)
    return {n: (5, sum(problem.blocks)) if n == "code_probs" else numbers for n in names}


@SPECS
@KINDS
def test_log_weights_are_a_number_for_every_class_or_for_the_row(
    spec: method.Method, kind: str
) -> None:
    model, x = cases.built(spec, kind).eval(), cases.batch(kind).x
    if not isinstance(model, method.Weighs):
        assert "generate" not in spec.tasks
        return
    problem = cases.stated(kind)
    rows = observations.observer_for(problem)(x)
    found = model.log_weights(rows, noises.seeded(1))
    encoder = model.conditional(ENCODER)
    assert encoder is not None
    assert found.shape == (5, cases.CLASSES if "y" in encoder.given else 1)
    assert torch.isfinite(found).all()


@SPECS
def test_a_configuration_is_frozen_and_has_a_default_for_everything(spec: method.Method) -> None:
    chosen = spec.Config()
    for field in dataclasses.fields(chosen):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(chosen, field.name, None)


@SPECS
def test_phases_and_players_have_names_of_their_own(spec: method.Method) -> None:
    parts = phases(spec)
    names = [player.name for phase in parts for player in phase.players]
    assert len(names) == len(set(names))
    assert len(parts) == len({phase.name for phase in parts})


@SPECS
def test_a_classifier_is_trained_last(spec: method.Method) -> None:
    """The end of a run is scored, and the best weights are told by the classifier."""
    assert phases(spec)[-1].classifies


@SPECS
def test_a_step_changes_the_parameters_of_its_players_alone(spec: method.Method) -> None:
    plan = loop.Plan(steps=1)
    for phase in phases(spec):
        model, stages = cases.built(spec), [loop.Stage(phase, plan)]
        state = loop.start(model, stages, SIZES, 0, cases.CPU)
        batch = cases.served(phase, model)
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        moved = {id(p) for player in phase.players for p in player.parameters(model)}
        next(loop.fit(model, stages, SIZES, lambda *_, b=batch: lambda _: b, state))
        changed = {
            id(p) for name, p in model.named_parameters() if not torch.equal(p, before[name])
        }
        assert changed, phase.name
        assert changed <= moved, phase.name


@SPECS
def test_entering_a_phase_again_changes_nothing(spec: method.Method) -> None:
    """A run that is interrupted enters its phase a second time."""
    model = cases.built(spec)
    for phase in phases(spec):
        one = cases.served(phase, model)
        kept = {name: value.clone() for name, value in model.state_dict().items()}
        again = cases.served(phase, model)
        assert torch.equal(one.x, again.x)
        assert torch.equal(one.u, again.u)
        for name, value in model.state_dict().items():
            assert torch.equal(value, kept[name]), f"{phase.name}: {name}"


def unregistered(folder: Path) -> list[str]:
    """The files of methods that the registry does not know."""
    return sorted(
        {path.stem for path in folder.rglob("*.py")} - {"__init__"} - methods.METHODS.keys()
    )


def test_every_file_of_methods_is_registered() -> None:
    missing = unregistered(FOLDER)
    assert not missing, (
        f"methods/{missing[0]}.py is not registered: import it in methods/__init__.py "
        f'and add "{missing[0]}": {missing[0]}.METHOD to METHODS'
    )


def test_a_file_that_is_not_registered_is_found(tmp_path: Path) -> None:
    for name in ("__init__", "m2", "novel"):
        (tmp_path / f"{name}.py").touch()
    assert unregistered(tmp_path) == ["novel"]


@pytest.mark.parametrize("name", list(methods.METHODS))
def test_every_method_has_the_four_headings(name: str) -> None:
    """Its own model and `METHOD`; a configuration and losses of its own or of `models`."""
    module = importlib.import_module(methods.METHODS[name].build.__module__)
    spec, homes = module.METHOD, (module.__name__, "ssdgm_train.models.")
    assert spec is methods.METHODS[name]
    assert spec.name == name
    assert spec.build is module.Model
    assert module.Model.__module__ == module.__name__
    losses = [player.loss for phase in phases(spec) for player in phase.players]
    for part in (spec.Config, *losses):
        assert part.__module__.startswith(homes), f"{part.__qualname__} is of {part.__module__}"
        assert part.__doc__
