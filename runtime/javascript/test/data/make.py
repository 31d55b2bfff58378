"""Make what the JavaScript tests compare with: numpy's streams, and answers of the runtime.

    python runtime/javascript/test/data/make.py

`tests/runtime/test_javascript.py` compares the files with what this makes.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ssdgm_runtime import load
from ssdgm_runtime.inference import noise

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
BUNDLES = (
    "golden/m2-tiny",
    "golden/format-1.0",
    *(f"runtime/data/{n}" for n in ("mixture", "noisy", "tagged", "measured", "adversary")),
)
SEEDS = (0, 7, 2**32 + 5, 2**53 - 1, 2**63 - 1)
TAIL = 3.654
"""From here on numbers are logarithms, whose last bit differs between C libraries."""

NAMES = ("z", "x", "eps_z", "größe")


def streams() -> list[dict[str, Any]]:
    """For some seeds and names the first numbers, and a digest of many."""
    cases = []
    for seed, name in zip((*SEEDS, 0, 0, 0), ("z", "z", "z", "z", "z", *NAMES[1:]), strict=True):
        normal = noise.Stream(seed, name, 1).take(100_000)[:, 0]
        inner = normal[np.abs(normal) < TAIL]
        uniform = noise.Stream(seed, name, 1).uniform(1000)
        cases.append(
            {
                "seed": str(seed),
                "name": name,
                "normal": normal[:8].tolist(),
                "uniform": uniform[:8, 0].tolist(),
                "inner": zlib.crc32(inner.tobytes()),
                "outer": normal[np.abs(normal) >= TAIL].tolist(),
                "uniforms": zlib.crc32(uniform.tobytes()),
            }
        )
    return cases


def answers(name: str) -> dict[str, Any]:
    """What Python generates, draws and answers with a bundle."""
    model = load(ROOT / "tests" / f"{name}.ssdgm", provider="cpu", threads=1)
    plain, drawn = model.generate(None, 6, seed=3), model.generate(None, 6, seed=3, sample=True)
    given: dict[str, Any] = {
        "y": plain.y.tolist(),
        "z": plain.z.tolist(),
        "x": plain.x.tolist(),
        "drawn": drawn.x.tolist(),
        "warm": model.generate(None, 3, seed=5, temperature=1.5).x.tolist(),
    }
    if "encode" in model.tasks:
        latent, rows = model.encode(plain.as_input()), plain.as_input()
        given |= {"mean": latent.mean.tolist(), "scale": latent.scale.tolist()}
        given["again"] = model.reconstruct(rows).tolist()
    if "score" in model.tasks:
        given["score"] = model.score(plain.as_input()).score.tolist()
    if model.space.space in ("classes", "tags") and "classify" in model.tasks:
        given["probs"] = model.predict_proba(plain.as_input()).tolist()
    return given


def made() -> dict[str, str]:
    """The files' texts by their names."""
    tables = {"streams.json": streams(), "answers.json": {name: answers(name) for name in BUNDLES}}
    return {
        name: json.dumps(table, indent=None, separators=(",", ":")) + "\n"
        for name, table in tables.items()
    }


if __name__ == "__main__":
    for file, text in made().items():
        (HERE / file).write_text(text, encoding="utf-8")
