"""What `make demo` runs: train, convert, then use the bundle where there is no torch.

Three seeds of M2 on scikit-learn's digits with 100 labels, beside what a practitioner would take
instead: the best classifier on the labels alone, and label spreading. The first M2 becomes a
bundle, which a second environment with only the runtime's wheel verifies, classifies with and
generates from. An interrupted demo goes on where it stopped.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
NAMES = {
    "baseline": "the best on the labels alone",
    "spreading": "LabelSpreading, with all rows at hand",
    "m2": "M2",
}


def main(out: Path, device: Path, seeds: int, settings: list[str]) -> dict[str, Any]:
    """Run all of it; returns what the last table shows."""
    begin = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    errors: dict[str, list[float]] = {name: [] for name in NAMES}
    for seed in range(seeds):
        step(f"train M2, 100 labels, seed {seed}")
        for name, error in compared(train(out, seed, settings)).items():
            errors[name].append(error)

    step("convert the first M2 and compare it with torch")
    bundle = out / "m2-digits.ssdgm"
    shutil.rmtree(bundle, ignore_errors=True)
    converted = tool("convert", out / "m2-0", "-o", bundle)

    step("install the runtime's wheel alone in a second environment")
    python = device_python(out, device)
    step("verify, classify, generate and time it there")
    found = use(python, out, bundle)
    report = {"errors": errors, "parity": converted["parity"], **found}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    show(report, out, time.monotonic() - begin)
    return report


def compared(told: dict[str, Any]) -> dict[str, float]:
    """The test errors of a run, its baseline, and label spreading on the same rows."""
    beside = told["baseline"]
    (spreading,) = (one for one in beside["chosen"]["others"] if one["unlabelled"])
    return {
        "baseline": beside["test"]["baseline"],
        "spreading": spreading["test"]["baseline"],
        "m2": told["test"]["error"],
    }


def train(out: Path, seed: int, settings: list[str]) -> dict[str, Any]:
    """One run, begun or gone on with."""
    run = out / f"m2-{seed}"
    if run.exists():
        return tool("train", "--resume", run)
    changes = [word for setting in settings for word in ("--set", setting)]
    words = ("digits", "--method", "m2", "--labels", 100, "--seed", seed, "--out", run)
    return tool("train", *words, *changes)


def device_python(out: Path, folder: Path) -> Path:
    """A second environment with numpy, onnxruntime and our wheel; no torch, onnx or typer."""
    python = folder / "bin" / "python"
    shutil.rmtree(out / "wheels", ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    call(*pip, "wheel", "--quiet", "--no-deps", "-w", out / "wheels", ROOT / "runtime")
    wheel = next((out / "wheels").glob("ssdgm_runtime-*.whl"))
    if not python.exists():
        call(sys.executable, "-m", "venv", folder)
    install = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    call(*install, "--force-reinstall", "-c", CONSTRAINTS, f"{wheel}[cpu]")
    return python


def use(python: Path, out: Path, bundle: Path) -> dict[str, Any]:
    """The runtime's own command line, in the environment without torch."""
    from ssdgm_train import data

    digits = data.load("digits")
    assert digits.x_test is not None
    assert digits.y_test is not None
    np.save(out / "test.npy", digits.x_test)
    for package in ("torch", "onnx", "typer"):
        code = f"import importlib.util as u; assert u.find_spec({package!r}) is None"
        call(python, "-c", code)
    runtime = (python, "-m", "ssdgm_runtime")
    verified = ask(*runtime, "verify", bundle, "--json")
    labels = out / "labels.npy"
    ask(*runtime, "classify", bundle, out / "test.npy", "-o", labels, "--force", "--json")
    wrong = np.load(labels).argmax(1) != digits.y_test
    picture = out / "generated.png"
    words = ("-n", 12, "--seed", 0, "-o", picture, "--force", "--json")
    ask(*runtime, "generate", bundle, *words)
    timed = ask(
        *runtime, "bench", bundle, "--batch", "1,64", "--seconds", "0.3", "--cold", 0, "--json"
    )
    return {"verified": verified["passed"], "error": float(wrong.mean()), "bench": timed}


def show(report: dict[str, Any], out: Path, seconds: float) -> None:
    """The figures, for people."""
    print("\ntest error on 450 held-out digits, 100 labels")
    for name, errors in report["errors"].items():
        each = ", ".join(f"{100 * error:.1f}" for error in errors)
        spread = f" ± {100 * statistics.stdev(errors):.1f}" if len(errors) > 1 else ""
        mean = 100 * statistics.mean(errors)
        print(f"  {NAMES[name]:<38}{mean:5.1f} %{spread}  (seeds: {each})")
    parity = report["parity"]
    worst = max(v for graph in parity["max_abs"].values() for v in graph.values())
    disagree = len(parity["disagreements"])
    golden = "passed" if report["verified"] else "FAILED"
    print(f"runtime, first M2: test error {100 * report['error']:.1f} %, golden rows {golden}")
    print(f"parity with torch: largest difference {worst:.1e}, {disagree} predictions differ")
    for cell in report["bench"]["cells"]:
        if cell["component"] == "classifier":
            p50, rows = cell["model"]["p50_ms"], cell["model"]["rows_per_s"]
            print(f"classify, batch {cell['batch']:>2}: {p50:.3f} ms at p50, {rows:,.0f} rows/s")
    print(f"generated digits, one line a class: {out / 'generated.png'}")
    print(f"done in {seconds:.0f} s")


def step(text: str) -> None:
    print(f"==> {text}", flush=True)


def tool(command: str, *words: object) -> dict[str, Any]:
    """`ssdgm-export COMMAND ... --json`."""
    return ask(sys.executable, "-m", "ssdgm_export", command, *words, "--json")


def ask(*words: object) -> dict[str, Any]:
    """Run a command that prints one JSON object; its messages go to our standard error."""
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed ({done.returncode}): {done.stdout}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def call(*words: object) -> None:
    subprocess.run([str(w) for w in words], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--device", type=Path, default=Path(".venv-device"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    main(**vars(parser.parse_args()))
