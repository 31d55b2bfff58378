"""Players with an optimiser of their own, and running averages of weights."""

import dataclasses
from pathlib import Path

import cases
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train import method
from ssdgm_train.methods.classifiers import supervised
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, loading, session, storage, training
from ssdgm_train.training import averaging, loop

SIZES = method.Sizes(10, 30)
DECAY = 0.75


class Pair(nn.Module):
    """Two numbers, one for each of two players."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))


def player(name: str, **own: object) -> method.Player:
    def loss(model: Pair, batch: method.Batch, context: method.Context) -> method.Terms:
        return {name: getattr(model, name).square()}

    return method.Player(name, loss, {name: 1.0}, lambda m: [getattr(m, name)], **own)


def fitted(
    *players: method.Player, steps: int = 4
) -> tuple[Pair, list[dict[str, Tensor]], loop.State]:
    model, plan = Pair(), loop.Plan(steps=steps, learning_rate=0.1, schedule="constant")
    stages = [loop.Stage(method.Phase("x", players), plan)]
    state = loop.start(model, stages, SIZES, 0, cases.CPU)
    serve = lambda *_: lambda _: cases.batch()  # noqa: E731
    seen = [
        {name: value.detach().clone() for name, value in model.named_parameters()}
        for _ in loop.fit(model, stages, SIZES, serve, state)
    ]
    return model, seen, state


def test_a_player_has_its_own_decays_and_rate() -> None:
    own = method.Optimiser(beta1=0.5, rate=0.1)
    model, _, state = fitted(player("a"), player("b", optimiser=own), steps=1)
    assert state.optimisers["a"].param_groups[0]["betas"] == (0.9, 0.999)
    assert state.optimisers["b"].param_groups[0]["betas"] == (0.5, 0.999)
    assert 1 - model.a.item() == pytest.approx(0.1, rel=1e-3)  # Adam's first step is the rate
    assert 1 - model.b.item() == pytest.approx(0.01, rel=1e-3)


def test_an_average_is_the_weighted_mean_of_a_player_s_weights() -> None:
    _, seen, state = fitted(player("a", average=DECAY), player("b"))
    assert state.averages.keys() == {"a"}
    wanted = torch.ones(1)
    for done, weights in enumerate(seen):
        decay = min(DECAY, (1 + done) / (10 + done))  # short at first
        wanted = decay * wanted + (1 - decay) * weights["a"]
    torch.testing.assert_close(state.averages["a"], wanted)


def test_averages_are_the_weights_inside_and_only_inside() -> None:
    model, _, state = fitted(player("a", average=DECAY), player("b"))
    before = [model.a.item(), model.b.item()]
    with averaging.averaged(model, state.averages):
        assert model.a.item() == state.averages["a"].item() != before[0]
        assert model.b.item() == before[1]
    assert [model.a.item(), model.b.item()] == before


def test_running_statistics_are_averaged_with_the_weights_they_belong_to() -> None:
    def loss(model: nn.Sequential, batch: method.Batch, context: method.Context) -> method.Terms:
        return {"a": model(torch.randn(8, 2) + 3).square().mean(1)}

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    phase = method.Phase("x", (method.Player("x", loss, {"a": 1.0}, average=DECAY),))
    parts = [loop.Stage(phase, loop.Plan(steps=5, schedule="constant"))]
    state = loop.start(model, parts, SIZES, 0, cases.CPU)
    serve = lambda *_: lambda _: cases.batch()  # noqa: E731
    wanted = model[1].running_mean.clone()
    for done, _ in enumerate(loop.fit(model, parts, SIZES, serve, state)):
        wanted.lerp_(model[1].running_mean, 1 - min(DECAY, (1 + done) / (10 + done)))
    assert {"0.weight", "0.bias", "1.weight", "1.running_mean", "1.running_var"} <= {
        *state.averages
    }
    assert not any("tracked" in name for name in state.averages)
    torch.testing.assert_close(state.averages["1.running_mean"], wanted)
    with averaging.averaged(model, state.averages):
        torch.testing.assert_close(model[1].running_mean, wanted)
    assert not torch.equal(model[1].running_mean, wanted)


@pytest.fixture
def averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The baseline method, with an average."""
    plain = supervised.METHOD.phases

    def phases(config: object, sizes: method.Sizes) -> tuple[method.Phase, ...]:
        (phase,) = plain(config, sizes)
        (own,) = phase.players
        return (dataclasses.replace(phase, players=(dataclasses.replace(own, average=0.9),)),)

    changed = dataclasses.replace(supervised.METHOD, phases=phases)
    monkeypatch.setitem(recipe.lookup.METHODS, "supervised", changed)


@pytest.mark.usefixtures("averaged")
def test_an_interrupted_run_ends_with_the_same_averages_which_are_what_it_ships(
    tmp_path: Path,
) -> None:
    table = {"method": "supervised", "train": {"steps": 12}, "run": {"evaluate_every": 4}}
    plan = recipe.from_table(table)
    runs = [session.begin("digits", plan, tmp_path / n, labelled=60) for n in ("whole", "broken")]
    for _ in training.train(runs[0]):
        pass
    next(step for step in training.train(runs[1]) if step.step == 8)
    again = session.resume(tmp_path / "broken")
    for _ in training.train(again):
        pass
    shipped = [loading.load_model(directory.Run(tmp_path / n)) for n in ("whole", "broken")]
    for one, other in zip(*(m.state_dict().values() for m in shipped), strict=True):
        assert torch.equal(one, other)
    raw = storage.load_tensors(again.run.latest, "weights")["classifier.first.bias"]
    average = again.state.averages["classifier.first.bias"]
    assert torch.equal(shipped[1].state_dict()["classifier.first.bias"], average)
    assert not torch.equal(raw, average)
