"""A training run to its end: what the command line and the examples call after `session`.

`train` takes a `Session` to its end, yielding `Progress` after every step, writing metrics and
checkpoints on the way; then it trains the baseline, if there is to be one.
"""

import contextlib
import dataclasses
import datetime
import itertools
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ssdgm_train import evaluation, method, seeds
from ssdgm_train.data import store, targets
from ssdgm_train.evaluation import practice
from ssdgm_train.labels import Continuous
from ssdgm_train.probability.noise import Noise
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import baseline, choice, directory, fitting, metrics, records
from ssdgm_train.runs.session import Session, again
from ssdgm_train.training import averaging, loop

BASELINE = "baseline"
"""What the steps of a baseline are `of`."""

HELD = ("validation", "test")
"""The parts that a run is compared on."""


@dataclass(frozen=True)
class Progress:
    """One step of a run, or `of` a trial; terms (nats an example) come with every validation.

    Steps `apart` are counted for themselves: those of what follows the run's own training.
    """

    step: int
    steps: int
    phase: str
    terms: dict[str, float] | None = None
    validation: evaluation.Score | None = None
    of: str = ""
    apart: bool = False


def train(session: Session, *, every: bool = False) -> Iterator[Progress]:
    """Take a run to its end; a run that has ended yields nothing.

    Args:
        session: The run.
        every: Also yield the steps `apart`, of what follows the run's own training.

    Raises:
        Diverged: The loss or a weight is no longer finite; the last checkpoint is kept.
    """
    with contextlib.closing(_steps(session)) as steps:
        for progress in steps:
            if every or not progress.apart:
                yield progress


def _steps(session: Session) -> Generator[Progress, None, None]:
    window, every = loop.Window(), session.recipe.run.every(session.steps)
    ends = set(itertools.accumulate(stage.plan.steps for stage in session.stages))
    with directory.locked(session.run), fitting.threads(session.threads):
        _check_alone(session)
        yield from _lessons(session)
        for step in () if _stalled(session) else fitting.fit(session):
            window.add(step.terms)
            if step.number % every and step.number not in ends:
                yield Progress(step.number, session.steps, step.phase)
                continue
            terms = loop.check_finite(session.model, step.number, window.means())
            window = loop.Window()
            yield _record(session, step, terms)
            if _stalled(session):
                break
        if session.run.result is None:
            beside = yield from _baseline(session)
            if beside:
                yield Progress(0, 1, "", of="comparing with other classifiers", apart=True)
            _finish(session, beside)


def _stalled(session: Session) -> bool:
    """Whether the last phase has not got better for as many validations as the recipe waits."""
    patience, last = session.recipe.run.patience, session.stages[-1].phase.name
    if not patience:
        return False
    lines = metrics.read(session.run.path, session.state.step)
    losses = [one.validation.nll for one in lines if one.phase == last and one.validation]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])


def _baseline(session: Session) -> Generator[Progress, None, Session | None]:
    """Train the baseline; it is None where the run is to have none, or it diverged."""
    beside = baseline.beside(session)
    try:
        for progress in train(beside) if beside else ():
            yield dataclasses.replace(progress, of=BASELINE, apart=True)
    except loop.Diverged:
        return None
    return beside


def _lessons(session: Session) -> Iterator[Progress]:
    """Train the teachers that a run without a checkpoint waits for; their steps come first."""
    if session.state.step < session.steps:
        for lesson in fitting.lessons(session):
            of = f"teacher {lesson.peer + 1} of {lesson.peers}"
            yield Progress(lesson.step.number, session.steps, lesson.step.phase, of=of)


def _check_alone(session: Session) -> None:
    """Whether no other process has gone on with the run since it was opened."""
    if session.run.step > session.state.step:
        raise directory.RunError(
            f"{session.run.path} has gone on to step {session.run.step} since it was opened at "
            f"step {session.state.step}",
            mend="Open it again with --resume.",
        )


def _record(session: Session, step: loop.Step, terms: dict[str, float]) -> Progress:
    """Validate, write the record, then the checkpoint that makes it count."""
    phase = next(s.phase for s in session.stages if s.phase.name == step.phase)
    with averaging.averaged(session.model, session.state.averages):
        score = _score(session) if phase.classifies else None
        if score and score.nll < session.best:
            session.best = score.nll
            directory.save_best(session.run, session.model, step.number)
        held = _validation_terms(session, phase)
    record = records.Metrics(step.number, step.phase, terms, score, held)
    metrics.append(session.run.path, record)
    best = session.best if math.isfinite(session.best) else None
    directory.save(session.run, session.model, session.state, best)
    return Progress(step.number, session.steps, step.phase, terms, score)


def _validation_terms(session: Session, phase: method.Phase) -> dict[str, float] | None:
    """The phase's terms on the first validation rows, under the same noise every time.

    A term is left out where it is infinite: such a row cannot be by the likelihood, as a count
    above all those of the training rows.
    """
    held = session.split.validation
    if not len(held):
        return None
    seed = seeds.derive(session.seed, seeds.VALIDATION)
    noise = Noise(torch.Generator(session.device).manual_seed(seed))
    context = method.Context(1.0, session.sizes, noise)
    x, y = (store.take(part, held[: evaluation.ROWS]) for part in (session.data.x, session.data.y))
    terms = evaluation.terms(session.model, phase, x, y, context, session.device)
    return {name: value for name, value in terms.items() if math.isfinite(value)}


def _labelled(session: Session, part: str) -> evaluation.Labelled | None:
    """The rows of a part whose labels are known, a sample of the training rows' if they are many.

    None where there are none.
    """
    x, y, rows = _part(session, part)
    if x is None or y is None:
        return None
    known = [some[targets.labelled(store.take(y, some))] for some in _pieces(rows)]
    chosen = np.concatenate(known) if known else rows
    chosen = chosen if part in HELD else store.spaced(chosen, store.SAMPLE)
    if not len(chosen):
        return None
    if len(chosen) == len(y):
        return evaluation.Labelled(store.Rows(x), y)
    return evaluation.Labelled(store.Rows(x, chosen), store.take(y, chosen))


def _part(
    session: Session, part: str
) -> tuple[store.Array | None, store.Array | None, store.Indices]:
    """The rows and labels that a part is of, and which of them it has."""
    data = session.data
    if part == "test":
        return data.x_test, data.y_test, np.arange(0 if data.y_test is None else len(data.y_test))
    return data.x, data.y, getattr(session.split, part)


def _pieces(rows: store.Indices) -> Iterator[store.Indices]:
    return (some for _, some in store.pieces(rows))


def _score(session: Session) -> evaluation.Score | None:
    """The score of the validation rows; None where there are none."""
    rows = _labelled(session, "validation")
    return evaluation.score(session.model, *rows, session.device) if rows else None


def _finish(session: Session, beside: Session | None) -> None:
    """Measure the selected weights on validation and training rows and, once, on the test rows."""
    _select(session)
    parts = {part: _labelled(session, part) for part in (*directory.PARTS, "test")}
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    portfolio = session.run.read().portfolio
    temperature = portfolio.temperature if portfolio else 1.0
    outcome = evaluation.outcome(session.model, parts, session.device, temperature)
    result = records.Result(
        ended=now.isoformat(),
        steps=session.state.step,
        select=session.recipe.run.select,
        **vars(outcome),
        baseline=_compare(session, beside) if beside else None,
    )
    directory.write_json(session.run.path / "result.json", result)


def _select(session: Session) -> None:
    directory.load_weights(session.run.chosen(session.recipe.run.select), session.model)


def _compare(session: Session, beside: Session) -> evaluation.Baseline:
    """The part of `result.json` about the baseline."""
    _select(beside)
    parts = {part: rows for part in HELD if (rows := _labelled(session, part))}
    own, theirs = (
        {part: _wrong(each, *rows) for part, rows in parts.items()} for each in (session, beside)
    )

    def compared(other: choice.Finalist, part: str) -> evaluation.Comparison | None:
        if part not in parts:
            return None
        known = _known(session, parts[part].y)
        return evaluation.compare(own[part], other.wrong[part], session.seed, known)

    def against(other: choice.Finalist) -> choice.Compared:
        return compared(other, "validation"), compared(other, "test")

    tries = choice.attempts(session, parts)
    tried = _folded(beside, tries, parts) if tries else evaluation.Tried(beside.recipe.method)
    network = choice.Finalist(tried, theirs)
    measured = isinstance(session.model.labels, Continuous)
    measure = baseline.RMSE if measured else baseline.ERROR
    return choice.outcome(network, beside.state.step, tries, parts, against, measure)


def _known(session: Session, y: NDArray[np.generic]) -> float:
    """How many entries of a row's label are known, on average."""
    known = session.model.labels.known(torch.from_numpy(y), like=torch.zeros(()))
    return float(known.mask.sum()) / len(y)


def _folded(beside: Session, tries: choice.Attempts, parts: choice.Parts) -> evaluation.Tried:
    """The network's cross-validated error, where that decides; all folds share its steps."""
    held = tries.folds if choice.by(tries, parts) == "folds" else ()

    def wrong(rows: NDArray[np.int64]) -> NDArray[Any]:
        kept = np.delete(tries.rows, rows)
        plan = recipe.stepped(beside.recipe, beside.state.step // len(held))
        fold = again(beside, kept, plan)
        for _ in fitting.fit(fold):
            pass
        x, y = (store.take(part, tries.rows[rows]) for part in (fold.data.x, fold.data.y))
        return _wrong(fold, x, y)

    entries = _known(beside, store.take(beside.data.y, tries.rows))
    return practice.tried(beside.recipe.method, held, wrong, beside.model.labels.error, entries)


def _wrong(session: Session, x: evaluation.Rows, y: NDArray[np.generic]) -> NDArray[Any]:
    """How wrong each row's label is predicted, as `Space.wrong` has it, [n]."""
    raw = evaluation.raw(session.model, x, session.device)
    wrong: NDArray[Any] = session.model.labels.wrong(raw, torch.from_numpy(y)).numpy()
    return wrong
