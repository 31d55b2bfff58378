"""From a session to its updates: what its batches hold, and the teachers that it learns from.

    RUN/taught/taught.safetensors    what teachers say of every row; a resumed run learns the same

Teachers are asked before the first step. Peers among them are sessions in memory, of the same
recipe without peers, which begin with other weights and see the rows in another order.
"""

import contextlib
import dataclasses
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ssdgm_train import evaluation, method, seeds
from ssdgm_train.data import batches, split, store
from ssdgm_train.evaluation import passes
from ssdgm_train.labels import OneClass, oneclass
from ssdgm_train.recipes import recipe
from ssdgm_train.regularisation import teacher
from ssdgm_train.regularisation.plan import GRAPH, PEERS
from ssdgm_train.runs import choice, records, storage
from ssdgm_train.runs.session import Session, again
from ssdgm_train.training import averaging, loop

TAUGHT = "taught"
"""The folder's name, and that of the file in it."""


@dataclass(frozen=True)
class Lesson:
    """A step of a peer, the first of which is number 0."""

    peer: int
    peers: int
    step: loop.Step


def fit(session: Session) -> Iterator[loop.Step]:
    """Take a session to its end in memory alone, with what its teachers say if that is known.

    Otherwise they are asked first, which may take long.
    """
    with threads(session.threads):
        if session.taught is None:
            for _ in _asked(session):
                pass
        serve = _server(session)
        yield from loop.fit(session.model, session.stages, session.sizes, serve, session.state)


def lessons(session: Session) -> Iterator[Lesson]:
    """Ask a run's teachers, and write what they say; a run that has it written reads it."""
    path = session.run.path / TAUGHT
    if session.recipe.regularise.taught and session.taught is None and path.exists():
        session.taught = storage.load_tensors(path, TAUGHT)[TAUGHT].to(session.device)
    if session.taught is None:
        yield from _asked(session)
        if session.taught is not None:
            files = {TAUGHT: {TAUGHT: session.taught}}
            storage.save_tensors(path, files, records.State(0))


def _asked(session: Session) -> Iterator[Lesson]:
    """Ask a session's teachers, if it has any; peers last, since the others teach them too."""
    plan = session.recipe.regularise
    if not plan.taught:
        return
    said = [
        teacher.answers(source, session.pool, session.data.y, session.split, session.seed)
        for source in plan.teachers
        if source != PEERS
    ]
    if PEERS in plan.teachers:
        said += yield from _peers(session, said)
    session.taught = teacher.together(said).to(session.device)


def _peers(
    session: Session, said: Sequence[torch.Tensor]
) -> Generator[Lesson, None, list[torch.Tensor]]:
    """Train the peers one after the other; returns what each says of every row."""
    plan = session.recipe.regularise
    answers = []
    for number in range(plan.peers):
        seed = seeds.derive(seeds.derive(session.seed, seeds.PEERS), number)
        peer = again(session, session.split.labelled, peerless(session.recipe), seed)
        peer.taught = teacher.together(said).to(session.device) if said else None
        for step in fit(peer):
            yield Lesson(number, plan.peers, step)
        answers.append(_answers(peer))
    return answers


def peerless(plan: recipe.Recipe) -> recipe.Recipe:
    """A recipe without peers; without any teacher where they were the only ones."""
    own = plan.regularise
    others = tuple(source for source in own.teachers if source != PEERS)
    changes = {"teachers": others} if others else {"taught": 0.0, "teachers": (GRAPH,)}
    return dataclasses.replace(plan, regularise=dataclasses.replace(own, **changes))


def _answers(peer: Session) -> torch.Tensor:
    """The logarithms of a trained session's q(y | x) for every row, [n, K]; NaN where held out."""
    rows = peer.split.training
    with averaging.averaged(peer.model, peer.state.averages):
        raw = passes.raw(peer.model, store.Rows(peer.data.x, rows), peer.device)
    said = torch.full((len(peer.data.x), raw.shape[1]), torch.nan)
    said[torch.from_numpy(rows)] = raw.float().log_softmax(-1)
    return said


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch's pool at the size a run began with, since sums depend on it in the last bit."""
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _server(session: Session) -> loop.Serve:
    """What enters a stage: the phase measures, then prepares the rows that batches are made of."""
    device = session.device
    if store.mapped(session.data.x):
        return _reader(session)
    x, y = (torch.from_numpy(part).to(device) for part in (session.data.x, session.data.y))
    training = torch.from_numpy(session.split.training.astype(np.int64)).to(device)

    def serve(stage: loop.Stage, model: nn.Module) -> loop.Draw:
        with evaluation.evaluating(model):
            stage.phase.enter(model, x[training])
            _learn(session, stage, model)
            rows = stage.phase.prepare(model, x)
        return batches.Batches(rows, y, *_streams(session, stage), session.taught)

    return serve


def _learn(session: Session, stage: loop.Stage, model: nn.Module) -> None:
    """Fit what no update of a phase trains, to as many labelled rows as scikit-learn gets."""
    if stage.phase.learn is not None:
        rows, dataset = choice.sampled(session), session.data
        x, y = (torch.from_numpy(store.take(part, rows)) for part in (dataset.x, dataset.y))
        given = x.to(session.device), y.to(session.device), session.seed
        stage.phase.learn(model, *given, choice.weights(session, rows))


def _reader(session: Session) -> loop.Serve:
    """The same for mapped rows: a sample is measured, and every batch prepared by itself."""
    dataset = session.data

    def serve(stage: loop.Stage, model: nn.Module) -> loop.Draw:
        def prepare(rows: torch.Tensor) -> torch.Tensor:
            if stage.phase.prepare is method.raw:
                return rows
            with evaluation.evaluating(model):
                return stage.phase.prepare(model, rows)

        sample = torch.from_numpy(store.sample(dataset.x, session.split.training))
        with evaluation.evaluating(model):
            stage.phase.enter(model, sample.to(session.device))
            _learn(session, stage, model)
        labelled, unlabelled = (
            batches.grouped(stream, dataset.x) for stream in _streams(session, stage)
        )
        return batches.Ahead(dataset.x, dataset.y, labelled, unlabelled, prepare, session.device)

    return serve


def _streams(session: Session, stage: loop.Stage) -> tuple[batches.Stream, batches.Stream]:
    """Which labelled and which unlabelled rows each step has; none twice, if all count alike."""
    plan, seed = stage.plan, session.seed
    labelled, unlabelled = _pools(session)
    return (
        _stream(labelled, plan.labelled_batch, (seed, seeds.LABELLED)),
        _stream(unlabelled, plan.unlabelled_batch, (seed, seeds.UNLABELLED)),
    )


def _pools(session: Session) -> tuple[store.Indices, store.Indices]:
    """Labelled and unlabelled rows; of one-class known outliers, and all that may be normal.

    Every batch has so the outliers that there are, which are few.
    """
    labelled, unlabelled = split.pools(session.data, session.split, session.recipe.data)
    if not isinstance(session.model.labels, OneClass):
        return labelled, unlabelled
    out = store.take(session.data.y, labelled) == oneclass.OUTLIER
    return labelled[out], np.sort(np.concatenate([labelled[~out], unlabelled]))


def _stream(pool: store.Indices, size: int, seed: tuple[int, ...]) -> batches.Stream:
    return batches.Stream(pool, min(size, max(1, len(pool))), seed)
