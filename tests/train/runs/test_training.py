"""Runs: begun, interrupted anywhere, resumed, and ended with the same bits."""

import itertools
import json
import pickle
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch

import ssdgm_train
from ssdgm_runtime.errors import DataError, DataNotFound, InputError, OutputExists, SsdgmError
from ssdgm_train import evaluation, method
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.runs import directory, loading, metrics
from ssdgm_train.runs.directory import Run, RunError
from ssdgm_train.runs.session import Session
from ssdgm_train.runs.training import Progress
from ssdgm_train.training import loop

STEPS = 12


@pytest.fixture(scope="module")
def undisturbed(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    list(ssdgm_train.train(begin(source, out)))
    return out


def begin(source: str, out: Path, *changes: str, seed: int = 3) -> Session:
    plan = cases.small_recipe(
        "m2", cases.COMPARED, "run.select=best", "data.validation=30", *changes
    )
    return ssdgm_train.begin(source, plan, out, labelled=12, seed=seed, device="cpu")


def take(session: Session, steps: int) -> list[Progress]:
    return list(itertools.islice(ssdgm_train.train(session), steps))


def test_a_run_yields_every_step_and_validates_at_its_intervals(
    source: str, tmp_path: Path
) -> None:
    every = list(ssdgm_train.train(begin(source, tmp_path / "run"), every=True))
    found = [p for p in every if not p.apart]
    after = [(p.of, p.step, p.steps) for p in every[len(found) :]]
    assert after == [
        *(("baseline", step, 4) for step in range(1, 5)),
        ("comparing with other classifiers", 0, 1),
    ]
    assert [p.step for p in found] == list(range(1, STEPS + 1))
    assert {p.steps for p in found} == {STEPS}
    assert [p.step for p in found if p.validation] == [4, 8, 12]
    assert [p.step for p in found if p.terms] == [4, 8, 12]
    assert found[3].terms is not None
    assert found[3].terms.keys() == {"labelled", "unlabelled", "classifier"}


def test_the_last_step_is_validated_whatever_the_interval(source: str, tmp_path: Path) -> None:
    session = begin(source, tmp_path / "run", "run.evaluate_every=5")
    assert [p.step for p in ssdgm_train.train(session) if p.validation] == [5, 10, 12]


def test_a_directory_holds_all_that_a_run_needs_to_go_on(undisturbed: Path) -> None:
    found = Run(undisturbed).read()
    assert (found.seed, found.labels, found.plan.method) == (3, 12, "m2")
    assert found.data.digest == cases.IMAGES.digest
    counts = [getattr(found.data, k) for k in ("labelled", "unlabelled", "validation", "test")]
    assert counts == [12, 18, 30, 30]
    assert found.data.validation_labels_are_extra is True
    assert found.split == Run(undisturbed).split().digest
    assert found.environment.torch == torch.__version__
    assert found.environment.threads == 1
    records = metrics.read(undisturbed)
    assert [r.step for r in records] == [4, 8, 12]
    assert all(r.validation and r.validation_terms for r in records)
    kinds = {p.suffix for p in undisturbed.rglob("*") if p.is_file()}
    assert kinds == {".json", ".jsonl", ".npz", ".safetensors", ".toml", ".txt"}
    assert recipe.load(undisturbed / "recipe.toml") == found.plan


def test_the_terms_in_the_metrics_are_means_over_the_interval(source: str, tmp_path: Path) -> None:
    every, fourth = (tmp_path / name for name in ("every", "fourth"))
    list(ssdgm_train.train(begin(source, every, "run.evaluate_every=1")))
    list(ssdgm_train.train(begin(source, fourth)))
    single = [r.terms["labelled"] for r in metrics.read(every)]
    means = [r.terms["labelled"] for r in metrics.read(fourth)]
    assert means == pytest.approx([np.mean(single[i : i + 4]) for i in (0, 4, 8)])


def test_the_result_scores_the_selected_weights_on_held_out_rows(undisturbed: Path) -> None:
    run = Run(undisturbed)
    result, records = run.result, metrics.read(run.path)
    assert result is not None
    assert (result.steps, result.select) == (12, "best")
    best = min(records, key=lambda r: r.validation.nll)
    assert result.validation == best.validation
    model = loading.load_model(run)
    assert cases.IMAGES.x_test is not None
    assert cases.IMAGES.y_test is not None
    score = evaluation.score(model, cases.IMAGES.x_test, cases.IMAGES.y_test, cases.CPU)
    assert result.test == score


def test_a_run_without_progress_stops_with_its_best_weights(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = itertools.chain([3.0, 1.0, 2.0, 1.5], itertools.repeat(9.0))
    monkeypatch.setattr(
        evaluation, "score", lambda *_: evaluation.Score(6, 0.5, next(losses), 0.0, 0.0)
    )
    changes = ("run.patience=2", "run.select=last", "run.baseline=0", "run.evaluate_every=2")
    session = begin(source, tmp_path / "run", *changes)
    assert session.recipe.run.select == "best"
    assert [p.step for p in ssdgm_train.train(session)][-1] == 8
    result = Run(tmp_path / "run").result
    assert result is not None
    assert (result.steps, result.select) == (8, "best")
    assert session.run.chosen("best").name == "best-00000004"
    assert list(ssdgm_train.train(ssdgm_train.resume(tmp_path / "run"))) == []
    few = begin(source, tmp_path / "few", *changes, "data.validation=4")
    assert (few.recipe.run.patience, few.recipe.run.select) == (0, "last")


def test_few_validation_rows_do_not_choose_the_weights(source: str, tmp_path: Path) -> None:
    session = begin(source, tmp_path / "run", "data.validation=29")
    assert session.recipe.run.select == session.run.read().plan.run.select == "last"
    asked = recommended.Asked(None, "m2", ("run.select=best", "data.validation=4"))
    told = ssdgm_train.begin(source, asked, tmp_path / "told", device="cpu").run.read().taken
    assert told is not None
    words = "the last weights are kept, as 4 validation rows are too few to choose by"
    assert told.reason.endswith(words)


def test_the_best_weights_are_those_with_the_lowest_validation_nll(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = itertools.chain([3.0, 1.0, 2.0], itertools.repeat(1.0))  # the baseline has some too
    monkeypatch.setattr(
        evaluation, "score", lambda *_: evaluation.Score(6, 0.5, next(losses), 0.0, 0.0)
    )
    session = begin(source, tmp_path / "run")
    list(ssdgm_train.train(session))
    assert session.run.best is not None
    assert session.run.latest is not None
    assert (session.run.best.name, session.run.latest.name) == ("best-00000008", "step-00000012")


def test_the_same_run_twice_is_the_same_to_the_bit(
    source: str, undisturbed: Path, tmp_path: Path
) -> None:
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    list(ssdgm_train.train(begin(source, tmp_path / "run")))
    assert cases.outcome(tmp_path / "run") == cases.outcome(undisturbed)


def test_another_seed_is_another_run(source: str, undisturbed: Path, tmp_path: Path) -> None:
    list(ssdgm_train.train(begin(source, tmp_path / "run", seed=4)))
    one, other = cases.outcome(tmp_path / "run"), cases.outcome(undisturbed)
    assert one["split.npz"] != other["split.npz"]
    name = "checkpoints/step-00000012/weights.safetensors"
    assert one[name] != other[name]


@pytest.mark.parametrize("stops", [[0], [1], [3], [4], [5], [8], [11], [12], [2, 3, 4, 5, 7]])
def test_a_run_interrupted_at_any_step_ends_with_the_same_bits(
    source: str, undisturbed: Path, tmp_path: Path, stops: list[int]
) -> None:
    out = tmp_path / "run"
    take(begin(source, out), stops[0])
    for steps in stops[1:]:
        take(ssdgm_train.resume(out), steps)
    list(ssdgm_train.train(ssdgm_train.resume(out)))
    assert cases.outcome(out) == cases.outcome(undisturbed)


@pytest.mark.parametrize("norm", ["true", "false"], ids=["normalised", "plain"])
@pytest.mark.parametrize("name", list(cases.METHODS))
def test_every_method_resumes_to_the_same_bits(
    name: str, norm: str, source: str, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    changes = cases.settings(name, batch_norm=norm)
    sessions = [
        ssdgm_train.begin(
            source, cases.small_recipe(name, *changes), out, labelled=12, device="cpu"
        )
        for out in (whole, broken)
    ]
    list(ssdgm_train.train(sessions[0]))
    take(sessions[1], 6)
    list(ssdgm_train.train(ssdgm_train.resume(broken)))
    assert cases.outcome(broken) == cases.outcome(whole)


LINE = '{"step": 12, "phase": "joint", "terms": {}}\n'


@pytest.mark.parametrize("tail", ["", '{"step": 8, "ph', LINE])
def test_metrics_after_the_last_checkpoint_are_written_again(
    source: str, undisturbed: Path, tmp_path: Path, tail: str
) -> None:
    out = tmp_path / "run"
    take(begin(source, out), 6)
    with (out / "metrics.jsonl").open("a") as file:
        file.write(tail)
    list(ssdgm_train.train(ssdgm_train.resume(out)))
    assert cases.outcome(out) == cases.outcome(undisturbed)


def snapshot(path: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in path.rglob("*") if p.is_file()}


def test_a_run_that_has_ended_has_nothing_left_to_do(undisturbed: Path) -> None:
    kept = {k: v[0] for k, v in snapshot(undisturbed).items()}
    session = ssdgm_train.resume(undisturbed)
    assert session.state.step == STEPS
    assert list(ssdgm_train.train(session)) == []
    assert {k: v[0] for k, v in snapshot(undisturbed).items()} == kept


def test_a_resumed_run_takes_everything_from_its_directory(source: str, tmp_path: Path) -> None:
    begun = begin(source, tmp_path / "run", "train.learning_rate=0.02")
    take(begun, 8)
    resumed = ssdgm_train.resume(tmp_path / "run")
    assert resumed.recipe == begun.recipe
    assert resumed.sizes == begun.sizes == method.Sizes(12, 18)
    assert (resumed.seed, resumed.device) == (begun.seed, begun.device)
    assert resumed.state.step == 8
    assert resumed.best == begun.best < np.inf


def test_a_resumed_run_goes_on_with_the_threads_it_began_with(source: str, tmp_path: Path) -> None:
    begin(source, tmp_path / "run")
    torch.set_num_threads(2)
    try:
        steps = ssdgm_train.train(ssdgm_train.resume(tmp_path / "run"))
        next(steps)
        assert torch.get_num_threads() == 1
        list(steps)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_loading_a_model_gives_the_selected_weights_in_evaluation_mode(
    undisturbed: Path,
) -> None:
    run = Run(undisturbed)
    model = loading.load_model(run)
    assert not model.training
    plan = run.read().plan
    other = plan.spec.build(plan.model, run.read().problem)
    directory.load_weights(run.chosen("best"), other)
    for weight, same in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(weight, same)


def _forbidden(*_: object, **__: object) -> None:
    pytest.fail("something was pickled")


def test_nothing_is_ever_pickled(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name in itertools.product(
        (pickle, torch), ("load", "loads", "dump", "dumps", "save", "Unpickler", "Pickler")
    ):
        if hasattr(owner, name):
            monkeypatch.setattr(owner, name, _forbidden)
    out = tmp_path / "run"
    take(begin(source, out), 9)
    list(ssdgm_train.train(ssdgm_train.resume(out)))
    loading.load_model(Run(out))
    for path in (p for p in out.rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not content.startswith(b"\x80"), f"{path.name} is a pickle"
        assert b"data.pkl" not in content, f"{path.name} holds a pickle"


def _no_labels(tmp_path: Path) -> Any:  # noqa: ANN401
    path = tmp_path / "blank.npz"
    np.savez(path, x=cases.IMAGES.x, y=np.full(len(cases.IMAGES.x), -1))
    return str(path)


BAD: dict[str, tuple[type[SsdgmError], dict[str, Any], str]] = {
    "no data": (DataNotFound, {"source": "/no/such.npz"}, "no data at /no/such.npz"),
    "no label": (DataError, {"source": _no_labels}, "y has 0 known classes"),
    "a budget below the classes": (
        DataError,
        {"labelled": 2},
        "--labels is 2, but there are 3 classes",
    ),
    "a budget above the rows": (DataError, {"labelled": 61}, "--labels is 61, but there are 54"),
    "a wrong prior": (
        DataError,
        {"plan": ("data.prior=[0.5, 0.5]",)},
        "expected 3 positive numbers that sum to one",
    ),
    "a wrong likelihood": (
        DataError,
        {"plan": ("data.likelihood=bernoulli",), "source": "floats"},
        "x has values in [",
    ),
    "no validation rows to select by": (
        DataError,
        {"plan": ("run.select=best", "data.validation=0.001")},
        "run.select is best and there are no validation rows",
    ),
    "an unknown device": (InputError, {"device": "tpu"}, "device is 'tpu'; expected auto, cpu"),
    "a negative seed": (InputError, {"seed": -1}, "seed is -1; expected a whole number from 0"),
    "an enormous seed": (InputError, {"seed": 2**64}, "expected a whole number from 0"),
}


@pytest.mark.parametrize(("error", "changes", "text"), BAD.values(), ids=list(BAD))
def test_a_run_that_cannot_begin_leaves_nothing_behind(
    source: str,
    tmp_path: Path,
    error: type[SsdgmError],
    changes: dict[str, Any],
    text: str,
) -> None:
    place = changes.get("source", source)
    if callable(place):
        place = place(tmp_path)
    elif place == "floats":
        place = cases.saved(tmp_path / "floats.npz", cases.separable("gaussian-float32"))
    plan = cases.small_recipe("m2", *changes.get("plan", ()))
    rest = {k: v for k, v in changes.items() if k not in ("source", "plan")}
    before = snapshot(tmp_path)
    message = cases.message(
        error,
        lambda: ssdgm_train.begin(place, plan, tmp_path / "run", **{"device": "cpu", **rest}),
    )
    assert text in message
    assert snapshot(tmp_path) == before
    assert not list(tmp_path.glob("*run*"))


def test_a_folder_that_exists_is_an_error_and_stays_as_it_is(source: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    take(begin(source, out), 5)
    before = snapshot(tmp_path)
    text = cases.message(OutputExists, lambda: begin(source, out))
    assert f"continue with: ssdgm-export train --resume {out}".lower() in text.lower()
    assert snapshot(tmp_path) == before


def test_data_that_has_changed_is_an_error(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "set.npz", cases.IMAGES)
    take(begin(source, tmp_path / "run"), 5)
    cases.saved(tmp_path / "set.npz", cases.separable("bernoulli-uint8", 60, test=30, seed=8))
    before = snapshot(tmp_path)
    text = cases.message(RunError, lambda: ssdgm_train.resume(tmp_path / "run"))
    assert f"The data of {tmp_path / 'run'} has changed since the run began" in text
    assert "Put the data back" in text
    assert snapshot(tmp_path) == before


def test_data_that_has_gone_is_an_error(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "set.npz", cases.IMAGES)
    take(begin(source, tmp_path / "run"), 5)
    Path(source).unlink()
    text = cases.message(DataNotFound, lambda: ssdgm_train.resume(tmp_path / "run"))
    assert source in text
    assert "cannot be found: There is no" in text
    assert "--data" in text


def test_the_data_of_a_run_may_be_read_from_another_place(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "set.npz", cases.IMAGES)
    session = begin(source, tmp_path / "run")
    moved = Path(source).rename(tmp_path / "moved.npz")
    assert loading.load_data(session.run, str(moved)).digest == cases.IMAGES.digest


@pytest.mark.parametrize("content", [None, "", "{}", '{"format": 99}'])
def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    cases.message(RunError, lambda: ssdgm_train.resume(tmp_path))


def test_a_run_that_diverges_keeps_its_last_checkpoint(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(source, tmp_path / "run")
    steps = ssdgm_train.train(session)
    list(itertools.islice(steps, 6))
    with torch.no_grad():
        next(session.model.parameters()).fill_(float("nan"))
    with pytest.raises(loop.Diverged, match="at step 8"):
        list(steps)
    assert session.run.latest is not None
    assert session.run.latest.name == "step-00000004"
    assert [r.step for r in metrics.read(session.run.path)] == [4]
    assert session.run.result is None


def test_a_validation_row_that_the_likelihood_rules_out_is_no_number_of_the_record(
    tmp_path: Path,
) -> None:
    """The training rows' largest count is 15 here, that of the validation rows 16."""
    data = cases.separable("binomial-uint8", 60, test=30)
    source = cases.saved(tmp_path / "set.npz", data)
    list(ssdgm_train.train(begin(source, tmp_path / "run")))
    first, *_ = metrics.read(tmp_path / "run")
    assert first.validation_terms is not None
    assert first.terms.keys() - first.validation_terms.keys() == {"labelled", "unlabelled"}


@pytest.fixture
def blank(tmp_path: Path) -> str:
    data = cases.separable("gaussian-float32", labelled=30, blank=40)
    return cases.saved(tmp_path / "blank.npz", data)


def test_where_labels_are_blank_validation_comes_out_of_the_budget(
    blank: str, tmp_path: Path
) -> None:
    plan = cases.small_recipe()
    session = ssdgm_train.begin(blank, plan, tmp_path / "run", labelled=20, device="cpu")
    list(ssdgm_train.train(session))
    found = session.run.read().data
    assert (found.labelled, found.validation, found.unlabelled) == (18, 2, 50)
    assert found.validation_labels_are_extra is False
    assert session.run.result is not None
    assert session.run.result.test is None


def test_every_label_may_be_used(source: str, tmp_path: Path) -> None:
    session = ssdgm_train.begin(source, cases.small_recipe(), tmp_path / "run", device="cpu")
    assert session.sizes == method.Sizes(54, 0)
    assert len(list(ssdgm_train.train(session))) == STEPS


def test_a_run_keeps_its_hands_off_the_global_random_state(source: str, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    list(ssdgm_train.train(begin(source, tmp_path / "run")))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_documents_are_json_that_any_reader_takes(undisturbed: Path) -> None:
    for path in undisturbed.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=_not_json)


def _not_json(word: str) -> None:
    pytest.fail(f"{word} is not JSON")


def test_a_run_does_not_lie_among_its_data(tmp_path: Path) -> None:
    cases.saved(tmp_path / "set.npz", cases.IMAGES)
    text = cases.message(InputError, lambda: begin(str(tmp_path), tmp_path / "runs" / "a"))
    assert "inside the data" in text
    assert "expected a path outside of it" in text
    assert not (tmp_path / "runs").exists()


def test_paths_may_be_text(source: str, tmp_path: Path) -> None:
    plan = cases.small_recipe("m2")
    begun = ssdgm_train.begin(Path(source), plan, str(tmp_path / "run"), device="cpu")
    take(begun, 4)
    assert ssdgm_train.resume(str(tmp_path / "run")).state.step == 4


@pytest.mark.parametrize("name", ["cuda:", "cuda:-1", "cuda:x", "cpu:0"])
def test_a_device_that_is_none(name: str) -> None:
    with pytest.raises(InputError, match="one GPU as cuda:1"):
        loading.pick_device(name)


def test_one_gpu_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert loading.pick_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(SsdgmError, match="There is no GPU 2"):
        loading.pick_device("cuda:2")
