"""Claim: an exported adgm errs as often with ten draws of its auxiliary latent as with a hundred.

A trained run's validation rows, classified by the mean of the latent (0) and by averages over S
draws that are the same for every row, three sets of draws each.

    SSDGM_DATA_DIR=data python -m benchmarks.draws runs/defaults/mnist-adgm/run
"""

import argparse
import statistics
from pathlib import Path

import torch

from benchmarks import results
from ssdgm_train import evaluation, resume
from ssdgm_train.data import store
from ssdgm_train.runs import directory

DRAWS, SETS = (0, 1, 2, 5, 10, 30, 100), 3
WITHIN = 0.05
"""In points: what counts as often."""


def main(run: Path) -> dict[str, object]:
    opened = resume(run)
    model, rows = opened.model, opened.split.validation
    directory.load_weights(opened.run.chosen(opened.recipe.run.select), model)
    x, y = store.Rows(opened.data.x, rows), store.take(opened.data.y, rows)
    noise = torch.Generator().manual_seed(7)
    errors: dict[int, list[float]] = {}
    for draws in DRAWS:
        for _ in range(SETS if draws else 1):
            half = torch.randn(-(-draws // 2), model.widths["eps_a"], generator=noise)
            model.frozen = torch.cat([half, -half])[:draws]
            score = evaluation.score(model, x, y, opened.device)
            errors.setdefault(draws, []).append(100 * score.error)
    means = {draws: statistics.mean(each) for draws, each in errors.items()}
    return results.write(
        "draws",
        claim="an exported adgm errs as often with ten draws of its auxiliary latent as with a "
        f"hundred, within {WITHIN} points",
        passed=abs(means[10] - means[100]) <= WITHIN,
        figures={"validation_error_percent": errors, "validation_rows": len(rows)},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    main(parser.parse_args().run)
