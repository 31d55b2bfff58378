"""From a run to a bundle: the same bytes every time, whole or not at all."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import cases
import exported
import numpy as np
import pytest

import ssdgm_export
import ssdgm_train
from ssdgm_export.bundle import convert, golden
from ssdgm_export.proof import parity
from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.console import commands, summaries
from ssdgm_runtime.engine import session
from ssdgm_train.runs import directory, loading, records


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_same_run_gives_the_same_bytes_under_another_name_in_another_place(
    m2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = ssdgm_export.convert(os.path.relpath(m2 / "run"), "another-name.ssdgm")
    assert contents(made.path) == contents(m2 / "bundle.ssdgm")


@pytest.mark.slow
def test_a_fresh_process_gives_the_same_bytes(m2: Path, tmp_path: Path) -> None:
    words = (sys.executable, "-m", "ssdgm_export", "convert", m2 / "run", "-o", "fresh.ssdgm")
    environment = {**os.environ, "PYTHONHASHSEED": "5", "OMP_NUM_THREADS": "2", "TZ": "Asia/Tokyo"}
    subprocess.run(words, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert contents(tmp_path / "fresh.ssdgm") == contents(m2 / "bundle.ssdgm")


def test_a_zip_has_the_folder_s_files_and_id_and_the_same_bytes_again(
    baseline: Path, tmp_path: Path
) -> None:
    one = ssdgm_export.convert(baseline / "run", tmp_path / "a.ssdgm.zip")
    os.utime(baseline / "run")
    other = ssdgm_export.convert(baseline / "run", tmp_path / "b.ssdgm.zip")
    assert one.path.read_bytes() == other.path.read_bytes()
    shutil.unpack_archive(one.path, tmp_path / "unpacked")
    assert contents(tmp_path / "unpacked") == contents(baseline / "bundle.ssdgm")
    with model.load(one.path) as zipped, model.load(baseline / "bundle.ssdgm") as folder:
        assert zipped.info["id"] == folder.info["id"] == one.id
        assert zipped.verify().passed
    assert one.bytes == sum(map(len, contents(tmp_path / "unpacked").values()))


def test_created_is_when_the_run_ended_or_source_date_epoch(
    baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = directory.Run(baseline / "run").result
    assert result is not None
    assert section(baseline / "bundle.ssdgm")["created"] == result.ended
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1400000000")
    made = ssdgm_export.convert(baseline / "run", tmp_path / "dated.ssdgm")
    assert section(made.path)["created"] == "2014-05-13T16:53:20+00:00"


@pytest.mark.parametrize("epoch", ["yesterday", "1e30", "99999999999999999999"])
def test_a_source_date_epoch_that_is_no_date_is_an_error(
    epoch: str, baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(errors.InputError, match="SOURCE_DATE_EPOCH"):
        ssdgm_export.convert(baseline / "run", tmp_path / "dated.ssdgm")
    assert exported.left_behind(tmp_path) == []


def section(path: Path) -> manifest.Json:
    return manifest.loads((path / "manifest.json").read_bytes()).section


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_what_lies_there_is_not_overwritten(kind: str, baseline: Path, tmp_path: Path) -> None:
    out = tmp_path / "taken.ssdgm"
    {"file": out.touch, "folder": out.mkdir, "dangling link": lambda: out.symlink_to("nowhere")}[
        kind
    ]()
    with pytest.raises(errors.OutputExists, match=r"taken\.ssdgm already exists\. Give"):
        ssdgm_export.convert(baseline / "run", out)
    assert exported.left_behind(tmp_path) == ["taken.ssdgm"]


@pytest.mark.parametrize("name", ["digits", "digits.onnx", "digits.zip", "digits.ssdgm.tar"])
def test_another_suffix_is_refused(name: str, baseline: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match=r"ends in \.ssdgm"):
        ssdgm_export.convert(baseline / "run", tmp_path / name)
    assert exported.left_behind(tmp_path) == []


def test_a_missing_parent_folder_is_an_error(baseline: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.DataNotFound, match="no folder"):
        ssdgm_export.convert(baseline / "run", tmp_path / "none/a.ssdgm")
    assert exported.left_behind(tmp_path) == []


def test_a_run_that_has_not_ended_is_refused(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", cases.separable(labelled=60))
    steps = ssdgm_train.train(
        ssdgm_train.begin(source, cases.small_recipe(), tmp_path / "run", device="cpu")
    )
    for _ in range(8):
        next(steps)
    steps.close()
    with pytest.raises(directory.RunError, match="train --resume"):
        ssdgm_export.convert(tmp_path / "run", tmp_path / "early.ssdgm")
    assert exported.left_behind(tmp_path) == ["rows.npz", "run"]


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("empty", "missing"):
        with pytest.raises(directory.RunError, match="not a run directory"):
            ssdgm_export.convert(tmp_path / place, tmp_path / "a.ssdgm")
    assert exported.left_behind(tmp_path) == ["empty"]


def test_a_run_whose_data_has_moved_is_converted_with_its_new_place(
    baseline: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(baseline / "run", tmp_path / "run")
    source = _point_elsewhere(run, tmp_path / "gone.npz")
    with pytest.raises(errors.DataNotFound, match=r"gone\.npz"):
        ssdgm_export.convert(run, tmp_path / "a.ssdgm")
    made = ssdgm_export.convert(run, tmp_path / "a.ssdgm", data=source)
    assert contents(made.path) == contents(baseline / "bundle.ssdgm")


def test_a_bundle_does_not_lie_among_the_data(baseline: Path, tmp_path: Path) -> None:
    run = shutil.copytree(baseline / "run", tmp_path / "run")
    source = _point_elsewhere(run, tmp_path / "gone.npz")
    (tmp_path / "set").mkdir()
    shutil.copy(source, tmp_path / "set" / "rows.npz")
    with pytest.raises(errors.InputError, match=r"a\.ssdgm, inside the data"):
        ssdgm_export.convert(run, tmp_path / "set" / "a.ssdgm", data=str(tmp_path / "set"))
    assert exported.left_behind(tmp_path / "set") == ["rows.npz"]


def test_a_run_whose_data_has_changed_is_refused(baseline: Path, tmp_path: Path) -> None:
    run = shutil.copytree(baseline / "run", tmp_path / "run")
    source = _point_elsewhere(run, tmp_path / "rows.npz")
    arrays = dict(np.load(source))
    arrays["x"][0, 0, 0] ^= 1
    np.savez(tmp_path / "rows.npz", **arrays)
    with pytest.raises(directory.RunError, match="has changed since the run began"):
        ssdgm_export.convert(run, tmp_path / "a.ssdgm")
    assert exported.left_behind(tmp_path) == ["rows.npz", "run"]


def _point_elsewhere(run: Path, source: Path) -> str:
    """Let a run's document name another place; returns the former one."""
    described = json.loads((run / "run.json").read_text())
    former = loading.place(str(described["data"]["source"]), run)
    described["data"]["source"] = str(source)
    directory.write_json(run / "run.json", described)
    return former


def _fails(error: BaseException) -> object:
    def call(*_: object, **__: object) -> NoReturn:
        raise error

    return call


@pytest.mark.parametrize("suffix", [".ssdgm", ".ssdgm.zip"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["writing", "opening", "renaming"])
def test_an_interruption_at_any_moment_leaves_nothing_behind(
    moment: str,
    error: BaseException,
    suffix: str,
    baseline: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if moment == "writing":
        monkeypatch.setattr(Path, "write_bytes", _half_written(error))
    elif moment == "opening":
        monkeypatch.setattr(model, "load", _fails(error))
    else:
        monkeypatch.setattr(os, "replace", _fails(error))
    files = contents(baseline / "bundle.ssdgm")
    del files["SHA256SUMS"]
    with pytest.raises(type(error)):
        convert._write(tmp_path / f"a{suffix}", files, ["fp32"])
    assert exported.left_behind(tmp_path) == []


def _half_written(error: BaseException) -> object:
    def write(path: Path, data: bytes) -> NoReturn:
        with path.open("wb") as stream:
            stream.write(data[: len(data) // 2])
        raise error

    return write


def test_a_bundle_whose_own_golden_rows_fail_is_not_written(
    baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = golden.files

    def wrong(*given: object) -> dict[str, bytes]:
        found = honest(*given)  # type: ignore[arg-type]
        names = [f"golden/classifier/fp32/{k}.npy" for k in ("logits", "probs")]
        return {**found, names[0]: found[names[1]]}

    monkeypatch.setattr(golden, "files", wrong)
    with pytest.raises(
        parity.ParityError, match=r"logits of the written classifier \(fp32\)"
    ) as caught:
        ssdgm_export.convert(baseline / "run", tmp_path / "a.ssdgm")
    assert caught.value.exit_code == 1
    assert exported.left_behind(tmp_path) == []


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils' sha256sum")
def test_sha256sum_agrees(m2: Path) -> None:
    words = ("sha256sum", "--check", "--strict", "SHA256SUMS")
    done = subprocess.run(words, cwd=m2 / "bundle.ssdgm", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    checked = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    assert checked == contents(m2 / "bundle.ssdgm").keys() - {"SHA256SUMS"}


@pytest.mark.parametrize("name", ["baseline", "m2"])
def test_onnxruntime_s_own_reader_opens_it(name: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(name) / "bundle.ssdgm"
    ort = session.engine()
    if not hasattr(ort, "ModelPackageContext"):
        pytest.skip(f"onnxruntime {ort.__version__} has no model-package reader")
    about = manifest.loads((path / "manifest.json").read_bytes())
    package = ort.ModelPackageContext(str(path))
    assert set(package.get_component_names()) == set(about.graphs)
    for component, spec in about.graphs.items():
        variants = [v for v in about.variants if v.component == component]
        assert list(package.get_variant_names(component)) == [v.name for v in variants]
        for variant in variants:
            found = package.get_variant_ep_name(component, variant.name)
            assert found == variant.provider
        chosen = package.select_component(component, ort.ModelPackageOptions(ort.SessionOptions()))
        assert chosen.get_selected_variant_name() == "cpu-fp32"
        folder = Path(chosen.get_selected_variant_folder_path())
        assert folder.resolve() == (path / f"models/{component}/fp32").resolve()
        engine = chosen.create_session(ort.SessionOptions())
        assert {i.name for i in engine.get_inputs()} == {t.name for t in spec.inputs}


def test_the_manifest_survives_a_round_trip(m2: Path) -> None:
    text = (m2 / "bundle.ssdgm/manifest.json").read_text()
    about = manifest.loads(text)
    assert manifest.dumps(about) == text
    assert manifest.dumps(dataclasses.replace(about, document={})) == text


def test_the_manifest_tells_of_the_run(m2: Path) -> None:
    found = section(m2 / "bundle.ssdgm")
    run, result = directory.Run(m2 / "run").read(), directory.Run(m2 / "run").result
    assert result is not None
    told = found["training"]
    assert told["data_digest"] == run.data.digest
    assert told["split_digest"] == run.split
    for key in ("labelled", "unlabelled", "validation_labels_are_extra"):
        assert told[key] == getattr(run.data, key)
    for key in ("validation", "test"):
        assert told[key] == records.plain(getattr(result, key))
    assert found["model"]["config"]["hidden"] == [8]
    assert found["labels"]["values"] == [*run.data.classes]
    reports = {
        name: json.loads((m2 / f"bundle.ssdgm/reports/{name}.json").read_text())
        for name in ("parity", "training")
    }
    assert reports["parity"] == found["parity"]
    assert reports["training"] == {
        "recipe": run.recipe,
        "seed": 1,
        "result": json.loads(json.dumps(records.plain(result))),
    }


def test_a_bundle_has_a_name_a_version_and_a_description(m2: Path, tmp_path: Path) -> None:
    said = {"name": "cells, benign or not", "version": "1.4.0-rc.1", "description": "What it is."}
    made = ssdgm_export.convert(m2 / "run", tmp_path / "a.ssdgm", **said)
    with model.load(made.path) as opened:
        info = opened.info
        assert {key: info[key] for key in said} == said
        assert info["method"] == "m2"
        assert info["created"] == directory.ended(directory.Run(m2 / "run")).ended
        assert info["trained"]["labelled"] == 54
        assert info["trained"]["test"]["rows"] == 12
        report = opened.health()
        assert (report.passed, report.digests) == (True, False)
    shown = summaries.inspect(commands.inspect(made.path))
    assert shown.startswith("cells, benign or not  What it is.")
    assert "\nversion 1.4.0-rc.1, of 20" in shown
    assert "\ntrained m2 on 54 labelled and 30 unlabelled rows; error " in shown
    card = (made.path / "README.md").read_text()
    assert "# cells, benign or not\n\nWhat it is.\n\nVersion 1.4.0-rc.1, of 20" in card


@pytest.mark.parametrize(
    "said",
    [{"name": " "}, {"name": "a\nb"}, {"version": ""}, {"version": "1 0"}, {"description": ""}],
)
def test_what_is_no_name_or_version(said: dict[str, str], m2: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match=next(iter(said))):
        ssdgm_export.convert(m2 / "run", tmp_path / "a.ssdgm", **said)
    assert exported.left_behind(tmp_path) == []
