"""A training run from beginning to end: what the command line and the examples call.

`begin` makes a run directory, `resume` opens one; both give a `Session`, and `train` takes it to
its end, yielding `Progress` after every step, writing metrics and checkpoints on the way.
"""

import contextlib
import dataclasses
import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ssdgm_runtime import errors
from ssdgm_train import checkpoint, data, document, evaluate, fit, method, recipe, seeds
from ssdgm_train.data import batches, problem
from ssdgm_train.data.split import Split, split


@dataclass
class Session:
    """A run in memory: its directory, its parts, and where it is."""

    run: checkpoint.Run
    recipe: recipe.Recipe
    data: data.Dataset
    split: Split
    seed: int
    device: torch.device
    model: nn.Module
    phases: tuple[method.Phase, ...]
    state: fit.State
    threads: int
    best: float = math.inf

    @property
    def sizes(self) -> method.Sizes:
        """How many labelled and unlabelled training rows there are."""
        return method.Sizes(len(self.split.labelled), len(self.split.unlabelled))


@dataclass(frozen=True)
class Progress:
    """One step of a run; terms (nats an example) and scores come with every validation."""

    step: int
    steps: int
    terms: dict[str, float] | None = None
    validation: evaluate.Score | None = None


def begin(
    source: str,
    plan: recipe.Recipe,
    out: Path,
    labelled: int | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Session:
    """Start a run in a new directory.

    Args:
        source: As `data.load` takes it.
        plan: The recipe.
        out: The directory, which must not exist.
        labelled: The budget of labels; None for all.
        seed: Of the split, the initial weights, the batches and the noise.
        device: "auto", "cpu" or "cuda".

    Raises:
        SsdgmError: The data, the budget, the device or the output cannot be used.
    """
    place = document.pick_device(device)
    if not 0 <= seed < 2**63:
        raise errors.InputError("seed", str(seed), "a whole number from 0 to below 2**63")
    checkpoint.check_new(out)
    dataset = data.load(source)
    parts = split(dataset, labelled, plan.data.validation, seed)
    _check_selection(plan, parts)
    stated = problem.problem(dataset, parts, plan.data)
    described = document.compose(source, dataset, parts, stated, plan, labelled, seed, place)
    model = _built(plan, stated, seed)
    run = checkpoint.create(out, described, parts, {"recipe.toml": recipe.dumps(plan)})
    return _session(run, plan, model, dataset, parts, seed, place)


def resume(path: Path) -> Session:
    """Open a run where it stopped, with everything taken from its directory.

    Raises:
        RunError: It is no run directory, is damaged, its data is no longer what it was, or another
            process is working on it.
    """
    run = checkpoint.Run(path)
    found = run.read()
    with checkpoint.locked(run), checkpoint.reading(run):
        plan, stated = recipe.from_table(found["recipe"]), document.load_problem(found)
        device = document.pick_device(found["environment"]["device"])
        dataset, seed = document.load_data(run), found["seed"]
        model = _built(plan, stated, seed)
        session = _session(run, plan, model, dataset, run.split(), seed, device)
        session.threads = found["environment"]["threads"]
        if run.latest:
            scalars = checkpoint.restore(run.latest, session.model, session.state)
            session.best = math.inf if scalars["best"] is None else scalars["best"]
        checkpoint.truncate_metrics(run, session.state.step)
        checkpoint.tidy(run)
    return session


def train(session: Session) -> Iterator[Progress]:
    """Take a run to its end; a run that has ended yields nothing.

    Raises:
        Diverged: The loss or a weight is no longer finite; the last checkpoint is kept.
    """
    plan, window = session.recipe.train, fit.Window()
    draw = _batches(session)
    with checkpoint.locked(session.run), _threads(session.threads):
        steps = fit.fit(session.model, session.phases, plan, session.sizes, draw, session.state)
        for step in steps:
            window.add(step.terms)
            if step.number % session.recipe.run.evaluate_every and step.number < plan.steps:
                yield Progress(step.number, plan.steps)
                continue
            terms = fit.check(session.model, step.number, window.means())
            window = fit.Window()
            yield _record(session, step, terms)
        if session.run.result is None:
            _finish(session)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch's pool at the size the run began with, since sums depend on it in the last bit."""
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _check_selection(plan: recipe.Recipe, parts: Split) -> None:
    if plan.run.select == "best" and not len(parts.validation):
        raise errors.DataError(
            "run.select is best and there are no validation rows",
            "rows to tell the best weights by",
            "Raise data.validation, or set run.select=last.",
        )


def _built(plan: recipe.Recipe, stated: method.Problem, seed: int) -> nn.Module:
    """The model with its initial weights, which depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, seeds.WEIGHTS))
        try:
            return plan.spec.build(plan.model, stated)
        except (RuntimeError, MemoryError) as error:
            reason = str(error).split("\n")[0]
            raise recipe.RecipeError(
                f"the model cannot be built ({reason})", "one that fits into memory"
            ) from None


def _session(
    run: checkpoint.Run,
    plan: recipe.Recipe,
    model: nn.Module,
    dataset: data.Dataset,
    parts: Split,
    seed: int,
    device: torch.device,
) -> Session:
    model.to(device)
    sizes = method.Sizes(len(parts.labelled), len(parts.unlabelled))
    phases = plan.spec.phases(plan.model, sizes)
    noise = seeds.derive(seed, seeds.NOISE)
    state = fit.start(model, phases, plan.train, sizes, noise, device)
    threads = torch.get_num_threads()
    return Session(run, plan, dataset, parts, seed, device, model, phases, state, threads)


def _batches(session: Session) -> fit.Draw:
    plan, parts, seed = session.recipe.train, session.split, session.seed
    return batches.Batches(
        session.data.x,
        session.data.y,
        batches.Stream(parts.labelled, plan.labelled_batch, (seed, seeds.LABELLED)),
        batches.Stream(parts.unlabelled, plan.unlabelled_batch, (seed, seeds.UNLABELLED)),
        session.device,
    )


def _record(session: Session, step: fit.Step, terms: dict[str, float]) -> Progress:
    """Validate, write the record, then the checkpoint that makes it count."""
    score = _score(session, "validation")
    if score and score.nll < session.best:
        session.best = score.nll
        checkpoint.save_best(session.run, session.model, step.number, {"step": step.number})
    found = dataclasses.asdict(score) if score else None
    record = {"step": step.number, "phase": step.phase, "terms": terms, "validation": found}
    checkpoint.append_metrics(session.run, record)
    best = session.best if math.isfinite(session.best) else None
    checkpoint.save(session.run, session.model, session.state, {"step": step.number, "best": best})
    return Progress(step.number, session.recipe.train.steps, terms, score)


def _score(session: Session, part: str) -> evaluate.Score | None:
    """Error on the validation or the test rows; None where there are none."""
    dataset, held = session.data, session.split.validation
    rows = {
        "validation": (dataset.x[held], dataset.y[held]),
        "test": (dataset.x_test, dataset.y_test),
    }
    x, y = rows[part]
    if x is None or y is None or not len(x):
        return None
    return evaluate.score(session.model, x, y, session.device)


def _finish(session: Session) -> None:
    """Score the selected weights on validation and, once, on the test rows."""
    checkpoint.load_weights(session.run.chosen(session.recipe.run.select), session.model)
    scores = {part: _score(session, part) for part in ("validation", "test")}
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    checkpoint.write_json(
        session.run.path / "result.json",
        {
            "ended": now.isoformat(),
            "steps": session.state.step,
            "select": session.recipe.run.select,
            **{k: dataclasses.asdict(v) if v else None for k, v in scores.items()},
        },
    )
