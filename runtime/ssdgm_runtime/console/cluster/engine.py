"""Pieces on the workers of Ray Data, the `[ray]` extra: one machine by default, or a cluster.

A worker opens the bundle once and answers pieces one by one. Each piece has a part of its own in
the folder of answers, written whole or not at all, so that a piece which is computed again since
its worker was lost is there once, and parts in the order of their names are rows in theirs.
"""

import contextlib
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ssdgm_runtime import arguments, atomic, errors, model
from ssdgm_runtime.console import drawing
from ssdgm_runtime.console.cluster import generation, pieces, work
from ssdgm_runtime.inference import parts
from ssdgm_runtime.inference.generation import seed_of

Json = dict[str, Any]
Ray = Any  # the engine has no stubs of use
_BLOCKS = 10_000


def run(
    task: str,
    bundle: atomic.PathLike,
    rows: atomic.PathLike,
    out: atomic.PathLike | None,
    *,
    workers: int | None = None,
    ray_address: str | None = None,
    top: int = 1,
    keep: str | None = None,
    probabilities: bool = False,
    batch_size: int | None = None,
    force: bool = False,
    threads: int | None = None,
    **settings: Any,  # noqa: ANN401  (of `model.load`)
) -> Json:
    """Answer rows by Ray Data; the answers are a folder of Parquet files, one a piece.

    Args:
        task: "classify", "predict" or "score".
        bundle: The bundle, at a path that every worker sees, as those of rows and answers.
        rows: A Parquet file, a folder of these, or a folder of images.
        out: The folder to write.
        workers: How many; by default as many as the cluster has processors for.
        ray_address: Of a cluster; None starts Ray on this machine.
        top: How many labels to list for a row.
        keep: Columns of the rows' table to repeat, separated by commas.
        probabilities: Add a column of probabilities for each label.
        batch_size: The most rows computed at once.
        force: Replace `out` if it is there.
        threads: Of a worker; 1 by default.
        settings: As for `Model`.

    Raises:
        MissingExtra: Ray or pyarrow is not installed.
        UsageError: There is no `out`.
        TaskUnavailable: The bundle cannot do this, or its rows are views or windows.
        DataError: The rows are none of these, or one of them is wrong.
        EngineError: Rows are missing at the end, since workers were lost too often.
    """
    if out is None:
        raise errors.UsageError("--engine ray has no --out", mend="Give -o FOLDER.")
    place = Path(os.path.abspath(rows))
    atomic.apart(out, bundle=bundle, data=place)
    _claim(Path(out), force=force)
    each = arguments.count(threads or 1, "threads", 1)
    with model.load(bundle, threads=1, **settings) as opened:
        head = _checked(opened, task, probabilities=probabilities)
    machines = _Machines(_ray(), ray_address, workers, each)
    cut = pieces.cut(place)
    kept = tuple(name.strip() for name in keep.split(",")) if keep else ()
    with atomic.folder(out, replace=force) as draft:
        opening = os.path.abspath(bundle), str(draft), task, {"threads": each, **settings}
        job = work.Job(*opening, top, kept, probabilities, batch_size)
        said = _spread(machines, work.Worker, job, cut)
        work.sweep(draft)
    return {**head, **said, "output": str(out)}


def generate(
    bundle: atomic.PathLike,
    out: atomic.PathLike,
    *,
    classes: Sequence[str | int] = (),
    n: int = 8,
    seed: int | None = None,
    sample: bool = False,
    temperature: float = 1.0,
    workers: int | None = None,
    ray_address: str | None = None,
    force: bool = False,
    threads: int | None = None,
    **settings: Any,  # noqa: ANN401  (of `model.load`)
) -> Json:
    """Generate rows by Ray Data, as a folder of Parquet files; see `generation`.

    Arguments are those of `run` and of `commands.generate`.

    Raises:
        MissingExtra: Ray or pyarrow is not installed.
        TaskUnavailable: The bundle cannot generate.
        InputError: An argument is none of these.
        EngineError: Rows are missing at the end, since workers were lost too often.
    """
    atomic.apart(out, bundle=bundle)
    _claim(Path(out), force=force)
    each = arguments.count(threads or 1, "threads", 1)
    number, rows = seed_of(seed), arguments.count(n, "n", 0)
    arguments.positive(temperature, "temperature")
    with model.load(bundle, threads=1, **settings) as opened:
        about = opened.graphs.bundle.manifest
        decoder = opened.graphs.graph("decoder", "generate")
        chosen = drawing.labels(opened, classes)
        head = {"bundle": about.name, "id": opened.graphs.bundle.id, "picture": None}
    cut = generation.cut(decoder, 1 if chosen is None else len(chosen), rows, number)
    machines = _Machines(_ray(), ray_address, workers, each)
    with atomic.folder(out, replace=force) as draft:
        opening = os.path.abspath(bundle), str(draft), {"threads": each, **settings}
        job = generation.Job(*opening, chosen, sample, temperature)
        said = _spread(machines, generation.Worker, job, cut)
        work.sweep(draft)
    asked = {"n": rows, "seed": number, "sample": sample}
    return {**head, **said, **asked, "output": str(out)}


class _Machines(NamedTuple):
    """Where to compute: Ray, the address of a cluster, how many workers of how many threads."""

    ray: Ray
    address: str | None
    workers: int | None
    threads: int


def _spread(
    machines: _Machines,
    worker: type,
    job: work.Job | generation.Job,
    cut: Sequence[pieces.Piece] | Sequence[generation.Piece],
) -> Json:
    """Have all pieces answered; what a result says of that."""
    wanted = sum(piece.rows for piece in cut)
    talk = contextlib.redirect_stdout(sys.stderr)  # of Ray, between the lines of a result
    with talk, _connected(machines) as count:
        whole = machines._replace(workers=count)
        done = _computed(whole, worker, job, cut) if cut else _Done(0, Counter(), [])
    if done.rows != wanted:
        raise errors.EngineError(f"{done.rows} rows were answered", f"{wanted}")
    about = {"engine": "ray", "rows": wanted, "parts": len(cut), "workers": count}
    more = {"counts": dict(done.counts), "notes": done.notes(len(cut))}
    return {**about, **{key: value for key, value in more.items() if value}}


class _Done(NamedTuple):
    """What workers have done: how many rows, how often each answer, what is to be noted."""

    rows: int
    counts: Counter[str]
    noted: list[str]

    def notes(self, of: int) -> list[str]:
        """The first of the notes, and of how many pieces there were some."""
        return [f"{self.noted[0]} ({len(self.noted)} of {of} pieces)"] if self.noted else []


def _claim(target: Path, *, force: bool) -> None:
    """Refuse to replace what is there; with `force` all but answers such as are written."""
    if not os.path.lexists(target):
        return
    answers = target.is_dir() and all(work.is_part(path.name) for path in target.iterdir())
    if not (force and answers):
        ways = " or pass --force" if answers else ""
        raise errors.OutputExists(f"{target} already exists", mend=f"Choose another name{ways}.")


def _checked(opened: model.Model, task: str, *, probabilities: bool) -> Json:
    """What a result says of the bundle; errors where it cannot do the task."""
    about = opened.graphs.bundle.manifest
    component = parts.scorer(about.graphs) if task == "score" else "classifier"
    opened.graphs.graph(component, task)
    traits = about.space.traits
    if task not in ("predict", "score", traits.task):
        raise errors.TaskUnavailable(
            f"This bundle cannot {task}: it predicts {about.space.space}",
            mend=f"Use the command {traits.task}.",
        )
    if probabilities:
        traits.need_probable("Leave --probabilities out.")
    whole = {"views": about.views, "windows of series": about.series}
    strange = [f"Its rows are {what}" for what, there in whole.items() if there]
    strange += ["Its labels are masks"] * (about.space.space == "masks")
    if strange:
        raise errors.TaskUnavailable(
            f"{strange[0]}, which --engine ray does not take", mend="Leave --engine out."
        )
    unit = {"unit": about.scorer.unit} if task == "score" and about.scorer else {}
    return {
        "bundle": about.name,
        "id": opened.graphs.bundle.id,
        "space": about.space.space,
        **unit,
    }


def _ray() -> Ray:
    try:
        import pyarrow  # noqa: F401  (Ray Data needs it)
        import ray
        import ray.data
    except ImportError as error:
        raise errors.MissingExtra(
            f"--engine ray needs Ray and pyarrow ({error})",
            mend='pip install "ssdgm-runtime[ray]"',
        ) from None
    return ray


@contextlib.contextmanager
def _connected(machines: _Machines) -> Iterator[int]:
    """Within it Ray is there; gives how many workers to start. What was there before stays."""
    ray, address, workers, threads = machines
    if workers is not None:
        arguments.count(workers, "workers", 1)
    ours = not ray.is_initialized()
    local = {} if address else {"num_cpus": workers and workers * threads}
    if ours:
        quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            ray.init(address=address or "local", **local, **({} if address else quiet))
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise errors.EngineError(
                f"Ray cannot be reached at {address} ({error})", mend="Check --ray-address."
            ) from None
    try:
        yield workers or max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
    finally:
        if ours:
            ray.shutdown()


def _computed(
    machines: _Machines, worker: type, job: object, cut: Sequence[tuple[Any, ...]]
) -> _Done:
    """Have all pieces answered by so many workers."""
    data = machines.ray.data
    data.DataContext.get_current().enable_progress_bars = sys.stderr.isatty()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    items = [{"piece": piece} for piece in cut]
    made = data.from_items(items, override_num_blocks=min(len(items), _BLOCKS)).map(
        worker,
        fn_constructor_args=(job,),
        compute=data.ActorPoolStrategy(size=machines.workers),
        num_cpus=machines.threads,
    )
    rows, counts, notes = 0, Counter[str](), list[str]()
    for done in made.iter_rows():
        if done["error"] is not None:
            kind, *said = done["error"]
            raise getattr(errors, kind)(*said)
        rows += int(done["rows"])
        counts.update({name: int(count) for name, count in done["counts"]})
        notes += [done["note"]] * bool(done["note"])
    return _Done(rows, counts, notes)
