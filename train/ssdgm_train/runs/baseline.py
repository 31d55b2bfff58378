"""The supervised baseline beside a run: the same rows and labels, and no use of unlabelled rows.

It is a run of its own in the directory `baseline` of the other, trained when that has come to its
last step, and compared on the same held-out rows. The outcome says what was found on these rows,
and promises nothing about others.

References:
    An Introduction to the Bootstrap (Efron and Tibshirani, 1993), sections 8.3 and 13.3.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_train import seeds
from ssdgm_train.methods import supervised
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, loading, session
from ssdgm_train.runs.records import Comparison
from ssdgm_train.training import loop

FOLDER = "baseline"
DRAWS = 10_000
LEVEL = (2.5, 97.5)
TAKEN = ("hidden", "network", "channels", "binarise")
"""What the baseline's network has of the model's own."""


def beside(main: session.Session) -> session.Session | None:
    """The baseline of a run, begun or opened again; None where the run is to have none.

    Raises:
        RunError: Its directory is damaged.
    """
    wanted = main.recipe.run.baseline and main.recipe.method != supervised.METHOD.name
    if not wanted or not main.sizes.unlabelled or not main.sizes.labelled:
        return None
    path = main.run.path / FOLDER
    if not path.exists():
        _begin(main, path)
    return session.resume(path, main.data)


def _begin(main: session.Session, path: Path) -> None:
    theirs, plan = main.run.read(), _plan(main)
    record = loading.compose(
        theirs.data.source,
        main.data,
        main.split,
        theirs.problem,
        plan,
        theirs.labels,
        main.seed,
        main.device,
    )
    directory.create(path, record, main.split, {"recipe.toml": recipe.dumps(plan)})


def _plan(main: session.Session) -> recipe.Recipe:
    """The defaults of `supervised`, with the run's widths and ways."""
    steps = min(main.recipe.run.baseline, main.steps)
    return recipe.Recipe(
        method=supervised.METHOD.name,
        model=supervised.Config(**_shared(main.recipe.model)),
        train=loop.Plan(steps=steps, unlabelled_batch=1),
        data=main.recipe.data,
        run=dataclasses.replace(main.recipe.run, baseline=0),
    )


def _shared(config: Any) -> dict[str, Any]:  # noqa: ANN401  (a method's own)
    """The settings that the two have in common, from the first table that has them."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    nested: dict[str, Any] = {}
    for table in (v for v in values.values() if dataclasses.is_dataclass(v)):
        nested = {**_shared(table), **nested}
    own = {name: values[name] for name in TAKEN if name in values}
    return {
        **nested,
        **own,
        **({"hidden": values["classifier"]} if values.get("classifier") else {}),
    }


def compare(
    own: NDArray[np.int64], theirs: NDArray[np.int64], seed: int, entries: float = 1
) -> Comparison:
    """Two classifiers on the same rows.

    Args:
        own: How many entries of each row's label the run's classifier has wrong, [n].
        theirs: How many the baseline's has.
        seed: Of the bootstrap.
        entries: How many entries of a row's label are known, on average.

    Returns:
        Both errors, the baseline's less the run's, and that difference's 95 % interval: of
        resampled rows, both classifiers on each of them.
    """
    gains = theirs - own
    most = max(1, int(np.abs(gains).max()))
    shares = np.bincount(gains + most, minlength=2 * most + 1) / len(gains)
    drawn = seeds.generator(seed, seeds.BOOTSTRAP).multinomial(len(gains), shares, size=DRAWS)
    sums = drawn @ np.arange(-most, most + 1)
    low, high = np.percentile(sums / (len(gains) * entries), LEVEL)
    return Comparison(
        rows=len(gains),
        error=float(own.mean()) / entries,
        baseline=float(theirs.mean()) / entries,
        difference=float(gains.mean()) / entries,
        low=float(low),
        high=float(high),
    )


def verdict(compared: Comparison) -> str:
    """What a comparison says: "helped", "hurt" or "undecided"."""
    if compared.low > 0:
        return "helped"
    return "hurt" if compared.high < 0 else "undecided"


SAYS = {
    "helped": "the unlabelled rows helped here",
    "hurt": "the unlabelled rows hurt here",
    "undecided": "whether the unlabelled rows helped is open",
}


def sentence(compared: Comparison) -> str:
    """A comparison in words, in percent; the interval's ends say "less" or "more" themselves."""
    error, baseline = (f"{100 * share:.2f} %" for share in (compared.error, compared.baseline))
    gain = 100 * compared.difference
    ends = [100 * compared.low, 100 * compared.high]
    if gain < 0:
        ends.reverse()
    low, high = (f"{abs(end):.2f} {'more' if end < 0 else 'less'}" for end in ends)
    points = f"{abs(gain):.2f} points {'more' if gain < 0 else 'less'} error than"
    return (
        f"error {baseline} on the labels alone, {error} with the unlabelled rows too: "
        f"{points if gain else 'the same error as'} the baseline "
        f"(95 % interval {low} to {high}, {compared.rows} rows); {SAYS[verdict(compared)]}"
    )


def better(run: directory.Run) -> directory.Run:
    """The run or its baseline, whichever erred less on the validation rows; the run, if as much.

    Raises:
        RunError: There is nothing to compare.
    """
    compared = directory.ended(run).baseline
    if compared is None or compared.validation is None:
        raise directory.RunError(
            f"{run.path} has no baseline with validation rows",
            mend="Train again without --no-baseline and with data.validation above 0.",
        )
    return directory.Run(run.path / FOLDER) if compared.validation.difference < 0 else run
