"""Small cases for tests of anything that trains: data sets, problems, configurations, runs."""

import csv
import dataclasses
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import ssdgm_train
from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns as table
from ssdgm_train import evaluation, method
from ssdgm_train.data import batches, dataset, statement
from ssdgm_train.data.formats import views
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import Split
from ssdgm_train.labels import Dense, classes, oneclass
from ssdgm_train.model import Model
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, loading, records
from ssdgm_train.training import loop

TINY: dict[str, Any] = {
    "hidden": (8,),
    "channels": (4,),
    "latent": 2,
    "auxiliary": 2,
    "batch_norm": True,
    "kernel": 16,
    "threshold": 0.0,
}
"""What makes any method small and keep what it can: the fields it has of these, in any table."""

SPECIAL: dict[str, dict[str, Any]] = {
    "m1": {"hidden": (16,), "activation": "relu", "length": 1.0},
    "m1m2": {"hidden": (16,), "activation": "relu"},
    "ladder": {"costs": (10.0, 1.0, 0.1)},
}
"""Changes to `TINY` for the methods that it does not fit, by name.

Features are learnt first; a ladder's cost of rows is for grey levels, which vary less.
"""

SMALL = {
    "hidden": "[8]",
    "channels": "[4]",
    "latent": "2",
    "auxiliary": "2",
    "kernel": "16",
    "threshold": "0",
}
"""The same for the recipes of runs, as settings."""

ONE_CLASS = ['data.labels_as="one-class"', 'data.normal=["0"]']
"""How such data is read where a method tells outliers from normal rows."""

METHODS = {n: m for n, m in ssdgm_train.METHODS.items() if m.spaces != (Dense,)}
"""The methods that can be tried with one label a row; `segment` has masks instead."""

CLASSES = 3
CPU = torch.device("cpu")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of rows: their shape, their dtype, and the largest value of a feature."""

    shape: tuple[int, ...]
    dtype: str
    top: float
    likelihood: str
    columns: table.Columns = ()


TABLE = (
    *(table.Column(name) for name in ("a", "b", "c")),
    table.Column("colour", table.CATEGORY, ("blue", "green", "red")),
    table.Column("flag", table.BOOLEAN, table.TRUTH),
)

KINDS = {
    "bernoulli-uint8": Kind((3, 3), "uint8", 255, "bernoulli"),
    "bernoulli-float32": Kind((3, 3), "float32", 1, "bernoulli"),
    "binomial-uint8": Kind((3, 3), "uint8", 16, "binomial"),
    "gaussian-uint8": Kind((6,), "uint8", 100, "gaussian"),
    "gaussian-float32": Kind((6,), "float32", 5, "gaussian"),
    "columns-float32": Kind((5,), "float32", 5, "columns", TABLE),
    "logistic-uint8": Kind((6, 6, 3), "uint8", 255, "logistic"),
    "windows-float32": Kind((2, 12), "float32", 5, "gaussian"),
}
"""One small problem for every likelihood and dtype that fits it: rows, images and windows."""

TABLES = {
    "columns-float32": KINDS["columns-float32"],
    "categories": Kind((2,), "float32", 5, "columns", TABLE[3:]),
    "flag": Kind((1,), "float32", 5, "columns", TABLE[4:]),
}
"""Small tables: of both sorts of columns, of categories, of one boolean."""

_KNOWN = KINDS | TABLES


def problem_of(spec: method.Method, problem: Problem) -> Problem:
    """The problem with labels that a method knows: of one class where it finds outliers."""
    if spec.knows(classes.Classes):
        return problem
    return dataclasses.replace(problem, labels=oneclass.OneClass(0.05))


def config(spec: method.Method) -> Any:  # noqa: ANN401
    """The method's smallest configuration."""
    return _changed(spec.Config(), {**TINY, **SPECIAL.get(spec.name, {})})


def _changed(chosen: Any, wanted: dict[str, Any]) -> Any:  # noqa: ANN401
    """Hyper-parameters with some fields changed wherever they are, in nested tables too."""
    found = {field.name: getattr(chosen, field.name) for field in dataclasses.fields(chosen)}
    tables = {k: _changed(v, wanted) for k, v in found.items() if dataclasses.is_dataclass(v)}
    return dataclasses.replace(chosen, **tables, **{k: wanted[k] for k in found if k in wanted})


def rows(kind: str, y: NDArray[np.int64], seed: int = 0) -> NDArray[np.generic]:
    """A row for every label, the classes well apart."""
    found, rng = _KNOWN[kind], np.random.default_rng(seed)
    features = int(np.prod(found.shape))
    centres = np.where(np.arange(features) % CLASSES == y[:, None], 0.85, 0.15)
    x = np.clip(centres + 0.05 * rng.standard_normal(centres.shape), 0, 1) * found.top
    if found.columns:
        return _table(found.columns, x, y, rng)
    x = x.round() if found.dtype == "uint8" else x
    return x.reshape(len(y), *found.shape).astype(found.dtype)


def _table(
    columns: table.Columns, x: NDArray[Any], y: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[Any]:
    """Rows of a table: some numbers of its first column and some of every category are missing."""
    count = table.numbers(columns)
    missing = rng.random((len(y), 1 + len(columns) - count)) < 0.15
    missing[:1] = np.arange(missing.shape[1]) == 0
    numbers = x[:, :count]
    numbers[:, :1] = np.where(missing[:, :1], np.nan, numbers[:, :1])
    sizes = [len(column.categories) for column in columns[count:]]
    codes = np.where(missing[:, 1:], table.UNKNOWN, y[:, None] % np.array(sizes, np.int64))
    return np.column_stack([numbers, codes]).astype(np.float32)


def separable(
    kind: str = "gaussian-float32",
    labelled: int = 32,
    blank: int = 0,
    test: int = 0,
    seed: int = 0,
) -> dataset.Dataset:
    """Rows of three classes that are well apart; `blank` of them come without their label."""
    y = np.arange(labelled + blank) % CLASSES
    y_test = np.arange(test) % CLASSES
    x, x_test = rows(kind, y, seed), rows(kind, y_test, seed + 1)
    y = np.where(np.arange(len(y)) < labelled, y, dataset.UNLABELLED)
    tests = (x_test, y_test) if test else (None, None)
    return dataset.make(kind, x, y, *tests, columns=_KNOWN[kind].columns)


def several(labelled: int = 45, blank: int = 30, test: int = 15) -> dataset.Dataset:
    """Rows of a view of numbers and one of pixels, each missing in a third of the rows."""
    n, total = labelled + blank, labelled + blank + test
    y = np.arange(total) % CLASSES
    x = {"left": rows("gaussian-float32", y, 1), "right": rows("bernoulli-uint8", y, 2)}
    lacks = np.arange(total) // CLASSES % 3
    present = {"left": lacks != 1, "right": lacks != 2}
    known = np.where(np.arange(n) < labelled, y[:n], dataset.UNLABELLED)
    first, last = ({k: v[part] for k, v in x.items()} for part in (slice(n), slice(n, None)))
    there, tests = (
        {k: v[part] for k, v in present.items()} for part in (slice(n), slice(n, None))
    )
    return views.make("several", first, known, last, y[n:], present=there, present_test=tests)


IMAGES = separable("bernoulli-uint8", labelled=60, test=30)
"""Images of three classes, with test rows."""


def everything(data: dataset.Dataset) -> Split:
    """The split that holds nothing out."""
    known = data.y != dataset.UNLABELLED
    return Split(np.flatnonzero(known), np.flatnonzero(~known), np.arange(0))


def stated(kind: str = "gaussian-float32", prior: tuple[float, ...] = ()) -> Problem:
    """The problem of a kind of rows."""
    data = separable(kind)
    return statement.problem(data, everything(data), DataPlan(prior=prior))


def built(
    spec: method.Method,
    kind: str = "gaussian-float32",
    dtype: torch.dtype = torch.float32,
    device: torch.device = CPU,
    **changes: Any,  # noqa: ANN401
) -> Model:
    """A small model of a method, the same every time."""
    torch.manual_seed(1)
    setting = dataclasses.replace(config(spec), **changes)
    model, rows = spec.build(setting, problem_of(spec, stated(kind))), batch(kind, 9)
    for phase in spec.phases(setting, method.Sizes(9, 7)):
        with evaluation.evaluating(model):
            if phase.learn is not None:
                phase.learn(model, rows.x, rows.y, 0)
    return model.to(device, dtype)


def batch(
    kind: str = "gaussian-float32",
    labelled: int = 5,
    unlabelled: int = 7,
    device: torch.device = CPU,
) -> method.Batch:
    """A batch of rows of a kind."""
    y = np.arange(labelled) % CLASSES
    x, u = rows(kind, y, 2), rows(kind, np.arange(unlabelled) % CLASSES, 3)
    parts = (torch.from_numpy(part).to(device) for part in (x, y, u))
    return method.Batch(*parts)


def served(
    phase: method.Phase,
    model: nn.Module,
    kind: str = "gaussian-float32",
    labelled: int = 5,
    unlabelled: int = 7,
    device: torch.device = CPU,
) -> method.Batch:
    """A batch as a phase gets it: entered with these rows, and prepared."""
    raw = batch(kind, labelled, unlabelled, device)
    with evaluation.evaluating(model):
        phase.enter(model, torch.cat([raw.x, raw.u]))
        return method.Batch(phase.prepare(model, raw.x), raw.y, phase.prepare(model, raw.u))


def context(
    labelled: int = 32,
    unlabelled: int = 64,
    device: torch.device = CPU,
    seed: int = 5,
    noise: Noise | None = None,
) -> method.Context:
    """A context in the middle of a run, with the noise of a seed unless there is another."""
    drawn = noise or Noise(torch.Generator(device).manual_seed(seed))
    return method.Context(0.5, method.Sizes(labelled, unlabelled), drawn)


def trained(
    spec: method.Method,
    data: dataset.Dataset,
    steps: int,
    seed: int = 0,
    device: torch.device = CPU,
    **plan: Any,  # noqa: ANN401
) -> tuple[Model, loop.State]:
    """A small model after some steps of every phase on all rows, and the state of its run."""
    parts, chosen = everything(data), config(spec)
    torch.manual_seed(seed)
    problem = problem_of(spec, statement.problem(data, parts, DataPlan()))
    model = spec.build(chosen, problem).to(device)
    sizes = method.Sizes(len(parts.labelled), len(parts.unlabelled))
    setting = loop.Plan(steps=steps, labelled_batch=16, unlabelled_batch=16, **plan)
    stages = [loop.Stage(phase, setting) for phase in spec.phases(chosen, sizes)]
    state = loop.start(model, stages, sizes, seed, device)
    serve = serving(data, parts, seed, device)
    for step in loop.fit(model, stages, sizes, serve, state):
        loop.check_finite(model, step.number, {k: float(v) for k, v in step.terms.items()})
    return model, state


def serving(data: dataset.Dataset, parts: Split, seed: int, device: torch.device) -> loop.Serve:
    """Batches of a split for any stage."""
    x, y = torch.from_numpy(data.x).to(device), torch.from_numpy(data.y).to(device)
    training = np.union1d(parts.labelled, parts.unlabelled)

    def serve(stage: loop.Stage, model: nn.Module) -> loop.Draw:
        with evaluation.evaluating(model):
            stage.phase.enter(model, x[training])
            if stage.phase.learn is not None:
                stage.phase.learn(model, x[parts.labelled], y[parts.labelled], seed)
            prepared = stage.phase.prepare(model, x)
        streams = (
            batches.Stream(parts.labelled, stage.plan.labelled_batch, (seed, 1)),
            batches.Stream(parts.unlabelled, stage.plan.unlabelled_batch, (seed, 2)),
        )
        return batches.Batches(prepared, y, *streams)

    return serve


def settings(name: str, **values: str) -> tuple[str, ...]:
    """The settings that give hyper-parameters of a method, in nested tables too, these values."""
    return tuple(_settings(ssdgm_train.METHODS[name].Config, "model", values))


def _settings(table: type, prefix: str, values: dict[str, str]) -> Iterator[str]:
    for key, hint in typing.get_type_hints(table).items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _settings(hint, f"{prefix}.{key}", values)
        elif key in values:
            yield f"{prefix}.{key}={values[key]}"


COMPARED = "run.baseline=4"
"""The setting of a small run that has a baseline after all."""


def small_recipe(name: str = "m2", *changes: str) -> recipe.Recipe:
    """A recipe for a run of a second: 12 steps a phase, a validation every 4, no baseline."""
    return recipe.load(None, name, [*small_changes(name), *changes])


def small_changes(name: str = "m2") -> tuple[str, ...]:
    """The settings of a small recipe."""
    plan = (
        "train.steps=12",
        "train.labelled_batch=6",
        "train.unlabelled_batch=6",
        "run.evaluate_every=4",
        "run.baseline=0",
    )
    labels = () if ssdgm_train.METHODS[name].knows(classes.Classes) else ONE_CLASS
    return *plan, *labels, *settings(name, **SMALL)


def saved(path: Path, data: dataset.Dataset) -> str:
    """The path of a data set, written as .npz."""
    arrays: dict[str, Any] = {"x": data.x, "y": data.y}
    if data.x_test is not None and data.y_test is not None:
        arrays |= {"x_test": data.x_test, "y_test": data.y_test}
    np.savez(path, **arrays)
    return str(path)


def tabled(path: Path, data: dataset.Dataset) -> str:
    """The path of a table's data set, written as .csv with a column of labels and one of parts."""
    parts = [("train", data.x, data.y)]
    if data.x_test is not None and data.y_test is not None:
        parts.append(("test", data.x_test, data.y_test))
    with open(path, "w", newline="") as stream:
        file = csv.writer(stream)
        file.writerow([*(column.name for column in data.columns), "label", "split"])
        for part, x, y in parts:
            values = table.named(x, data.columns).values()
            labels = ["" if k < 0 else data.classes[k] for k in y]
            file.writerows(zip(*values, labels, [part] * len(y), strict=True))
    return str(path)


PLACES = ("run.json", loading.PLACE)
"""Files that say when and where a run was made."""


def outcome(path: Path) -> dict[str, bytes]:
    """What a run came to, byte for byte: all but dates and the machine's description."""
    files = sorted(p for p in path.rglob("*") if p.is_file() and p.name not in PLACES)
    found = {str(file.relative_to(path)): file.read_bytes() for file in files}
    result = directory.Run(path).result
    assert result is not None, "the run has not ended"
    for file in path.rglob("result.json"):
        ended = directory.ended(directory.Run(file.parent))
        found[str(file.relative_to(path))] = repr(dataclasses.replace(ended, ended="")).encode()
    return found


def train_until_the_end(source: str, out: Path) -> Iterator[int]:
    """Train into a folder, or go on where the folder was left; yields each step."""
    torch.set_num_threads(1)
    if out.exists():
        session = ssdgm_train.resume(out)
    else:
        plan = small_recipe("m2", "train.steps=80", "run.evaluate_every=5", "run.select=best")
        session = ssdgm_train.begin(source, plan, out, labelled=100, seed=3, device="cpu")
    for progress in ssdgm_train.train(session):
        yield progress.step


def message(error: type[errors.SsdgmError], action: Callable[[], object]) -> str:
    """The text of the error that an action ends in, an error of this very type."""
    with pytest.raises(errors.SsdgmError) as caught:
        action()
    found = caught.value
    assert type(found) is error, f"{type(found).__name__}: {found}"
    assert found.found, "the error does not say what was found"
    assert found.expected or found.mend, "the error says neither what is wanted nor a way"
    return str(found)


def record() -> records.RunRecord:
    """What a run directory holds at least."""
    return records.RunRecord(
        recipe={"method": "m2", "model": {}},
        seed=0,
        labels=None,
        data=records.Data("some", "b", "c", (0, 1), 2, 2, 1, True, 0),
        split="",
        problem=Problem((2,), "uint8", classes.Classes((0.5, 0.5)), "bernoulli", (0.0,), (1.0,)),
        environment=records.Environment(device="cpu", threads=1),
    )
