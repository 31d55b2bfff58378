"""Make the checked-in golden bundle anew: `make golden`. The tests of the runtime read it.

The bundle is a small M2 of scikit-learn's digits; its training report is a real one.
"""

import shutil
import tempfile
from pathlib import Path

from ssdgm_export import convert
from ssdgm_train import begin, train
from ssdgm_train.recipes import recipe

BUNDLE = Path(__file__).parent / "m2-tiny.ssdgm"
SETTINGS = (
    "model.network=mlp",
    "model.hidden=12",
    "model.latent=2",
    "train.steps=1500",
    "model.alpha=4.0",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        plan = recipe.load(None, "m2", (*SETTINGS, "model.batch_norm=false"))
        for _ in train(begin("digits", plan, run, labelled=100, seed=0, device="cpu")):
            pass
        made = convert(run, Path(folder) / BUNDLE.name, license="Apache-2.0")
        shutil.rmtree(BUNDLE, ignore_errors=True)
        shutil.copytree(made.path, BUNDLE)
    assert made.bytes < 60_000, made.bytes


if __name__ == "__main__":
    main()
