"""Claim: M2 beats the supervised baseline on held-out digits with 100 labels, mean of 3 seeds.

The recipes were chosen on the validation rows of seeds 10 to 13, which `--choose` shows; each cell
of seeds 0 to 2 scores its 450 test rows once, with the recipe fixed.

    python -m benchmarks.digits
    python -m benchmarks.digits --choose
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks import results
from ssdgm_train import begin, train
from ssdgm_train.recipes import recipe

RECIPES = Path(__file__).resolve().parent.parent / "examples" / "recipes"
METHODS = ("supervised", "m2")


CHOICE = (10, 11, 12, 13)


def error(method: str, seed: int, folder: Path, part: str = "test") -> float:
    """Error on the test or the validation rows, 0 to 1."""
    plan = recipe.load(RECIPES / f"{method}-digits.toml")
    session = begin("digits", plan, folder / f"{method}-{seed}", labelled=100, seed=seed)
    for _ in train(session):
        pass
    assert session.run.result is not None
    found: float = getattr(session.run.result, part).error
    return found


def choose() -> None:
    """Print the validation errors that the recipes were chosen by."""
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            found = [error(method, seed, Path(folder), "validation") for seed in CHOICE]
            print(method, [round(100 * e, 1) for e in found], f"{statistics.mean(found):.2%}")


def main(seeds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        errors = {m: [error(m, s, Path(folder)) for s in range(seeds)] for m in METHODS}
    means = {name: statistics.mean(found) for name, found in errors.items()}
    return results.write(
        "digits",
        claim="M2 beats the supervised baseline on digits with 100 labels",
        passed=means["m2"] < means["supervised"],
        figures={
            **{f"{m}_test_error_percent": [100 * e for e in found] for m, found in errors.items()},
            **{f"{m}_mean_percent": 100 * mean for m, mean in means.items()},
            **{f"{m}_stdev_percent": 100 * statistics.stdev(e) for m, e in errors.items()},
            "seeds": seeds,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="print validation errors instead")
    given = parser.parse_args()
    choose() if given.choose else main(given.seeds)
