"""What a process leaves that fails at a touch of the disk; `tests/faults.py` tries all of them."""

import shutil
import sys
from pathlib import Path

import faults
import pytest

from ssdgm_export.bundle import convert
from ssdgm_runtime import atomic

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are named by /proc")


def test_a_run_that_fails_at_any_kind_of_touch_ends_with_the_same_bits(tmp_path: Path) -> None:
    training = faults.Training(tmp_path, "train.steps=8")
    (tmp_path / "count").mkdir()
    kinds = faults.firsts(tmp_path / "count", lambda: training.run(tmp_path / "count/run"))
    assert len(kinds) > 15
    for number, fatal in enumerate(kinds):
        training.fails(fatal, faults.WAYS[number % 4])


def writing(folder: Path, suffix: str) -> faults.Writing:
    """Writing the files of a bundle, which are opened and checked on the way."""
    files = faults.contents(faults.TINY)
    del files["SHA256SUMS"]
    return faults.Writing(folder, f"a.{suffix}", lambda out: convert._write(out, files, ["fp32"]))


@pytest.mark.parametrize("suffix", ["ssdgm", "ssdgm.zip"])
def test_a_bundle_whose_writing_fails_at_any_kind_of_touch_is_whole_or_not_there(
    suffix: str, tmp_path: Path
) -> None:
    written = writing(tmp_path, suffix)
    (tmp_path / "count").mkdir()
    kinds = faults.firsts(
        tmp_path / "count", lambda: written.write(tmp_path / "count" / written.name)
    )
    assert len(kinds) >= 5
    for number, fatal in enumerate(kinds):
        for way in ("lost", faults.WAYS[number % 4]):
            written.fails(fatal, way)


def test_a_bundle_that_was_not_synced_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = writing(tmp_path, "ssdgm.zip")
    monkeypatch.setattr(atomic, "_sync", lambda _: None)
    with pytest.raises(AssertionError, match="lost at touch 3"):
        written.fails(3, "lost")  # after the zip was given its name


def test_a_bundle_that_cannot_be_read_on_is_an_error_of_ours(tmp_path: Path) -> None:
    assert faults.loading(shutil.copytree(faults.TINY, tmp_path / "b.ssdgm"), step=5) > 400


def test_a_run_that_cannot_be_read_on_is_an_error_of_ours(tmp_path: Path) -> None:
    faults.Training(tmp_path, "train.steps=8")
    assert faults.resuming(tmp_path / "whole/run", step=4) > 100
