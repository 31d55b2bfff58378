"""Choose a recipe for a run by cross-validation on its labelled rows, then train the run.

    RUN/portfolio.json                  the plan, see `plan`
    RUN/portfolio/CANDIDATE-FOLD.json   what a candidate came to in a fold

The run's directory is there from the start, with the recommended recipe, and its `run.json` says
that another may be chosen; when it is, `run.json` and `recipe.toml` are written again, and the run
is like any other. No fold sees a validation row or a test row.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ssdgm_runtime import atomic, errors
from ssdgm_train import data
from ssdgm_train.data import store
from ssdgm_train.evaluation import ENOUGH, Trial, Trials
from ssdgm_train.methods.classifiers import baseline
from ssdgm_train.portfolio import budget, candidates, folds
from ssdgm_train.portfolio import plan as plans
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.regularisation.plan import PEERS
from ssdgm_train.runs import directory, fitting, session, training
from ssdgm_train.settings import RecipeError
from ssdgm_train.training import loop


def begin(
    source: str,
    plan: recipe.Recipe | recommended.Asked,
    out: Path,
    minutes: float,
    labelled: int | None = None,
    seed: int = 0,
    device: str = "auto",
    data_dir: str | None = None,
    tell: data.Tell = data.quiet,
    threads: int | None = None,
) -> session.Session:
    """Start a run in a new directory, whose recipe `train` is to choose.

    Args:
        source: As `data.load` takes it.
        plan: The simplest candidate, or what was said of it, see `asked`.
        out: The directory, which must not exist.
        minutes: How many minutes the search and the run may take together.
        labelled: The budget of labels; None for all.
        seed: Of the folds too.
        device: "auto", "cpu" or "cuda".
        data_dir: As `data.load` takes it.
        tell: As `data.load` takes it.
        threads: As `session.begin` takes it.

    Raises:
        InputError: The minutes are no number above zero.
        SsdgmError: As `session.begin`.
    """
    if not 0 < minutes < math.inf:
        raise errors.InputError("budget", str(minutes), "a number of minutes above 0")
    opened = Trials(minutes)
    given = labelled, seed, device, None, data_dir, tell, opened, threads
    return session.begin(source, plan, out, *given)


def asked(changes: tuple[str, ...] = ()) -> recommended.Asked:
    """The recommended recipe, with settings that every candidate has.

    Args:
        changes: Settings such as `data.label=grade`.

    Raises:
        RecipeError: They name a method, or cannot be used.
    """
    if recipe.named(changes) is None and (only := recipe.meant(changes)):
        raise RecipeError(
            f"Recipes are compared that predict labels, and one-class is learnt by {only}",
            mend=f"Leave auto out, or use --method {only}.",
        )
    if recipe.named(changes) is not None:
        raise RecipeError(
            "A setting names the method, and auto chooses it", mend="Leave one of the two out."
        )
    return recommended.Asked(method=candidates.method(changes), changes=changes, folded=True)


def others(begun: session.Session) -> tuple[str, ...]:
    """The candidates that a run's recipe is compared with, by name; none where nothing is."""
    further = candidates.of(begun)[1:]
    return tuple(one.name for one in further) if further and plans.held(begun) else ()


def resume(
    path: Path,
    dataset: data.Dataset | None = None,
    *,
    adopt: bool = False,
    source: str | None = None,
) -> session.Session:
    """Open any run where it stopped; arguments and errors as of `session.resume`."""
    return session.resume(path, dataset, searching=True, adopt=adopt, source=source)


def prepare(begun: session.Session) -> tuple[str, ...]:
    """Settle what a run compares, by timing it; what is left out and why, in sentences."""
    with directory.locked(begun.run):
        return plans.settled(begun).notes


def train(begun: session.Session, *, every: bool = False) -> Iterator[training.Progress]:
    """Take a run to its end, after the search for its recipe where that is not chosen yet.

    Args:
        begun: The run.
        every: As `training.train` takes it.

    Raises:
        Diverged: As `training.train`.
    """
    done, run = 0, begun.run
    if run.read().searching:
        with directory.locked(run):
            plan = plans.settled(begun)
            rest = min(one.plan.train.steps for one in plan.candidates)
            done = plan.folds * sum(plan.folded(one) for one in plan.candidates)
            yield from _folds(begun, plan, done + rest)
            _choose(begun, plan)
        begun = session.resume(run.path, begun.data)
    for progress in training.train(begun, every=every):
        if progress.apart:
            yield progress
            continue
        step, steps = done + progress.step, done + progress.steps
        yield dataclasses.replace(progress, step=step, steps=steps)


def _folds(begun: session.Session, plan: plans.Plan, steps: int) -> Iterator[training.Progress]:
    """Train every candidate in every fold that is not finished yet."""
    first = 0
    if plan.folds:
        (begun.run.path / folds.FOLDER).mkdir(exist_ok=True)
    for fold, rows in enumerate(plans.held(begun) if plan.folds else ()):
        for one in plan.candidates:
            path = folds.place(begun.run, one.name, fold)
            if not folds.ended(path):
                of = f"{one.name}, fold {fold + 1} of {plan.folds}"
                for progress in _fold(begun, one.plan, plan.folded(one), rows, path):
                    step = first + progress.step
                    yield dataclasses.replace(progress, step=step, steps=steps, of=of)
            first += plan.folded(one)


def _fold(
    begun: session.Session, plan: recipe.Recipe, steps: int, rows: store.Indices, path: Path
) -> Iterator[training.Progress]:
    """Train without some labelled rows, and write how many of them are wrong."""
    began, window = budget.clock(), loop.Window()
    kept = np.setdiff1d(begun.split.labelled, rows)
    trial = session.again(begun, kept, recipe.stepped(fitting.peerless(plan), steps))
    for step in fitting.fit(trial):
        window.add(step.terms)
        if step.number < trial.steps:
            yield training.Progress(step.number, trial.steps, step.phase)
    outcome, score = folds.scored(trial, rows, budget.clock() - began)
    directory.write_json(path, outcome)
    yield training.Progress(trial.steps, trial.steps, step.phase, window.means(), score)


def _choose(begun: session.Session, plan: plans.Plan) -> None:
    """Give the run the recipe of the candidate with the lowest error, see `best`."""
    run, record = begun.run, begun.run.read()
    assert record.portfolio is not None
    tried = [folds.trial(run, one.name, plan.folds) for one in plan.candidates]
    chosen = plan.candidates[tried.index(best(tried, plan.rows))]
    outcome = dataclasses.replace(
        record.portfolio,
        chosen=chosen.name,
        rows=plan.rows,
        folds=plan.folds,
        steps=plan.steps,
        candidates=tuple(tried),
        baseline=plan.baseline,
        temperature=folds.temperature(run, chosen.name, plan.folds),
        notes=(*plan.notes, *_shortened(begun, chosen.plan), *_taught(chosen.plan)),
    )
    text = recipe.dumps(chosen.plan)
    atomic.write(run.path / "recipe.toml", text.encode(), force=True)
    taken = record.taken and dataclasses.replace(
        record.taken, reason=f"{record.taken.reason}; {chosen.name} is chosen of {len(tried)}"
    )
    changed = dataclasses.replace(record, recipe=chosen.recipe, taken=taken, portfolio=outcome)
    directory.write_json(run.path / "run.json", changed)


def best(tried: Sequence[Trial], rows: int) -> Trial:
    """The candidate to take: of those within a standard error of the lowest error the surest.

    Few held-out rows do not tell such errors apart, but Brier scores, of which a row has more than
    right or wrong to say. They are those at each candidate's best temperature; at 1 they favour
    the candidate that is least sure. Of equals it is the simplest. None that erred more than the
    baseline did in the same folds is taken; and of fewer than `ENOUGH` rows, which decide nothing,
    the baseline is, unless its error less its standard error is still above what the others are
    taken from.

    Args:
        tried: The candidates.
        rows: How many labelled rows were held out in turns.
    """
    least = min(tried, key=lambda one: one.error or 0.0)
    most = (least.error or 0.0) + (least.deviation or 0.0)
    known = [one for one in tried if one.name == baseline.METHOD.name]
    limit = min([most, *(one.error or 0.0 for one in known)])
    near = [one for one in tried if (one.error or 0.0) <= limit]
    safe = [one for one in known if (one.error or 0.0) - (one.deviation or 0.0) <= most]
    if rows < ENOUGH and safe:
        return safe[0]
    return min(near, key=lambda one: (one.brier or 0.0, one.error or 0.0))


def _shortened(begun: session.Session, chosen: recipe.Recipe) -> Iterator[str]:
    steps, own = chosen.train.steps, begun.recipe.train.steps
    if steps < own:
        yield f"The budget has time for {steps:,} of the recipe's {own:,} steps."


def _taught(chosen: recipe.Recipe) -> Iterator[str]:
    own = chosen.regularise
    if own.taught and PEERS in own.teachers:
        yield (
            f"{own.peers} models of the same recipe are trained first and teach the run; no fold "
            "had them."
        )
