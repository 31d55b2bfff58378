"""The loop: stages with plans of their own, players in turn, schedules, priors, clipping."""

import itertools
from collections.abc import Callable

import cases
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train import method, methods
from ssdgm_train.training import loop

SIZES = method.Sizes(10, 30)


class Numbers(nn.Module):
    """Two parameters and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))


Loss = Callable[[Numbers, method.Batch, method.Context], method.Terms]


def linear(model: Numbers, _: method.Batch, __: method.Context) -> method.Terms:
    """A loss whose gradient is 4 for every number of a."""
    return {"a": 4 * model.a.sum().expand(5)}


def phase(name: str, loss: Loss = linear) -> method.Phase:
    return method.Phase(name, (method.Player(name, loss, {"a": 1.0}),))


def stages(*plans: loop.Plan, loss: Loss = linear, names: str = "xyz") -> list[loop.Stage]:
    return [loop.Stage(phase(n, loss), plan) for n, plan in zip(names, plans, strict=False)]


def always(_: loop.Stage, __: nn.Module) -> loop.Draw:
    """The same batch at every step of every stage."""
    return lambda _: cases.batch()


def run(
    parts: list[loop.Stage], model: Numbers | None = None
) -> tuple[Numbers, list[loop.Step], loop.State]:
    model = model or Numbers()
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    return model, list(loop.fit(model, parts, SIZES, always, state)), state


def test_stages_follow_each_other_each_with_its_own_steps() -> None:
    plans = [loop.Plan(steps=steps) for steps in (3, 1, 2)]
    _, found, state = run(stages(*plans))
    assert "".join(step.phase for step in found) == "xxxyzz"
    assert [step.number for step in found] == list(range(1, 7))
    assert len(found) == state.step == loop.length(stages(*plans)) == 6


def test_progress_runs_from_zero_in_every_stage_and_its_batches_too() -> None:
    seen: list[float] = []
    asked: list[int] = []

    def loss(model: Numbers, batch: method.Batch, context: method.Context) -> method.Terms:
        seen.append(context.progress)
        assert context.sizes == SIZES
        return linear(model, batch, context)

    def serve(_: loop.Stage, __: nn.Module) -> loop.Draw:
        return lambda step: asked.append(step) or cases.batch()

    parts, model = stages(loop.Plan(steps=4), loop.Plan(steps=2), loss=loss), Numbers()
    list(loop.fit(model, parts, SIZES, serve, loop.start(model, parts, SIZES, 0, cases.CPU)))
    assert seen == [0, 0.25, 0.5, 0.75, 0, 0.5]
    assert asked == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize(
    ("stop", "entered"),
    [(0, "xy"), (1, "xxy"), (2, "xxy"), (3, "xy"), (4, "xyy"), (5, "xyy"), (6, "xy")],
)
def test_a_stage_is_entered_once_and_again_after_an_interruption_inside_it(
    stop: int, entered: str
) -> None:
    names: list[str] = []

    def serve(stage: loop.Stage, model: nn.Module) -> loop.Draw:
        assert isinstance(model, Numbers)
        names.append(stage.phase.name)
        return always(stage, model)

    parts, model = stages(loop.Plan(steps=3), loop.Plan(steps=3)), Numbers()
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    for _ in itertools.islice(loop.fit(model, parts, SIZES, serve, state), stop):
        pass
    for _ in loop.fit(model, parts, SIZES, serve, state):
        pass
    assert "".join(names) == entered
    assert state.step == 6


def test_a_stage_is_served_only_when_the_one_before_it_is_done() -> None:
    """What a phase measures depends on what the phases before it have learnt."""
    seen: list[tuple[str, float]] = []

    def serve(stage: loop.Stage, model: nn.Module) -> loop.Draw:
        assert isinstance(model, Numbers)
        seen.append((stage.phase.name, float(model.a[0].detach())))
        return always(stage, model)

    plan = loop.Plan(steps=2, learning_rate=0.1, schedule="constant")
    parts, model = stages(plan, plan), Numbers()
    list(loop.fit(model, parts, SIZES, serve, loop.start(model, parts, SIZES, 0, cases.CPU)))
    assert seen == [("x", 1.0), ("y", pytest.approx(0.8))]


def test_every_player_has_an_optimiser_with_its_stage_s_settings() -> None:
    one = loop.Plan(steps=2, learning_rate=0.1, beta1=0.5, beta2=0.7, weight_prior=8.0)
    other = loop.Plan(steps=2, learning_rate=0.3)
    parts = stages(one, other)
    state = loop.start(Numbers(), parts, SIZES, 0, cases.CPU)
    groups = {name: o.param_groups[0] for name, o in state.optimisers.items()}
    assert {k: (g["lr"], g["betas"], g["weight_decay"]) for k, g in groups.items()} == {
        "x": (0.1, (0.5, 0.7), 0.2),
        "y": (0.3, (0.9, 0.999), 0.0),
    }


def test_every_stage_has_its_own_rate_schedule_and_clipping() -> None:
    one = loop.Plan(steps=2, learning_rate=0.1, schedule="constant", clip_norm=0.5)
    other = loop.Plan(steps=2, learning_rate=0.3)
    parts, model, seen = stages(one, other), Numbers(), []
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    for step in loop.fit(model, parts, SIZES, always, state):
        assert model.a.grad is not None
        rate = state.optimisers[step.phase].param_groups[0]["lr"]
        seen.append((rate, float(model.a.grad.norm())))
    steep = pytest.approx(4 * 3**0.5)
    clipped = pytest.approx(0.5, rel=1e-5)
    assert seen == [(0.1, clipped), (0.1, clipped), (0.3, steep), (pytest.approx(0.15), steep)]


def test_players_take_turns_and_move_their_own_parameters_alone() -> None:
    turns: list[str] = []

    def player(name: str, other: str) -> method.Player:
        def loss(model: Numbers, *_: object) -> method.Terms:
            turns.append(name)
            return {name: (getattr(model, name) + getattr(model, other)).square()}

        return method.Player(name, loss, {name: 1.0}, lambda m: [getattr(m, name)])

    game = method.Phase("game", (player("a", "b"), player("b", "a")))
    model, (step,), _ = run([loop.Stage(game, loop.Plan(steps=1))])
    assert turns == ["a", "b"]
    assert step.terms.keys() == {"a", "b"}
    assert not torch.equal(model.a, torch.ones(3))
    torch.testing.assert_close(model.a, model.b)


def test_terms_are_means_and_are_weighted_in_the_sum_alone() -> None:
    def loss(model: Numbers, *_: object) -> method.Terms:
        return {"a": model.a, "b": 2 * model.b, "none": model.a[:0]}

    player = method.Player("x", loss, {"a": 3.0, "b": 0.5, "none": 1.0})
    model, (step,), _ = run([loop.Stage(method.Phase("x", (player,)), loop.Plan(steps=1))])
    assert {k: float(v) for k, v in step.terms.items()} == {"a": 1, "b": 2, "none": 0}
    torch.testing.assert_close(model.a.grad, torch.full((3,), 3.0 / 3))
    torch.testing.assert_close(model.b.grad, torch.full((3,), 0.5 * 2 / 3))


def test_the_rate_follows_the_schedule() -> None:
    plan = loop.Plan(steps=4, learning_rate=0.1, schedule="cosine")
    parts, model = stages(plan), Numbers()
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    rates = [
        state.optimisers["x"].param_groups[0]["lr"]
        for _ in loop.fit(model, parts, SIZES, always, state)
    ]
    assert rates == pytest.approx([0.1, 0.1 * 0.8535534, 0.05, 0.1 * 0.1464466])


def test_the_weight_prior_pulls_by_its_precision_over_all_rows() -> None:
    """With the loss c a, the gradient of the sum is c + a prior / N: Adam is told both at once."""
    plan = loop.Plan(steps=1, weight_prior=8.0, learning_rate=0.1)
    model, _, state = run(stages(plan))
    average = state.optimisers["x"].state[model.a]["exp_avg"]
    expected = (1 - plan.beta1) * (4 + 8.0 / SIZES.total * 1)
    torch.testing.assert_close(average, torch.full((3,), expected))


def test_weights_decay_apart_from_adam_and_biases_do_not() -> None:
    def loss(model: nn.Linear, batch: method.Batch, context: method.Context) -> method.Terms:
        return {"a": 0 * model.weight.sum().expand(5) + 0 * model.bias.sum()}

    model = nn.Linear(2, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = loop.Plan(steps=1, decay=0.5, learning_rate=0.1)
    parts = [loop.Stage(method.Phase("x", (method.Player("x", loss, {"a": 1.0}),)), plan)]
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    assert len([*loop.fit(model, parts, SIZES, always, state)]) == 1
    torch.testing.assert_close(model.weight.detach(), before["weight"] * (1 - 0.1 * 0.5))
    torch.testing.assert_close(model.bias.detach(), before["bias"])


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_the_gradient_is_clipped_to_its_norm(limit: float) -> None:
    model, _, _ = run(stages(loop.Plan(steps=1, clip_norm=limit)))
    assert model.a.grad is not None
    assert float(model.a.grad.norm()) == pytest.approx(min(limit, 4 * 3**0.5), rel=1e-5)


def test_the_model_trains_in_training_mode_whatever_happens_between_steps() -> None:
    modes: list[bool] = []

    def loss(model: Numbers, batch: method.Batch, context: method.Context) -> method.Terms:
        modes.append(model.training)
        return linear(model, batch, context)

    model, parts = Numbers(), stages(loop.Plan(steps=3), loss=loss)
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    for _ in loop.fit(model, parts, SIZES, always, state):
        model.eval()
    assert modes == [True] * 3


def test_batches_are_asked_for_by_the_number_of_steps_done() -> None:
    asked: list[int] = []

    def draw(step: int) -> method.Batch:
        asked.append(step)
        return cases.batch()

    model, parts = Numbers(), stages(loop.Plan(steps=6))
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    for _ in itertools.islice(loop.fit(model, parts, SIZES, lambda *_: draw, state), 2):
        pass
    for _ in loop.fit(model, parts, SIZES, lambda *_: draw, state):
        pass
    assert asked == list(range(6))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_change(value: float) -> None:
    terms = {"good": 1.0, "bad": value}
    text = cases.message(loop.Diverged, lambda: loop.check_finite(Numbers(), 7, terms))
    assert "Training diverged at step 7: the terms are {'good': 1.0, 'bad': " in text
    assert "Lower the learning_rate" in text
    with pytest.raises(ArithmeticError):
        loop.check_finite(Numbers(), 7, terms)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_an_error_though_the_terms_still_are(value: float) -> None:
    model = Numbers()
    with torch.no_grad():
        model.a[1] = value
    text = cases.message(loop.Diverged, lambda: loop.check_finite(model, 7, {"good": 1.0}))
    assert "Training diverged at step 7: some weights are not finite" in text


def test_a_window_means_each_term_over_the_steps_that_have_it() -> None:
    window = loop.Window()
    window.add({"a": torch.tensor(1.0)})
    window.add({"a": torch.tensor(3.0), "b": torch.tensor(5.0)})
    assert window.means() == {"a": 2.0, "b": 5.0}


def test_training_diverges_with_a_typed_error() -> None:
    spec = methods.METHODS["supervised"]
    with pytest.raises(loop.Diverged):
        cases.trained(spec, cases.separable(), 5, learning_rate=1e38)


def test_training_keeps_its_hands_off_the_global_random_state() -> None:
    before: Tensor = torch.get_rng_state()
    run(stages(loop.Plan(steps=3)))
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_do_not_add_up_over_the_steps() -> None:
    model, _, _ = run(stages(loop.Plan(steps=3)))
    assert model.a.grad is not None
    torch.testing.assert_close(model.a.grad, torch.full((3,), 4.0))
