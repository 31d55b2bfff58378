"""A run in memory: begun in a new directory, or opened again where it stopped."""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ssdgm_runtime import errors
from ssdgm_train import data, evaluation, method, seeds
from ssdgm_train.data import doubt, statement, store
from ssdgm_train.data.split import Split, fewer, pools, split
from ssdgm_train.model import Model
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.regularisation import phases, teacher
from ssdgm_train.runs import directory, loading, metrics, pretrained, storage
from ssdgm_train.settings import RecipeError
from ssdgm_train.training import loop
from ssdgm_train.training import threads as threads_of


@dataclass
class Session:
    """A run in memory: its directory, its parts, and where it is.

    Attributes:
        pool: The training rows as teachers see them.
        taught: What teachers say of every row, as of `method.Batch`, once it is known.
        remarks: What was found when it was opened again, in sentences for people.
    """

    run: directory.Run
    recipe: recipe.Recipe
    data: data.Dataset
    split: Split
    seed: int
    device: torch.device
    model: Model
    stages: tuple[loop.Stage, ...]
    state: loop.State
    pool: teacher.Pool
    threads: int
    best: float = math.inf
    taught: torch.Tensor | None = None
    remarks: tuple[str, ...] = ()

    @property
    def sizes(self) -> method.Sizes:
        """How many labelled and unlabelled training rows there are."""
        return _sizes(self.split)

    @property
    def steps(self) -> int:
        """The number of steps of the whole run."""
        return loop.length(self.stages)


def begin(
    source: str | os.PathLike[str],
    plan: recipe.Recipe | recommended.Asked,
    out: str | os.PathLike[str],
    labelled: int | None = None,
    seed: int = 0,
    device: str = "auto",
    init_from: str | os.PathLike[str] | None = None,
    data_dir: str | None = None,
    tell: data.Tell = data.quiet,
    trials: evaluation.Trials | None = None,
    threads: int | None = None,
) -> Session:
    """Start a run in a new directory.

    Args:
        source: As `data.load` takes it.
        plan: The recipe, or what was said of it, to choose one by the data.
        out: The directory, which must not exist.
        labelled: The budget of labels; None for all.
        seed: Of the split, the initial weights, the batches and the noise.
        device: "auto", "cpu", "cuda", or one GPU of several, such as "cuda:1".
        init_from: A trained model to start from, see `pretrained`: another run, whose validation
            rows are then kept, or an .npz file of published weights.
        data_dir: As `data.load` takes it.
        tell: As `data.load` takes it.
        trials: The search that is to choose another recipe before the run is trained.
        threads: The size of torch's pool; by default one thread where a step is small.

    Raises:
        SsdgmError: The data, the budget, the device or the output cannot be used.
    """
    source, out, place = os.fspath(source), Path(out), loading.pick_device(device)
    if not 0 <= seed < 2**63:
        raise errors.InputError("seed", str(seed), "a whole number from 0 to below 2**63")
    directory.check_new(out)
    start, lies_at = (
        pretrained.find(None if init_from is None else Path(init_from)),
        data.locate(source, data_dir, tell),
    )
    data.check_outside(out, lies_at)
    dataset = data.load(lies_at, plan=recommended.plain(plan).data)
    chosen = recommended.settle(plan, dataset, labelled, start.trained_by)
    plan = chosen.plan
    doubt.check_labels(dataset, plan.data)
    parts = split(dataset, labelled, plan.data.validation, seed, start.held(dataset))
    pools(dataset, parts, plan.data)  # weights that cannot be used show before any work
    plan, taken_as = recommended.selecting(plan, chosen.taken, len(parts.validation))
    stated = start.stated(statement.problem(dataset, parts, plan.data))
    plan = recipe.fitted(plan, stated)
    with _seeded(seed):
        plan, taken, origin = pretrained.adopt(start, plan, stated, dataset, parts.labelled)
    plan = recipe.counted(plan)
    model = _built(plan, stated, seed)
    count = _count(model, plan, place) if threads is None else threads
    taken_from = origin, taken_as, trials, count
    record = loading.compose(
        lies_at, out, dataset, parts, stated, plan, labelled, seed, place, *taken_from
    )
    pretrained.fill(model, taken, start)
    phases.check(plan.regularise, plan.spec, stated, store.mapped(dataset.x))
    stages = phases.regularised(plan.stages(_sizes(parts), record.done), plan.regularise, stated)
    pool = teacher.Pool(stated, dataset.x, parts.training)
    session = _assembled(
        directory.Run(out), plan, model, dataset, parts, seed, place, stages, pool
    )
    session.threads = count
    if taken:
        _enter(session)
    texts = {"recipe.toml": recipe.dumps(plan), loading.PLACE: lies_at}
    directory.create(out, record, parts, texts, (model, session.state) if taken else None)
    return session


def resume(
    path: str | os.PathLike[str],
    dataset: data.Dataset | None = None,
    *,
    searching: bool = False,
    adopt: bool = False,
    source: str | None = None,
) -> Session:
    """Open a run where it stopped, with everything taken from its directory.

    Args:
        path: The directory.
        dataset: Its data, where it is in memory already.
        searching: Open it even though its recipe is yet to be chosen.
        adopt: Take `run.json` as it is now, where it was edited.
        source: Where its data lies now, if not where it was.

    Raises:
        RunError: It is no run directory, was edited, is damaged, its data is no longer what it
            was, or another process is working on it.
    """
    path = Path(path)
    run = directory.Run(path)
    if adopt and (path / "run.json").is_file():
        storage.adopt(path / "run.json")
    with directory.reading(run):
        record = run.read()
    if record.searching and not searching:
        raise directory.RunError(
            f"The recipe of {path} is yet to be chosen",
            mend=f"Continue with: {errors.command('ssdgm-export', 'train', '--resume', path)}",
        )
    with directory.reading(run), directory.locked(run):
        plan, seed = record.plan, record.seed
        device = loading.pick_device(record.environment.device)
        dataset = dataset or loading.load_data(run, source)
        model = _built(plan, record.problem, seed)
        parts = run.split()
        stages = plan.stages(_sizes(parts), record.done)
        stages = phases.regularised(stages, plan.regularise, record.problem)
        pool = teacher.Pool(record.problem, dataset.x, parts.training)
        session = _assembled(run, plan, model, dataset, parts, seed, device, stages, pool)
        session.threads = record.environment.threads
        if not run.latest and (record.init or run.result):
            raise directory.RunError(
                f"{path} has lost its checkpoints",
                mend="Restore them from a copy, or begin a new run.",
            )
        session.remarks = tuple(_restored(session))
        metrics.truncate(run.path, session.state.step)
        directory.tidy(run)
    return session


def _restored(session: Session) -> Iterator[str]:
    """Load the newest checkpoint that can be read, if there are any; what was found on the way.

    Raises:
        RunError: There are some, and none can be read.
    """
    run, damage = session.run, list[tuple[Path, errors.SsdgmError]]()
    if metrics.is_cut(run.path):
        yield f"the last line of {metrics.NAME} was cut short and is left out"
    for stray in storage.strays(run.path / "checkpoints"):
        yield f"{stray} is no checkpoint and is passed over"
    for checkpoint in run.checkpoints:
        try:
            with directory.reading(run):
                saved = directory.restore(checkpoint, session.model, session.state)
        except errors.SsdgmError as error:
            damage.append((checkpoint, error))
            continue
        session.best = math.inf if saved.best is None else saved.best
        for damaged, fault in damage:
            aside = storage.put_aside(damaged)
            yield (
                f"{fault.found}; it was put aside as {aside.name}, and the run goes on from "
                f"step {saved.step}"
            )
        return
    if damage:
        raise directory.RunError(
            f"No checkpoint of {run.path} can be read: {damage[0][1].found}",
            mend="Restore one from a copy, or begin a new run; what was learnt so far is lost.",
        )


def again(
    base: Session, labelled: store.Indices, plan: recipe.Recipe, seed: int | None = None
) -> Session:
    """A session from its first step in memory alone, with only some of its labelled rows.

    Args:
        base: The session.
        labelled: Those rows; see `split.fewer`.
        plan: The recipe.
        seed: Of weights, batches and noise; None for the session's.
    """
    parts = fewer(base.data, base.split, labelled)
    stated, seed = base.run.read().problem, base.seed if seed is None else seed
    model = _built(plan, stated, seed)
    stages = phases.regularised(plan.stages(_sizes(parts)), plan.regularise, stated)
    trial = _assembled(
        base.run, plan, model, base.data, parts, seed, base.device, stages, base.pool
    )
    if base.threads != _count(base.model, base.recipe, base.device):  # somebody said how many
        trial.threads = base.threads
    return trial


def _enter(session: Session) -> None:
    """Enter the first phase, so that what it has to complain of shows before a run is made."""
    x, training = session.data.x, session.split.training
    rows = store.sample(x, training) if store.mapped(x) else x[training]
    session.stages[0].phase.enter(session.model.eval(), torch.from_numpy(rows).to(session.device))


def _built(plan: recipe.Recipe, stated: Problem, seed: int) -> Model:
    """The model with its initial weights, which depend on the seed alone."""
    with _seeded(seed):
        try:
            return plan.spec.build(plan.model, stated)
        except (RuntimeError, MemoryError, TypeError, OverflowError) as error:
            reason = str(error).split("\n")[0]
            raise RecipeError(
                f"The model cannot be built ({reason})",
                mend="Make it smaller, so that it fits into memory.",
            ) from None


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch's own random state as the seed has it, inside."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, seeds.WEIGHTS))
        yield


def _assembled(
    run: directory.Run,
    plan: recipe.Recipe,
    model: Model,
    dataset: data.Dataset,
    parts: Split,
    seed: int,
    device: torch.device,
    stages: tuple[loop.Stage, ...],
    pool: teacher.Pool,
) -> Session:
    model.to(device)
    state = loop.start(model, stages, _sizes(parts), seeds.derive(seed, seeds.NOISE), device)
    count = _count(model, plan, device)
    return Session(run, plan, dataset, parts, seed, device, model, stages, state, pool, count)


def _count(model: Model, plan: recipe.Recipe, device: torch.device) -> int:
    """How many threads are worth having for a model and the batches of its recipe."""
    rows = plan.train.labelled_batch + plan.train.unlabelled_batch
    return threads_of.wanted(model, rows, device)


def _sizes(parts: Split) -> method.Sizes:
    return method.Sizes(len(parts.labelled), len(parts.unlabelled))
