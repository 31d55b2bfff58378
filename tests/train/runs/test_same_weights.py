"""The same seed trains the same weights to the bit, as it did when these digests were made.

Rounding depends on the processor and on torch's build, so the digests hold on one kind of machine;
elsewhere the test says that it cannot tell. `python tests/train/runs/test_same_weights.py` makes
them anew, which only a change of the order of draws or of arithmetic may ask for.
"""

import hashlib
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

import ssdgm_train
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import loading

HERE = Path(__file__).parent
KEPT = HERE / "same_weights.json"
KEEP_ALL = {"features": {"threshold": 0.0}}  # so few steps leave no latent in use
TABLES: dict[str, dict[str, Any]] = {
    "supervised": {},
    "m1": {"model": KEEP_ALL, "phases": {"head": {"steps": 20}}},
    "m2": {"model": {"likeliest": 2}},
    "m1m2": {"model": KEEP_ALL, "phases": {"joint": {"steps": 20, "learning_rate": 1e-3}}},
}


def machine() -> str:
    """What the last bits of weights depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if platform.system() == "Linux" else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        f"{names[0] if names else platform.processor()}, {capability}, torch {torch.__version__}"
    )


def digest(method: str, folder: Path) -> str:
    """SHA-256 of the weights of a short run on digits, name by name."""
    table = {"train": {"steps": 40}, "run": {"baseline": 0}, "data": {"validation": 0.1}}
    plan = recipe.from_table({"method": method, **table, **TABLES[method]})
    session = ssdgm_train.begin(
        "digits", plan, folder / method, labelled=100, seed=3, device="cpu"
    )
    for _ in ssdgm_train.train(session):
        pass
    found = hashlib.sha256()
    for name, value in sorted(loading.load_model(session.run).state_dict().items()):
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("method", TABLES)
def test_the_same_seed_trains_the_same_weights(method: str, tmp_path: Path) -> None:
    kept = json.loads(KEPT.read_text()).get(machine())
    if kept is None:
        pytest.skip(f"no digests were made on {machine()}")
    assert digest(method, tmp_path) == kept[method]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        made = {method: digest(method, Path(place)) for method in TABLES}
    known = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    KEPT.write_text(json.dumps({**known, machine(): made}, indent=2, sort_keys=True) + "\n")
