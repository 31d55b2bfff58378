"""A finished run looked at more closely: its evidence, and the labels that its weights imply.

`prepare` opens a run, `measure` computes and writes `evidence.json` into its directory:

    part         "test", or "validation" where there are no test rows
    rows         how many of them, drawn with the run's seed
    samples      S, draws of the latents for every row
    evidence     {"rows": E, "bits": E or null}: of the rows as they are (grey levels, if the
                 likelihood is bernoulli), and of bits drawn from them
    labels       {"classifier": score, "posterior": score or null}: of q(y | x) at the run's
                 temperature, and of p(y | x) by the weights of the rows as they are

where E is {"bound", "importance", "standard_error"}: the means over the rows of the bounds of one
draw and of S draws, and the standard error of the latter, in nats.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ssdgm_runtime import atomic, errors
from ssdgm_train import data, evaluation, method, seeds
from ssdgm_train.data import store, targets
from ssdgm_train.evaluation import evidence
from ssdgm_train.labels import Dense
from ssdgm_train.model import Model
from ssdgm_train.probability.noise import Noise
from ssdgm_train.runs import directory, loading, records
from ssdgm_train.runs.training import Progress

NAME = "evaluation.json"
TERMS = {"rows": "log p(x)", "bits": "log p(x), x as bits drawn from it"}
"""The estimates in words, by their names in the file."""

EVERY = 10
"""Draws between two records with terms."""


@dataclass(frozen=True)
class Job:
    """What is to be measured.

    Attributes:
        run: The run, whose seed all draws come from.
        model: Its model.
        device: Where the model is.
        part: "test" or "validation".
        held: The rows that were chosen.
        samples: S.
        observations: What the model sees of them, [n, features] each, by name.
    """

    run: directory.Run
    model: Model
    device: torch.device
    part: str
    held: evaluation.Labelled
    samples: int
    observations: dict[str, Tensor]

    @property
    def steps(self) -> int:
        """Draws in all."""
        return self.samples * len(self.observations)


def prepare(
    path: Path,
    samples: int = 100,
    rows: int | None = None,
    source: str | None = None,
    device: str = "auto",
) -> Job:
    """Open a run.

    Args:
        path: Its directory.
        samples: Draws of the latents for every row.
        rows: The most rows; None for all.
        source: Where its data lies now, if it has moved.
        device: "auto", "cpu" or "cuda".

    Raises:
        RunError: It has not ended, or has no p(x).
        NotWritable: Its directory takes no file.
        DataError: It has neither test nor validation rows, or one that p(x) cannot give.
    """
    run, place = directory.Run(path), loading.pick_device(device)
    record = run.read()
    directory.ended(run)
    atomic.claim(run.path / NAME, force=True)
    model = loading.load_model(run).to(place)
    _check_weighs(model, path, record.plan.method)
    part, *arrays, held = _held(run, loading.load_data(run, source))
    order = seeds.generator(record.seed, seeds.EVIDENCE).permutation(len(held))
    x, y = (store.take(array, held[np.sort(order[:rows])]) for array in arrays)
    raw, noise = torch.from_numpy(x).to(place), _noise(run, place, seeds.BITS)
    observed = evidence.observed(record.problem, raw, noise)
    return Job(run, model, place, part, evaluation.Labelled(x, y), samples, observed)


def measure(job: Job) -> Iterator[Progress]:
    """Do a job and write its file, yielding after every draw; terms come with every tenth."""
    noise = _noise(job.run, job.device, seeds.EVIDENCE)
    every = job.model.labels.every(like=torch.zeros(()))
    labels = 1 if every is None else len(every)
    last: dict[str, evidence.Estimate] = {}
    step = 0
    for name, x in job.observations.items():
        for estimate in evidence.estimates(job.model, x, labels, job.samples, noise):
            last[name], step = estimate, step + 1
            shown = estimate.draws == job.samples or not estimate.draws % EVERY
            terms = {TERMS[name]: float(estimate.bound.mean())} if shown else None
            yield Progress(step, job.steps, name, terms)
    directory.write_json(job.run.path / NAME, _evaluation(job, last))


def read(run: directory.Run) -> records.Evaluation:
    """The run's `evaluation.json`.

    Raises:
        RunError: There is none, or it is damaged.
    """
    again = f"Write it again with: {errors.command('ssdgm-export', 'evaluate', run.path)}"
    return records.load(run.path / NAME, records.Evaluation, again)


def _check_weighs(model: Model, path: Path, name: str) -> None:
    if isinstance(model.labels, Dense):
        raise directory.RunError(
            f"{path} is a run on masks, of which no p(x) is estimated",
            mend="The errors and overlaps of this run are in result.json.",
        )
    if not isinstance(model, method.Weighs):
        raise directory.RunError(
            f"{path} is a run of {name}, which has no p(x)",
            mend="Take a run of a method that generates, such as m2; ssdgm-export methods says "
            "which do. The error of this one is in result.json.",
        )


def _held(
    run: directory.Run, dataset: data.Dataset
) -> tuple[str, store.Array, store.Array, store.Indices]:
    """A part's name, its rows and labels, and the indices of those that were held out."""
    if dataset.x_test is not None and dataset.y_test is not None:
        known = np.flatnonzero(targets.labelled(dataset.y_test))
        return "test", dataset.x_test, dataset.y_test, known
    rows = run.split().validation
    if not len(rows):
        raise errors.DataError(
            f"{run.path} has neither test nor validation rows to measure on",
            mend="Add x_test and y_test to the data, or raise data.validation, and train again.",
        )
    return "validation", dataset.x, dataset.y, rows


def _noise(run: directory.Run, device: torch.device, purpose: int) -> Noise:
    return Noise(torch.Generator(device).manual_seed(seeds.derive(run.read().seed, purpose)))


def _evaluation(job: Job, last: dict[str, evidence.Estimate]) -> records.Evaluation:
    bits = _estimate(last["bits"]) if "bits" in last else None
    return records.Evaluation(
        part=job.part,
        rows=len(job.held.y),
        samples=job.samples,
        evidence=records.Evidence(bits, _estimate(last["rows"])),
        labels=_labels(job, last["rows"].log_joint),
    )


def _estimate(estimate: evidence.Estimate) -> records.Estimate:
    spread = float(estimate.bound.std(correction=0))
    return records.Estimate(
        bound=float(estimate.single.mean()),
        importance=float(estimate.bound.mean()),
        standard_error=spread / math.sqrt(len(estimate.bound)),
    )


def _labels(job: Job, log_joint: Tensor) -> records.Labels:
    temperature, y = directory.ended(job.run).temperature, torch.from_numpy(job.held.y)
    raw = evaluation.raw(job.model, job.held.x, job.device)
    space = directory.ended(job.run).labels or job.model.labels
    posterior = None
    if log_joint.shape[1] > 1:
        posterior = space.measure(space.posterior(log_joint), y)
    return records.Labels(space.measure(space.tempered(raw, temperature), y), posterior)
