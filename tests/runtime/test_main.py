import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import numpy as np
import pytest

from ssdgm_runtime import __main__ as cli
from ssdgm_runtime import model
from ssdgm_runtime.console import commands


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def call(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(w) for w in words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def tiny_path(data: Path) -> Path:
    return data / "tiny.ssdgm"


@pytest.fixture
def rows(images: np.ndarray, tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", images)
    return tmp_path / "rows.npy"


COMMANDS = {
    "inspect": (),
    "verify": (),
    "classify": ("{rows}", "--top", "2"),
    "generate": ("-o", "{out}", "--seed", "1", "--class", "one", "--class", "2", "-n", "2"),
    "bench": ("--batch", "1,3", "--seconds", "0.01", "--allow-partial", "--cold", "0"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_in_words_and_as_json(
    run: Callable[..., Any], name: str, tiny_path: Path, rows: Path, tmp_path: Path
) -> None:
    for flags in ((), ("--json",)):
        out = tmp_path / f"out{len(flags)}.png"
        words = [w.format(rows=rows, out=out) for w in COMMANDS[name]]
        code, shown, err = run(name, tiny_path, *words, *flags)
        assert (code, err) == (0, "")
        assert shown.strip()
        if flags:
            assert isinstance(json.loads(shown), dict)
        else:
            with pytest.raises(ValueError, match=r"Expecting|Extra"):
                json.loads(shown)


FAILURES = {
    "nothing there": (2, ("inspect", "{tmp}/nowhere"), "BundleNotFound"),
    "no bundle": (2, ("inspect", "{rows}"), "FormatError"),
    "no such rows": (2, ("classify", "{tiny}", "{tmp}/nothing.npy"), "DataNotFound"),
    "other rows": (2, ("classify", "{tiny}", "{other}"), "InputError"),
    "other suffix": (2, ("classify", "{tiny}", "{rows}", "-o", "{tmp}/a.xls"), "InputError"),
    "output exists": (2, ("classify", "{tiny}", "{rows}", "-o", "{other}"), "OutputExists"),
    "output is the rows": (
        2,
        ("classify", "{tiny}", "{rows}", "-o", "{rows}", "--force"),
        "InputError",
    ),
    "output in the bundle": (
        2,
        ("classify", "{tiny}", "{rows}", "-o", "{tiny}/models/a.csv"),
        "InputError",
    ),
    "picture in the bundle": (2, ("generate", "{tiny}", "-o", "{tiny}/a.png"), "InputError"),
    "report in the bundle": (2, ("bench", "{tiny}", "-o", "{tiny}/a.json"), "InputError"),
    "no such picture": (
        2,
        ("generate", "{tiny}", "-o", "{tmp}/a.png", "--grid"),
        "UsageError",
    ),
    "two pictures": (
        2,
        ("generate", "{tiny}", "-o", "{tmp}/a.png", "--styles", "--walk"),
        "UsageError",
    ),
    "analogies of nothing": (
        2,
        ("generate", "{tiny}", "-o", "{tmp}/a.png", "--analogies"),
        "InputError",
    ),
    "rows of another shape": (
        2,
        ("generate", "{tiny}", "-o", "{tmp}/a.png", "--walk", "--rows", "{other}"),
        "InputError",
    ),
    "no class": (2, ("generate", "{tiny}", "-o", "{tmp}/a.png", "--class", "9"), "InputError"),
    "no provider": (
        3,
        ("verify", "{tiny}", "--provider", "NoExecutionProvider"),
        "ProviderUnavailable",
    ),
    "no word": (2, ("verify", "{tiny}", "--provider", "gpu"), "InputError"),
    "no command": (2, (), "UsageError"),
    "unknown command": (2, ("train",), "UsageError"),
    "unknown option": (2, ("inspect", "{tiny}", "--colour"), "UsageError"),
    "no number": (2, ("bench", "{tiny}", "--batch", "a"), "InputError"),
    "no condition": (2, ("bench", "{tiny}", "--fail-if", "p95=3"), "InputError"),
    "no baseline": (2, ("bench", "{tiny}", "--baseline", "{tmp}/old.json"), "DataNotFound"),
    "nothing to draw with": (3, ("bench", "{tiny}", "--plot", "{tmp}/a.png"), "MissingExtra"),
    "no torch": (3, ("bench", "{tiny}", "--against", "raw,torch"), "MissingExtra"),
    "a run without torch": (3, ("bench", "{tiny}", "--run", "{tmp}"), "MissingExtra"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_in_words_and_as_json(
    run: Callable[..., Any], case: str, tiny_path: Path, rows: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "other.npy", np.zeros((2, 3), np.uint8))
    code, words, kind = FAILURES[case]
    table = {"tiny": tiny_path, "rows": rows, "tmp": tmp_path, "other": tmp_path / "other.npy"}
    words = [w.format(**table) for w in words]
    before = sorted(os.listdir(tmp_path))
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert "Traceback" not in err
    found, out, err = run(*words, "--json")
    assert (found, err) == (code, "")
    assert json.loads(out)["error"]["type"] == kind
    assert sorted(os.listdir(tmp_path)) == before


PICTURES = {
    "styles": (("--seed", "4"), "9 rows generated (styles) with seed 4: "),
    "analogies": (("--rows", "{rows}"), "12 rows generated (analogies): "),
    "walk": (("--class", "one"), "9 rows generated (walk): "),
}


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_in_words_and_as_json(
    run: Callable[..., Any], name: str, tiny_path: Path, rows: Path, tmp_path: Path
) -> None:
    options, told = PICTURES[name]
    options = [w.format(rows=rows) for w in options]
    words = ("generate", tiny_path, f"--{name}", *options, "-n", 3, "-o")
    assert run(*words, tmp_path / "a.png") == (0, f"{told}{tmp_path / 'a.png'}\n", "")
    code, out, err = run(*words, tmp_path / "b.png", "--json")
    assert (code, err, json.loads(out)["picture"]) == (0, "", name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_failed_check_is_one(
    run: Callable[..., Any], bundle: Path, reseal: Callable[..., Path]
) -> None:
    path = bundle / "golden/decoder/fp32/x.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    reseal(bundle)
    code, out, err = run("verify", bundle)
    assert (code, err) == (1, "")
    assert "FAILED" in out
    code, out, _ = run("verify", bundle, "--json")
    assert code == 1
    assert json.loads(out)["passed"] is False


def test_a_damaged_bundle_is_two(run: Callable[..., Any], bundle: Path) -> None:
    path = bundle / "models/encoder/fp32/model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert run("verify", bundle)[0] == 2


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (RuntimeError("odd"), 70)])
def test_the_last_stop(
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tiny_path: Path,
    error: type[BaseException] | BaseException,
    code: int,
) -> None:
    def fail(bundle: Path) -> Never:
        raise error

    monkeypatch.setattr(commands, "inspect", fail)
    found, out, err = run("inspect", tiny_path)
    assert (found, out) == (code, "")
    assert "Traceback" not in err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["--version"], ["classify", "--help"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        assert caught.value.code == 0
        assert capsys.readouterr().out.strip()


def test_as_a_program(tiny_path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ssdgm_runtime", "generate", str(tiny_path)]
    command += ["-o", str(tmp_path / "a.png"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["rows"] == 24
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "OutputExists"


@pytest.mark.parametrize("program", ["ssdgm_runtime", "ssdgm_export"])
@pytest.mark.parametrize("words", [["classify", "{tiny}", "{rows}"], ["--help"], ["--version"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_error(
    tiny_path: Path, rows: Path, program: str, words: list[str], unbuffered: str
) -> None:
    if program == "ssdgm_export":
        pytest.importorskip("typer")
    filled = [w.format(tiny=tiny_path, rows=rows) for w in words]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", program, *filled],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_check_that_fails_is_told_by_the_code_though_nobody_reads(
    bundle: Path, reseal: Callable[..., Path]
) -> None:
    path = bundle / "golden/decoder/fp32/x.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    reseal(bundle)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "ssdgm_runtime", "verify", str(bundle)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "inspect"])
@pytest.mark.parametrize("program", ["ssdgm_runtime.__main__", "ssdgm_export.cli"])
def test_every_engine_option_reaches_the_model(
    monkeypatch: pytest.MonkeyPatch,
    tiny_path: Path,
    rows: Path,
    tmp_path: Path,
    program: str,
    name: str,
) -> None:
    if program == "ssdgm_export.cli":
        pytest.importorskip("typer")
    found, given = importlib.import_module(program), []

    def load(path: Path, **settings: object) -> Never:
        given.append(settings)
        raise RuntimeError

    monkeypatch.setattr(model, "load", load)
    words = [w.format(rows=rows, out=tmp_path / "out.png") for w in COMMANDS[name]]
    words += ["--provider", "cuda", "--variant", "int8", "--threads", "3", "--allow-partial"]
    apart = {} if name == "bench" else {"isolated": True}
    words += ["--isolated"] * len(apart)
    run = getattr(found, "run", None) or found.main
    assert run([name, str(tiny_path), *words]) == 70
    expected = {"provider": "cuda", "variant": "int8", "threads": 3, "allow_partial": True}
    assert given == [{**expected, **apart}]
