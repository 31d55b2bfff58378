"""Measure every claim again and rewrite the tables of the pages that show them.

python -m benchmarks.run                    # all of them
python -m benchmarks.run startup digits     # some
python -m benchmarks.run --table            # the table alone, from results/
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import clusters, defaults, outliers

FOLDER = Path(__file__).resolve().parent
SCRIPTS = (
    *("startup", "opening", "latency", "isolation", "precision", "streaming", "serving"),
    "service",
    "small_table",
    *("training_step", "mixed_precision", "digits", "kill", "mnist", "loading"),
)
"""All but `paper`, `rivals`, `contest`, `defaults` and `clusters`, which take hours, `tags`, which
takes half an hour and needs its two sets, `outliers`, which takes as long and needs ADBench's,
`numbers`, `nuclei`, `poses`, `series` and `seizures`, which take hours and need sets of their own,
`views`, which takes an hour and needs mfeat, `big_table`, which needs 4 GB of disk and half an
hour, `cluster`, which needs Ray, and `m1_bound`, which needs the authors' weights."""
MODELS = {"m2": "M2", "m1m2": "M1+M2", "softplus": "M2 with softplus"}
PEERS = {
    "onnxruntime": "onnxruntime alone",
    "openvino": "OpenVINO",
    "torch": "torch",
    "torch.compile": "torch.compile",
}
PAPER = FOLDER / "results" / "paper-default" / "table.md"
RIVALS = FOLDER / "results" / "rivals" / "table.md"
CONTEST = FOLDER / "results" / "contest" / "table.md"
LONG = "table"
"""The figures of a result that a page shows as a table of their own."""


def table() -> str:
    """One line a claim."""
    lines = ["| claim | holds | figures | measured |", "|---|---|---|---|"]
    for path in sorted((FOLDER / "results").glob("*.json")):
        found = json.loads(path.read_text())
        figures = ", ".join(
            f"{key} {_short(value)}" for key, value in found["figures"].items() if key != LONG
        )
        machine = f"{found['machine']['cores']} cores of {found['machine']['processor']}"
        measured = f"{found['measured']}, {machine}: `{found['command']}`"
        holds = "yes" if found["passed"] else "**no**"
        lines.append(f"| {found['claim']} | {holds} | {figures} | {measured} |")
    return "\n".join(lines) + "\n"


def speed() -> str:
    """What a call takes with others, as a multiple of ours in fp32, by batch size."""
    latency, precision = (_figures(name) for name in ("latency", "precision"))
    batches = latency["batches"]
    lines = ["|".join(["", " time over ours at batch ", *(f" {n} " for n in batches), ""])]
    lines.append("|---|" + "--:|" * len(batches))
    for model, title in MODELS.items():
        rows = {name: latency[model][f"{key}_over_ours"] for key, name in PEERS.items()}
        faster = precision.get(model, {}).get("times_as_fast", {})
        if faster:
            own = [1 / faster[str(n)] if str(n) in faster else None for n in batches]
            rows["ours in int8"] = own
        for name, ratios in rows.items():
            cells = ["" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
            lines.append(f"| {title}, {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _figures(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "results" / f"{name}.json").read_text())
    return found["figures"]


def rewrite() -> None:
    """Put the tables into README.md here and into docs/paper.md."""
    _put(FOLDER / "README.md", "results", table())
    _put(FOLDER / "README.md", "rivals", RIVALS.read_text())
    _put(FOLDER / "README.md", "contest", CONTEST.read_text() if CONTEST.exists() else "")
    _put(FOLDER / "README.md", "speed", speed())
    _put(FOLDER / "README.md", "defaults", defaults.table(_figures("defaults")["cells"]))
    _put(FOLDER / "README.md", "clusters", clusters.table(_figures("clusters")["cells"]))
    _put(FOLDER / "README.md", "outliers", outliers.table(_figures("outliers")))
    _put(FOLDER.parent / "docs" / "paper.md", "paper", PAPER.read_text() if PAPER.exists() else "")


def _put(path: Path, name: str, text: str) -> None:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, rest = path.read_text().split(begin)
    path.write_text(head + begin + text + end + rest.split(end, 1)[1])


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_short, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in value.items()) + "}"
    return str(value)


def main(names: list[str], only_table: bool) -> int:
    failed = []
    for name in [] if only_table else names or SCRIPTS:
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
        failed += [name] * bool(done.returncode)
    rewrite()
    return len(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCRIPTS))
    parser.add_argument("--table", dest="only_table", action="store_true")
    sys.exit(main(**vars(parser.parse_args())))
