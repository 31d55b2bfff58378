"""Mixed precision: networks multiply in bfloat16, and everything around them stays float32."""

from pathlib import Path

import cases
import noises
import pytest
import torch
from torch import Tensor

import ssdgm_train
from ssdgm_train import method, methods
from ssdgm_train.labels import Classes
from ssdgm_train.training import loop

SPECS = pytest.mark.parametrize("spec", [pytest.param(m, id=n) for n, m in cases.METHODS.items()])
SIZES = method.Sizes(32, 64)


@pytest.fixture(name="native", params=[True, False], ids=["native", "without"])
def _native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A processor with bfloat16 products, or one without."""
    has = bool(request.param)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "amx_bf16": has})
    return has


def step(spec: method.Method, precision: str) -> tuple[dict[str, Tensor], list[torch.dtype]]:
    """The terms of a first step of every phase, and what its linear layers computed in."""
    model, seen, found = cases.built(spec), list[torch.dtype](), dict[str, Tensor]()
    for part in model.modules():
        if isinstance(part, torch.nn.Linear):
            part.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    for phase in spec.phases(cases.config(spec), SIZES):
        batch, plan = cases.served(phase, model), loop.Plan(steps=1, precision=precision)
        seen.clear()
        stages = [loop.Stage(phase, plan)]
        state = loop.start(model, stages, SIZES, 0, cases.CPU)
        (record,) = loop.fit(model, stages, SIZES, lambda *_, b=batch: lambda _: b, state)
        found |= record.terms
    return found, seen


@SPECS
def test_terms_are_float32_and_close_to_what_they_were(spec: method.Method, native: bool) -> None:
    found, seen = step(spec, "mixed")
    expected, _ = step(spec, "float32")
    head = spec.name == "m1"
    assert set(seen) == {torch.bfloat16 if native and not head else torch.float32}
    for name, value in found.items():
        assert value.dtype == torch.float32, name
        torch.testing.assert_close(value, expected[name], rtol=0.05, atol=0.02)
        assert native or torch.equal(value, expected[name]), name


@SPECS
def test_weights_and_moments_stay_float32(spec: method.Method) -> None:
    model, state = cases.trained(spec, cases.separable(blank=32), 2, precision="mixed")
    moments = [s for o in state.optimisers.values() for v in o.state.values() for s in v.values()]
    assert {value.dtype for value in (*model.parameters(), *moments)} == {torch.float32}


@pytest.mark.parametrize(
    "spec", [pytest.param(m, id=n) for n, m in methods.METHODS.items() if m.knows(Classes)]
)
def test_what_is_trained_in_mixed_precision_classifies(spec: method.Method) -> None:
    data = cases.separable()
    model, _ = cases.trained(spec, data, 300, learning_rate=1e-2, precision="mixed")
    found = model.eval().answer("classifier", x=torch.from_numpy(data.x))["raw"].argmax(1)
    assert found.tolist() == data.y.tolist()


def test_a_run_says_whether_its_machine_multiplies_bfloat16(native: bool, tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "set.npz", cases.separable())
    session = ssdgm_train.begin(source, cases.small_recipe("m2"), tmp_path / "run", device="cpu")
    assert session.run.read().environment.bfloat16 is native


def test_the_prior_of_the_label_is_not_rounded() -> None:
    model = cases.built(methods.METHODS["m2"])
    x, y = torch.rand(4, 6), torch.eye(3)[[0, 1, 2, 0]]
    terms = []
    with pytest.MonkeyPatch.context() as patch, torch.autocast("cpu", torch.bfloat16):
        patch.setattr(
            "ssdgm_train.probability.objectives.labelled_bound",
            lambda *found: terms.extend(found) or found[0],
        )
        model.bound(x, y, noises.seeded())
    expected = torch.tensor(model.labels.prior).log()[y.argmax(-1)]
    assert terms[1].dtype == torch.float32
    assert torch.equal(terms[1], expected)
