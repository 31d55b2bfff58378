"""A step that does not fit into memory says which batch would."""

import itertools
from pathlib import Path

import cases
import pytest
import torch

import ssdgm_train
from ssdgm_runtime import errors
from ssdgm_train import method
from ssdgm_train.training import loop, memory

ALLOWED = 1 << 50
"""Bytes that no machine has: torch's own allocator refuses them."""


def rows(labelled: int, unlabelled: int) -> method.Batch:
    return method.Batch(
        torch.zeros(labelled, 3),
        torch.zeros(labelled, dtype=torch.int64),
        torch.zeros(unlabelled, 3),
    )


def needs(most: int, tried: list[tuple[int, int]]) -> object:
    """What allocates too much for more rows than so many."""

    def attempt(batch: method.Batch) -> None:
        tried.append((len(batch.x), len(batch.u)))
        if sum(tried[-1]) > most:
            torch.empty(ALLOWED)

    return attempt


@pytest.mark.parametrize(
    ("most", "labelled", "unlabelled", "text"),
    [
        (300, 100, 1000, "train.labelled_batch=25 and train.unlabelled_batch=250, which fits"),
        (2, 7, 0, "train.labelled_batch=2, which fits"),
        (0, 4, 4, "Make the model smaller, or free some memory"),
    ],
)
def test_the_largest_half_that_fits_is_said(
    most: int, labelled: int, unlabelled: int, text: str
) -> None:
    tried: list[tuple[int, int]] = []
    error = memory.explained(12, rows(labelled, unlabelled), needs(most, tried))  # type: ignore[arg-type]
    assert text in str(error)
    assert f"Step 12 needs more memory than there is, with {labelled} labelled" in str(error)
    assert "--resume: the last checkpoint is kept" in str(error)
    assert tried == sorted(tried, reverse=True)


def test_a_network_that_refuses_so_few_rows_is_no_help() -> None:
    def attempt(_: method.Batch) -> None:
        raise ValueError("Expected more than 1 value per channel when training")

    assert "Make the model smaller" in str(memory.explained(1, rows(2, 2), attempt))


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (errors.OutOfMemory("said already"), False),
        (KeyError("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out(error: BaseException, is_memory: bool) -> None:
    assert memory.exceeded(error) is is_memory


def test_a_run_that_is_out_of_memory_keeps_its_checkpoint_and_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = cases.saved(tmp_path / "set.npz", cases.separable("binomial-uint8", 60, test=30))

    def begin(name: str) -> ssdgm_train.runs.session.Session:
        plan = cases.small_recipe("m2", "train.unlabelled_batch=16")
        return ssdgm_train.begin(source, plan, tmp_path / name, labelled=12, device="cpu")

    list(ssdgm_train.train(begin("whole")))
    session = begin("run")
    steps = ssdgm_train.train(session)
    list(itertools.islice(steps, 6))
    play, slopes = loop._play, loop._slopes

    def greedy(*turn: object) -> object:
        if len(turn[-1].u) > 8:  # type: ignore[attr-defined]
            torch.empty(ALLOWED)
        return slopes(*turn)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_slopes", greedy)
        with pytest.raises(errors.OutOfMemory, match=r"Step 7 .*unlabelled_batch=8, which fits"):
            list(steps)
    assert loop._play is play
    list(ssdgm_train.train(ssdgm_train.resume(tmp_path / "run")))
    assert cases.outcome(tmp_path / "run") == cases.outcome(tmp_path / "whole")
