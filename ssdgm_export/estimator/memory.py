"""Arrays in memory to a trained model in memory, by the same way as any run.

The run's directory is a temporary one; what is kept of it can be written again, to be converted.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export.estimator import frames, wording
from ssdgm_export.graphs import modules
from ssdgm_train import method
from ssdgm_train.data.formats import layouts
from ssdgm_train.model import Model
from ssdgm_train.portfolio import search
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.runs import (
    baseline,
    directory,
    loading,
    records,
    session,
    storage,
    training,
)

LEFT = ("optimiser.safetensors", "random.safetensors", loading.PLACE)
"""What serves nothing but to go on."""


@dataclass(frozen=True)
class Table:
    """Raw rows [n, *shape] with their labels [n], -1 or "" where one is not known.

    `features` are the names of a row's values, where they have names; `weights` [n] are how much
    rows count, if not alike; and `file` is the name of the file of the rows, from which a bundle's
    name comes.
    """

    x: NDArray[np.generic]
    y: NDArray[np.generic]
    features: tuple[str, ...] = ()
    weights: NDArray[np.generic] | None = None
    file: str = "table.npz"
    label: str = "label"

    def save(self, path: Path) -> None:
        """Write the rows as the .npz file that a run reads."""
        arrays = {"x": self.x, "y": self.y}
        if self.features:
            arrays["features"] = np.array(self.features)
        if self.weights is not None:
            arrays[layouts.WEIGHTS] = self.weights
        np.savez(path, **arrays)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Trained:
    """A run that has ended, without a directory.

    Attributes:
        files: What was in the directory, by relative path.
        table: What it was trained on.
    """

    files: Mapping[str, bytes]
    table: Table | frames.Table

    @property
    def record(self) -> records.RunRecord:
        """`run.json`."""
        return records.parse(self.files["run.json"], records.RunRecord, Path("run.json"))

    @property
    def result(self) -> records.Result:
        """`result.json`."""
        return records.parse(self.files["result.json"], records.Result, Path("result.json"))

    @property
    def problem(self) -> Problem:
        """What the model was built for."""
        return self.record.problem

    @property
    def model(self) -> Model:
        """The trained model, made of the files."""
        with written(self) as folder:
            return loading.load_model(directory.Run(folder / "run"))

    @cached_property
    def graphs(self) -> dict[str, modules.Graph]:
        """The model's graphs, with a scorer if it generates, in double precision."""
        model = self.model
        scored = isinstance(model, method.Weighs)
        graphs = modules.of(model, self.problem, self.result.temperature, score=scored)
        for graph in graphs.values():
            graph.module.double()
        return graphs

    def __getstate__(self) -> dict[str, Any]:
        """Without the graphs, which the files give back."""
        return {"files": self.files, "table": self.table}


@contextlib.contextmanager
def written(trained: Trained) -> Iterator[Path]:
    """A temporary folder with the run directory `run` and the rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained.table.save(folder / trained.table.file)
        for place, content in trained.files.items():
            path = folder / "run" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield folder


def export(
    trained: Trained,
    path: Path,
    precision: str,
    license: str | None,
    score: bool = False,
) -> Path:
    """Write a bundle; arguments and errors as of `ssdgm_export.convert`."""
    from ssdgm_export.bundle import convert

    with written(trained) as place:
        run, data = place / "run", str(place / trained.table.file)
        converted = convert.convert(
            run,
            path,
            data=data,
            precision=precision,
            license=license,
            score=score,
        )
    return converted.path


def ignore(progress: training.Progress) -> None:
    """Say nothing."""


def fit(
    table: Table | frames.Table,
    plan: recipe.Recipe | recommended.Asked,
    seed: int = 0,
    device: str = "auto",
    init_from: Path | None = None,
    watch: Callable[[training.Progress], None] = ignore,
    minutes: float | None = None,
    threads: int | None = None,
) -> Trained:
    """Train on a table.

    Args:
        table: The rows and labels.
        plan: The recipe, or what was said of it.
        seed: Of validation rows, initial weights, batches and noise.
        device: "auto", "cpu" or "cuda".
        init_from: As `session.begin` takes it.
        watch: Called after every step.
        minutes: For comparing recipes, of which the given one is the simplest; None for none.
        threads: As `session.begin` takes it.

    Raises:
        SsdgmError: As `session.begin` and `training.train`.
    """
    # Windows removes no file that is mapped
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, out = Path(folder) / table.file, Path(folder) / "run"
        with wording.of_memory(source, table.label):
            table.save(source)
            if minutes is None:
                begun = session.begin(
                    source, plan, out, None, seed, device, init_from, threads=threads
                )
            else:
                begun = search.begin(
                    str(source), plan, out, minutes, None, seed, device, threads=threads
                )
            for progress in search.train(begun):
                watch(progress)
        return Trained(files(out, table.file), table)


def files(path: Path, data: str) -> dict[str, bytes]:
    """A run directory's files, without what serves to go on and without its data's place."""
    record = directory.Run(path).read()
    moved = replace(record, data=replace(record.data, source=data))
    storage.write_json(path / "run.json", moved)
    for run in filter(Path.is_dir, (path, path / baseline.FOLDER)):
        for older in directory.Run(run).checkpoints[1:]:
            shutil.rmtree(older)
    kept = sorted(p for p in path.rglob("*") if p.is_file() and p.name not in LEFT)
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in kept}
