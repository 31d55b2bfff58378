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

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ssdgm_runtime import atomic, errors
from ssdgm_train import data, evaluation, method, seeds
from ssdgm_train.data import store
from ssdgm_train.evaluation import evidence, scores
from ssdgm_train.runs import directory, loading, records, storage
from ssdgm_train.runs.training import Progress

Json = dict[str, Any]
NAME = "evaluation.json"
TOLD = 10
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
    model: nn.Module
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
    described = run.read()
    directory.ended(run)
    atomic.claim(run.path / NAME, force=True)
    model = loading.load_model(run).to(place)
    _check_weighs(model, path, described["recipe"]["method"])
    part, *arrays, held = _held(run, loading.load_data(run, source))
    order = seeds.generator(described["seed"], seeds.EVIDENCE).permutation(len(held))
    x, y = (store.take(array, held[np.sort(order[:rows])]) for array in arrays)
    raw, generator = torch.from_numpy(x).to(place), _generator(run, place, seeds.BITS)
    observed = evidence.observed(loading.load_problem(described), raw, generator)
    return Job(run, model, place, part, evaluation.Labelled(x, y), samples, observed)


def measure(job: Job) -> Iterator[Progress]:
    """Do a job and write its file, yielding after every draw; terms come with every tenth."""
    generator = _generator(job.run, job.device, seeds.EVIDENCE)
    classes = len(job.run.read()["data"]["classes"])
    found: dict[str, evidence.Estimate] = {}
    step = 0
    for name, x in job.observations.items():
        for estimate in evidence.estimates(job.model, x, classes, job.samples, generator):
            found[name], step = estimate, step + 1
            told = estimate.draws == job.samples or not estimate.draws % TOLD
            terms = {f"log p({name})": float(estimate.bound.mean())} if told else None
            yield Progress(step, job.steps, name, terms)
    directory.write_json(job.run.path / NAME, _document(job, found))


def read(run: directory.Run) -> Json:
    """The run's `evidence.json`.

    Raises:
        RunError: There is none.
    """
    return storage.read_json(run.path / NAME, records.EVALUATION)


def _check_weighs(model: nn.Module, path: Path, name: str) -> None:
    if not isinstance(model, method.Weighs):
        raise directory.RunError(
            f"{path} is a run of {name}, which has no p(x)",
            "a run of a generative method, such as m1, m2 or m1m2",
            "Its error is in result.json.",
        )


def _held(
    run: directory.Run, found: data.Dataset
) -> tuple[str, store.Array, store.Array, store.Indices]:
    """A part's name, its rows and labels, and the indices of those that were held out."""
    if found.x_test is not None and found.y_test is not None:
        return "test", found.x_test, found.y_test, np.arange(len(found.y_test))
    rows = run.split().validation
    if not len(rows):
        raise errors.DataError(
            f"{run.path} has neither test nor validation rows",
            "rows that it was not trained on",
            "Add x_test and y_test to the data, or raise data.validation, and train again.",
        )
    return "validation", found.x, found.y, rows


def _generator(run: directory.Run, device: torch.device, purpose: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(seeds.derive(run.read()["seed"], purpose))


def _document(job: Job, found: dict[str, evidence.Estimate]) -> Json:
    return {
        "part": job.part,
        "rows": len(job.held.y),
        "samples": job.samples,
        "evidence": {"bits": None, **{name: _evidence(e) for name, e in found.items()}},
        "labels": _labels(job, found["rows"].log_joint),
    }


def _evidence(estimate: evidence.Estimate) -> Json:
    spread = float(estimate.bound.std(correction=0))
    return {
        "bound": float(estimate.single.mean()),
        "importance": float(estimate.bound.mean()),
        "standard_error": spread / math.sqrt(len(estimate.bound)),
    }


def _labels(job: Job, log_joint: Tensor) -> Json:
    temperature, y = directory.ended(job.run)["temperature"], torch.from_numpy(job.held.y)
    logits = evaluation.logits(job.model, job.held.x, job.device)
    posterior = scores.measure(log_joint, y) if log_joint.shape[1] > 1 else None
    return {
        "classifier": dataclasses.asdict(scores.measure(logits / temperature, y)),
        "posterior": dataclasses.asdict(posterior) if posterior else None,
    }
