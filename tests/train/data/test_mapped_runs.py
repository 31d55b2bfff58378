"""Runs on rows in mapped files: as those on rows in memory, interrupted or not."""

import itertools
from pathlib import Path

import cases
import numpy as np
import pictures
import pytest
import torch

import ssdgm_train
from ssdgm_train import data, method
from ssdgm_train.data import batches, store
from ssdgm_train.models import autoencoder
from ssdgm_train.runs import directory, evidence, fitting
from ssdgm_train.runs.session import Session

DATA = cases.separable("bernoulli-uint8", labelled=60, blank=9, test=30)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return cases.saved(tmp_path_factory.mktemp("data") / "set.npz", DATA)


@pytest.fixture
def mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large, and read in small pieces."""
    monkeypatch.setattr(store, "LARGE", 1)
    monkeypatch.setattr(store, "PIECE", 64)
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))


def begin(source: str, out: Path, name: str = "m2", *changes: str) -> Session:
    plan = cases.small_recipe(name, "run.select=best", *changes)
    return ssdgm_train.begin(source, plan, out, labelled=30, seed=3, device="cpu")


def finished(source: str, out: Path, name: str = "m2", *changes: str) -> Path:
    list(ssdgm_train.train(begin(source, out, name, *changes)))
    return out


@pytest.mark.parametrize(
    ("name", "changes"),
    [("m2", ()), ("m2", ("data.likelihood=gaussian",)), ("supervised", ())],
)
def test_a_run_comes_to_the_same_bits_as_one_in_memory(
    source: str, tmp_path: Path, request: pytest.FixtureRequest, name: str, changes: tuple[str]
) -> None:
    plain = cases.outcome(finished(source, tmp_path / "plain", name, *changes))
    request.getfixturevalue("mapped")
    session = begin(source, tmp_path / "mapped", name, *changes)
    assert store.mapped(session.data.x)
    list(ssdgm_train.train(session))
    assert cases.outcome(tmp_path / "mapped") == plain


@pytest.mark.parametrize("name", ["m1", "m1m2"])
def test_phases_on_features_prepare_every_batch(
    source: str, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    """Features of a few rows at once differ in the last bits from those of many."""
    plain = directory.Run(finished(source, tmp_path / "plain", name))
    request.getfixturevalue("mapped")
    other = directory.Run(finished(source, tmp_path / "mapped", name))
    results = plain.result, other.result
    assert all(results)
    for part in ("validation", "test"):
        scores = (vars(getattr(found, part)) for found in results)
        one, two = ({k: v for k, v in score.items() if v is not None} for score in scores)
        assert one == pytest.approx(two, rel=1e-4)


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("name", ["m2", "m1m2"])
def test_an_interrupted_run_ends_with_the_same_bits(
    source: str, tmp_path: Path, name: str
) -> None:
    whole = cases.outcome(finished(source, tmp_path / "whole", name))
    for stop in (5, 12):
        out = tmp_path / f"stopped-{stop}"
        list(itertools.islice(ssdgm_train.train(begin(source, out, name)), stop))
        list(ssdgm_train.train(ssdgm_train.resume(out)))
        assert cases.outcome(out) == whole, f"stopped after {stop} steps"


@pytest.mark.usefixtures("mapped")
def test_phases_measure_a_sample_of_the_training_rows(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, seen = begin(source, tmp_path / "run", "m1m2"), list[torch.Tensor]()
    monkeypatch.setattr(autoencoder.VAE, "measure", lambda _, rows: seen.append(rows))
    monkeypatch.setattr(store, "SAMPLE", 8)
    fitting._server(session)(session.stages[1], session.model)
    training = session.split.training
    chosen = training[np.linspace(0, len(training) - 1, 8).astype(int)]
    np.testing.assert_array_equal(seen[0].numpy(), DATA.x[chosen])


def test_a_sample_of_unlabelled_rows_is_scored(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SAMPLE", 11)
    result = directory.Run(finished(source, tmp_path / "run", "m1")).result
    assert result is not None
    assert result.unlabelled.rows == 11
    assert result.neighbours.rows == 11
    assert result.test.rows == 30


@pytest.mark.usefixtures("mapped")
def test_a_mapped_run_is_evaluated(source: str, tmp_path: Path) -> None:
    out = finished(source, tmp_path / "run")
    job = evidence.prepare(out, samples=2, rows=7, device="cpu")
    assert len(list(evidence.measure(job))) == job.steps
    assert evidence.read(directory.Run(out)).rows == 7


def test_pictures_are_decoded_into_a_file(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("PIL")
    names = pictures.sorted_in("cat/1.png cat/2.png dog/1.png dog/2.png")
    place = pictures.lay(tmp_path / "set", names)
    plain = data.load(str(place))
    request.getfixturevalue("mapped")
    found = data.load(str(place))
    assert store.mapped(found.x)
    assert found.digest == plain.digest


def test_a_table_is_read_into_a_file(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pa, place = pytest.importorskip("pyarrow"), tmp_path / "a.parquet"
    columns = {"a": np.arange(60.0), "b": np.arange(60) % 5, "label": np.arange(60) % 3}
    pytest.importorskip("pyarrow.parquet").write_table(pa.table(columns), place)
    plain = data.load(str(place))
    request.getfixturevalue("mapped")
    found = data.load(str(place))
    assert store.mapped(found.x)
    assert store.mapped(found.y)
    assert found.digest == plain.digest
    finished(str(place), tmp_path / "run")


def ahead(x: store.Array, labelled: int = 12) -> tuple[batches.Ahead, batches.Batches]:
    """Batches of a mapped array, and what they should be."""
    streams = [
        batches.Stream(np.arange(labelled), 6, (0, 1), block=2, group=4),
        batches.Stream(np.arange(labelled, len(x)), 5, (0, 2), block=3, group=6),
    ]
    y = np.arange(len(x))
    found = batches.Ahead(x, y, *streams, lambda rows: rows, torch.device("cpu"))
    copy = torch.from_numpy(np.array(x))
    return found, batches.Batches(copy, torch.from_numpy(y), *streams)


def parts(batch: method.Batch) -> tuple[torch.Tensor, ...]:
    return batch.x, batch.y, batch.u


def numbered(count: int) -> store.Array:
    x = store.allocate((count, 2), np.float32, "x")
    x[:] = np.arange(2 * count).reshape(count, 2)
    return x


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("labelled", [0, 3, 12])
def test_mapped_batches_are_the_rows_of_their_streams(labelled: int) -> None:
    draw, plain = ahead(numbered(40), labelled)
    for step in (1, 2, 4, 5, 6, 7, 30):
        found, wanted = draw(step), plain(step)
        assert all(torch.equal(a, b) for a, b in zip(parts(found), parts(wanted), strict=True))


@pytest.mark.usefixtures("mapped")
def test_a_group_is_read_once_and_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, take = list[tuple[store.Array, list[int]]](), store.take

    def watched(array: store.Array, rows: store.Indices) -> store.Array:
        taken.append((array, sorted(rows.tolist())))
        return take(array, rows)

    monkeypatch.setattr(store, "take", watched)
    draw, _ = ahead(numbered(40))
    for step in (0, 1):  # 12 labelled rows in groups of 4; 10 of the others, in two of 6
        draw(step)
    draw._reader.shutdown()
    x = draw._labelled._x  # the readers of other tests may still be at work
    read = [rows for array, rows in taken if array is x]
    labelled = [rows for rows in read if max(rows) < 12]
    others = [rows for rows in read if max(rows) >= 12]
    assert sorted(itertools.chain(*labelled[:3])) == list(range(12))
    assert [len(rows) for rows in labelled] == [4] * 4
    assert [len(rows) for rows in others] == [6] * 3
    assert len(set(itertools.chain(*others))) == 18


@pytest.mark.usefixtures("mapped")
def test_what_goes_wrong_in_reading_is_raised_where_the_batch_is_wanted() -> None:
    draw, _ = ahead(numbered(40))
    draw._unlabelled._x = draw._unlabelled._x[:7]
    with pytest.raises(IndexError):
        draw(0)


def test_rows_are_mixed_by_some_megabytes_and_in_blocks_unless_they_are_large() -> None:
    small, large = np.zeros((4, 16), np.float32), np.zeros((4, 300, 300, 3), np.uint8)
    stream = batches.Stream(np.arange(10**7), 100, (0, 1))
    found = batches.grouped(stream, small)
    assert (found.block, found.group) == (1 << 10, 1 << 18)
    found = batches.grouped(stream, large)
    assert (found.block, found.group) == (1, 200)
    assert found.pool is stream.pool
