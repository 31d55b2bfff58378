"""`train --method auto` as a user runs it: a file, the command line, and the runtime."""

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import ssdgm_runtime
from benchmarks import timing
from benchmarks.contest import sets
from benchmarks.contest.sets import INCOME, Array, Data

BATCH = 256
ROUNDS = 15
MORE = {"letter": ("--labels-as", "classes"), "adult": ("--label", INCOME)}
"""What a set needs to be told: that 26 numbers are classes; which column holds the labels."""
SPENT = "seconds.json"
Json = dict[str, Any]


def source(found: Data, y: Array, folder: Path) -> Path:
    """The data as a user would have it; a file that is there already is the same."""
    path = folder / ("data" if found.kind == "columns" else "data.npz")
    if not path.exists():
        part = path.with_name(f"part-{path.name}")
        (_tables if found.kind == "columns" else _arrays)(found, y, part)
        part.rename(path)
    return path


def _arrays(found: Data, y: Array, path: Path) -> None:
    np.savez(path, x=found.x, y=y, x_test=found.x_test, y_test=found.y_test)


def _tables(found: Data, y: Array, path: Path) -> None:
    """A folder of train.csv, where labels are missing, and test.csv."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for part, x, codes in (("train", found.x, y), ("test", found.x_test, found.y_test)):
        with (path / f"{part}.csv").open("w", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow([*found.names, INCOME])
            lines.writerows([*row, _word(found, code)] for row, code in zip(x, codes, strict=True))


def _word(found: Data, code: int) -> str:
    return "" if code == sets.UNKNOWN else found.classes[code]


def rows(found: Data) -> Any:  # noqa: ANN401
    """The test rows as the runtime takes them: an array, or columns by their names."""
    if found.kind != "columns":
        return found.x_test
    return {
        name: _column(column) for name, column in zip(found.names, found.x_test.T, strict=True)
    }


def _column(texts: Array) -> list[float | str | None]:
    """Numbers where all texts are some; None where one is empty."""
    try:
        return [float(text) if text else None for text in texts]
    except ValueError:
        return [text or None for text in texts]


def some(given: Any, at: Array) -> Any:  # noqa: ANN401
    """Some of the rows."""
    if isinstance(given, dict):
        return {name: [column[i] for i in at] for name, column in given.items()}
    return given[at]


def cli(log: Path, *words: str, spent: Path | None = None) -> int:
    """A command, its output in a log; the seconds it took are added to a file as it goes."""
    former = json.loads(spent.read_text()) if spent and spent.exists() else 0.0
    begun = time.perf_counter()
    with log.open("a") as stream:
        command = [sys.executable, "-m", "ssdgm_export", *words]
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
        try:
            code = None
            while code is None:
                code = _waited(process)
                if spent:
                    spent.write_text(json.dumps(former + time.perf_counter() - begun))
        finally:
            process.terminate()  # where this process is interrupted
    return code


def _waited(process: subprocess.Popen[bytes]) -> int | None:
    """The exit code, if it ends within some seconds."""
    try:
        return process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return None


def tidy(folder: Path, minutes: float) -> None:
    """Remove a run of other minutes."""
    path = folder / "run" / "run.json"
    if path.exists() and json.loads(path.read_text())["portfolio"]["budget"] != minutes:
        for each in (folder / "run", folder / "bundle.ssdgm"):
            shutil.rmtree(each, ignore_errors=True)
        (folder / SPENT).unlink(missing_ok=True)


def train(path: Path, folder: Path, name: str, seed: int, minutes: float) -> None:
    """Train, or go on where a run was interrupted.

    Raises:
        SystemExit: The command failed.
    """
    run = folder / "run"
    if (run / "result.json").exists():
        return
    if (run / "run.json").exists():
        words = ["--resume", str(run)]
    else:
        shutil.rmtree(run, ignore_errors=True)
        words = [str(path), "--method", "auto", "--budget", f"{minutes:g}", "--out", str(run)]
        words += ["--seed", str(seed), "--device", "cpu", *MORE.get(name, ())]
    log = folder / "train.log"
    if cli(log, "train", *words, "--json", "--quiet", spent=folder / SPENT):
        sys.exit(f"train failed, see {log}")


def bundled(folder: Path) -> tuple[Path, bool]:
    """The run's bundle, and whether it verifies.

    Raises:
        SystemExit: The run could not be converted.
    """
    bundle, log = folder / "bundle.ssdgm", folder / "bundle.log"
    if not bundle.exists() and cli(log, "convert", str(folder / "run"), "-o", str(bundle)):
        sys.exit(f"convert failed, see {log}")
    return bundle, not cli(log, "verify", str(bundle))


def answered(bundle: Path, found: Data) -> tuple[Array, float]:
    """Which test rows the runtime has wrong, and its microseconds a row on one thread."""
    given = rows(found)
    truth = np.array(found.classes)[found.y_test] if found.classes else found.y_test
    batch = some(given, np.resize(np.arange(len(truth)), BATCH))
    with ssdgm_runtime.load(bundle, threads=1) as model:
        wrong = model.predict(given) != truth
        seconds = timing.medians({"": lambda: model.classify(batch)}, ROUNDS)[""]
    return wrong, timing.micros(seconds) / BATCH


def compete(
    found: Data, y: Array, folder: Path, name: str, seed: int, minutes: float
) -> tuple[Json, Array]:
    """What a cell holds, and which test rows are wrong."""
    tidy(folder, minutes)
    path = source(found, y, folder)
    train(path, folder, name, seed, minutes)
    bundle, verified = bundled(folder)
    wrong, micros = answered(bundle, found)
    run, result = (
        json.loads((folder / "run" / f"{part}.json").read_text()) for part in ("run", "result")
    )
    (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    portfolio = run["portfolio"]
    about = {
        "minutes": json.loads((folder / SPENT).read_text()) / 60,
        "budget_minutes": portfolio["budget"],
        "commit": commit(),
        "method": run["recipe"]["method"],
        "chosen": portfolio["chosen"],
        "run_error": result["test"]["error"],
        "runtime_equal": abs(result["test"]["error"] - float(wrong.mean())) < 1e-9,
        "verified": verified,
        "bundle_bytes": sum(p.stat().st_size for p in bundle.rglob("*") if p.is_file()),
        "microseconds_a_row": micros,
        "baseline": _baseline(result["baseline"]),
    }
    return about, wrong


def commit() -> str:
    """The commit that a cell was run at; empty outside of a checkout."""
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=10", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _baseline(kept: Json | None) -> Json | None:
    """The run's own baseline on the labels alone."""
    if not kept or not kept["test"]:
        return None
    return {"method": kept["method"], "error": kept["test"]["baseline"]}
