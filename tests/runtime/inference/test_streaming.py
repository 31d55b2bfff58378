"""Many rows and many callers: streams in order, batches of single rows, and how both end."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.inference import batching
from ssdgm_runtime.labels import classes
from ssdgm_runtime.rows.drift import DriftWarning


def rows(n: int, like: np.ndarray) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 17, (n, *like.shape[1:])).astype(like.dtype)


@pytest.fixture(name="x")
def _x(images: np.ndarray) -> np.ndarray:
    return rows(23, images)


class TestIter:
    @pytest.mark.parametrize("workers", [1, 3])
    @pytest.mark.parametrize("size", [1, 5, 23, 100])
    def test_pieces_come_in_order_whatever_the_source(
        self, tiny: model.Model, x: np.ndarray, tmp_path: Path, size: int, workers: int
    ) -> None:
        np.save(tmp_path / "x.npy", x)
        expected = tiny.classify(x).probs
        batches = [x[:2], x[2:2], x[2:20], *x[20:]]
        for source in (x, tmp_path / "x.npy", str(tmp_path / "x.npy"), iter(x), batches):
            found = list(tiny.classify_iter(source, batch_size=size, workers=workers))
            assert [len(part) for part in found][:-1] == [size] * ((len(x) - 1) // size)
            assert np.array_equal(np.concatenate([part.probs for part in found]), expected)

    @pytest.mark.parametrize("workers", [1, 3])
    def test_unusual_rows_are_told_once_a_stream(
        self, tiny: model.Model, x: np.ndarray, workers: int
    ) -> None:
        bright = x + np.arange(len(x), dtype=np.uint8)[:, None, None] + np.uint8(17)
        for _ in range(2):
            with pytest.warns(DriftWarning) as caught:
                pieces = list(tiny.classify_iter(bright, batch_size=5, workers=workers))
            assert len(pieces) == 5
            assert len(caught) == 1
        with pytest.warns(DriftWarning) as caught:
            tiny.classify(bright), tiny.classify(bright)
        assert len(caught) == 2, "calls of one's own are not a stream"

    def test_no_rows_give_no_pieces(self, tiny: model.Model, x: np.ndarray) -> None:
        assert list(tiny.classify_iter(x[:0])) == list(tiny.classify_iter([])) == []

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_generator_is_read_no_further_than_needed(
        self, tiny: model.Model, x: np.ndarray, workers: int
    ) -> None:
        taken = []

        def source() -> Iterator[np.ndarray]:
            for i in range(1000):
                taken.append(i)
                yield x[i % 23]

        found = tiny.classify_iter(source(), batch_size=4, workers=workers)
        next(found)
        found.close()
        assert len(taken) <= 4 * 2 * workers

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_bad_row_is_an_error_after_the_pieces_before_it(
        self, tiny: model.Model, x: np.ndarray, workers: int
    ) -> None:
        source = iter([x[:4], x[4:8].astype(np.float64)])
        found = tiny.classify_iter(source, batch_size=4, workers=workers)
        assert len(next(found)) == 4
        with pytest.raises(errors.InputError):
            next(found)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_source_that_fails_does_so_after_all_rows_before(
        self, tiny: model.Model, x: np.ndarray, workers: int
    ) -> None:
        def source() -> Iterator[np.ndarray]:
            yield x[:10]
            raise ZeroDivisionError("the camera is gone")

        found = tiny.classify_iter(source(), batch_size=4, workers=workers)
        assert [len(next(found)) for _ in range(3)] == [4, 4, 2]
        with pytest.raises(ZeroDivisionError, match="camera"):
            next(found)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_source_may_fill_one_array_again_and_again(
        self, tiny: model.Model, x: np.ndarray, workers: int
    ) -> None:
        def source() -> Iterator[np.ndarray]:
            frame = np.empty_like(x[0])
            for row in x:
                frame[:] = row
                yield frame

        found = list(tiny.classify_iter(source(), batch_size=5, workers=workers))
        expected = tiny.classify(x).probs
        assert np.array_equal(np.concatenate([part.probs for part in found]), expected)

    def test_what_is_no_source_is_refused(self, tiny: model.Model, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", x=np.zeros(3))
        (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY no")
        for source, error in (
            (3, errors.InputError),
            (np.array(3), errors.InputError),
            (tmp_path / "none.npy", errors.DataNotFound),
            (tmp_path / "x.npz", errors.InputError),
            (tmp_path / "x.txt", errors.DataNotFound),
            (tmp_path / "bad.npy", errors.DataError),
        ):
            with pytest.raises(error):
                list(tiny.classify_iter(source))
        for bad in ({"batch_size": 0}, {"workers": 0}, {"workers": 10**9}):
            with pytest.raises(errors.InputError):
                tiny.classify_iter([], **bad)


def test_a_coroutine_may_wait_for_an_answer(tiny: model.Model, x: np.ndarray) -> None:
    async def ask() -> np.ndarray:
        both = await asyncio.gather(tiny.aclassify(x[:5]), tiny.aclassify(x[5:]))
        return np.concatenate([found.probs for found in both])

    assert np.array_equal(asyncio.run(ask()), tiny.classify(x).probs)


class TestBatcher:
    def test_every_row_gets_its_own_answer(self, tiny: model.Model, x: np.ndarray) -> None:
        expected = tiny.classify(x)
        with tiny.batcher(max_batch=8) as batcher:
            futures = [batcher.submit(row) for row in x]
        for i, future in enumerate(futures):
            found = future.result(0)
            assert len(found) == 1
            assert found.names == [expected.names[i]]
            assert np.array_equal(found.probs[0], expected.probs[i])

    def test_rows_are_computed_together(
        self, tiny: model.Model, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes, classify = [], tiny.classify
        monkeypatch.setattr(tiny, "classify", lambda x: sizes.append(len(x)) or classify(x))
        with tiny.batcher(max_batch=10, max_delay_ms=10_000) as batcher:
            futures = [batcher.submit(row) for row in x]
            for future in futures[:20]:
                future.result(10)
            assert sizes == [10, 10]
        assert sizes == [10, 10, 3]

    def test_a_row_waits_no_longer_than_it_may(self, tiny: model.Model, x: np.ndarray) -> None:
        with tiny.batcher(max_batch=100, max_delay_ms=1) as batcher:
            assert len(batcher.submit(x[0]).result(10)) == 1
        with tiny.batcher(max_batch=100, max_delay_ms=0) as batcher:
            assert len(batcher.submit(x[0]).result(10)) == 1

    def test_a_caller_may_fill_its_row_again(self, tiny: model.Model, x: np.ndarray) -> None:
        frame, expected = x[0].copy(), tiny.classify(x[:1]).probs
        with tiny.batcher(max_delay_ms=60_000) as batcher:
            future = batcher.submit(frame)
            frame[:] = 16 - frame
        assert np.array_equal(future.result(0).probs, expected)

    @pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
    def test_a_callback_that_ends_its_thread_ends_no_other_s(
        self, tiny: model.Model, x: np.ndarray, error: type[BaseException]
    ) -> None:
        def leave(_: object) -> None:
            raise error

        with tiny.batcher(max_batch=2, max_delay_ms=60_000) as batcher:
            batcher.submit(x[0]).add_done_callback(leave)
            assert len(batcher.submit(x[1]).result(10)) == 1
            again = [batcher.submit(row) for row in x[:2]]
            assert [len(future.result(10)) for future in again] == [1, 1]

    def test_a_callback_does_not_wait_for_room_that_nobody_can_make(self, x: np.ndarray) -> None:
        free, done = threading.Event(), threading.Event()
        told: list[errors.Busy] = []

        def classify(rows: np.ndarray) -> classes.Classification:
            free.wait(10)
            return classes.Classification(rows, rows, ())

        def more(_: object) -> None:
            try:
                for row in x[:2]:
                    made.submit(row)
            except errors.Busy as error:
                told.append(error)
            done.set()

        with batching.Batcher(classify, lambda row: np.asarray(row)[None], 1, 0, 1) as made:
            made.submit(x[0]).add_done_callback(more)
            free.set()
            assert done.wait(10)
        assert len(told) == 1

    @pytest.mark.parametrize("delay", [1e18, 1e300])
    def test_a_delay_longer_than_any_clock_is_one(
        self, tiny: model.Model, x: np.ndarray, delay: float
    ) -> None:
        with tiny.batcher(max_delay_ms=delay) as batcher:
            future = batcher.submit(x[0])
        assert len(future.result(10)) == 1

    def test_a_batch_is_no_larger_than_what_may_wait(
        self, tiny: model.Model, x: np.ndarray
    ) -> None:
        with tiny.batcher(max_batch=64, max_waiting=2, max_delay_ms=60_000) as batcher:
            futures = [batcher.submit(row) for row in x[:2]]
            assert [len(future.result(10)) for future in futures] == [1, 1]

    @pytest.mark.parametrize("timeout", [-1, 0, float("nan")])
    def test_who_has_no_time_is_told_at_once(self, x: np.ndarray, timeout: float) -> None:
        free = threading.Event()

        def classify(rows: np.ndarray) -> classes.Classification:
            free.wait(10)
            return classes.Classification(rows, rows, ())

        with batching.Batcher(classify, lambda row: np.asarray(row)[None], 1, 0, 1) as made:
            made.submit(x[0])
            while made._rows:  # until it is being computed
                time.sleep(0.001)
            made.submit(x[1])
            with pytest.raises(errors.Busy):
                made.submit(x[2], timeout)
            free.set()

    def test_a_bad_row_is_its_caller_s_alone(self, tiny: model.Model, x: np.ndarray) -> None:
        with tiny.batcher(max_delay_ms=10_000) as batcher:
            first = batcher.submit(x[0])
            for bad in (x[0].astype(np.float64), x, x[0, 0], "no", None, [[1, 2], [3]]):
                with pytest.raises(errors.InputError):
                    batcher.submit(bad)
            second = batcher.submit(x[1])
        assert len(first.result(0)) == len(second.result(0)) == 1

    def test_a_row_that_fails_in_its_batch_hurts_no_other(self, x: np.ndarray) -> None:
        """Such as one whose answer is not finite: the batch is computed again, row by row."""

        def classify(rows: np.ndarray) -> classes.Classification:
            if (rows == 7).any():
                raise errors.InputError("the output", "not finite", "finite numbers")
            probs = rows.reshape(len(rows), -1).astype(np.float32)
            return classes.Classification(probs, probs, ())

        with batching.Batcher(classify, lambda row: np.asarray(row)[None], 8, 10_000, 99) as made:
            futures = [made.submit(np.array([i])) for i in range(10)]
        for i, future in enumerate(futures):
            if i == 7:
                with pytest.raises(errors.InputError, match="not finite"):
                    future.result(0)
            else:
                assert future.result(0).probs.tolist() == [[i]]

    def test_whoever_brings_too_many_waits(self, x: np.ndarray) -> None:
        free = threading.Event()

        def classify(rows: np.ndarray) -> classes.Classification:
            free.wait(10)
            return classes.Classification(rows, rows, ())

        made = batching.Batcher(classify, lambda row: np.asarray(row)[None], 1, 0, 2)
        futures = [made.submit(np.zeros(1))]
        while made._rows:  # until the first is being computed
            time.sleep(0.001)
        futures += [made.submit(np.zeros(1)) for _ in range(2)]
        with pytest.raises(errors.Busy, match="2 rows wait"):
            made.submit(np.zeros(1), timeout=0.01)
        late = threading.Thread(target=lambda: futures.append(made.submit(np.zeros(1))))
        late.start()
        free.set()
        late.join(10)
        made.close()
        assert [len(future.result(0)) for future in futures] == [1] * 4

    def test_closing_answers_what_waits_and_takes_no_more(
        self, tiny: model.Model, x: np.ndarray
    ) -> None:
        batcher = tiny.batcher(max_delay_ms=60_000)
        futures = [batcher.submit(row) for row in x]
        batcher.close()
        batcher.close()
        assert all(future.done() for future in futures)
        with pytest.raises(errors.InputError, match="closed"):
            batcher.submit(x[0])
        assert not batcher._thread.is_alive()

    def test_a_request_may_be_withdrawn(self, tiny: model.Model, x: np.ndarray) -> None:
        with tiny.batcher(max_delay_ms=60_000) as batcher:
            first, second = batcher.submit(x[0]), batcher.submit(x[1])
            assert first.cancel()
        assert first.cancelled()
        assert len(second.result(0)) == 1

    def test_many_threads_share_one(self, tiny: model.Model, x: np.ndarray) -> None:
        expected, found = tiny.classify(x).probs, {}

        def ask(i: int) -> None:
            found[i] = [batcher.submit(x[i]).result(10).probs[0] for _ in range(20)]

        with tiny.batcher(max_batch=16, max_delay_ms=0.5, max_waiting=8) as batcher:
            threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(x))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        for i, answers in found.items():
            assert all(np.array_equal(answer, expected[i]) for answer in answers)
        assert len(found) == len(x)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_forked_child_is_told_to_make_its_own(
        self, tiny: model.Model, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tiny.batcher() as batcher:
            monkeypatch.setattr(batcher, "_process", -1)
            with pytest.raises(errors.InputError, match="process"):
                batcher.submit(x[0])

    @pytest.mark.parametrize(
        "bad",
        [
            {"max_batch": 0},
            {"max_batch": 2.5},
            {"max_delay_ms": -1},
            {"max_delay_ms": None},
            {"max_waiting": 0},
        ],
    )
    def test_what_makes_no_batcher_is_refused(
        self, tiny: model.Model, bad: dict[str, float]
    ) -> None:
        with pytest.raises(errors.InputError):
            tiny.batcher(**bad)


MASKED = np.ma.masked_equal(np.zeros((4, 4), np.uint8), 0)


@pytest.mark.parametrize("bad", [[[1, 2], [3]], np.zeros((2, 5), np.uint8), object(), MASKED])
def test_an_entry_that_is_no_row_is_an_error_of_the_family(
    tiny: model.Model, x: np.ndarray, bad: object
) -> None:
    found = tiny.classify_iter(iter([x[:3], bad]), batch_size=8)
    with pytest.raises(errors.InputError):
        list(found)
