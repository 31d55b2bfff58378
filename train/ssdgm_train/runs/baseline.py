"""The baseline of a run: the best of what the same labels give without unlabelled rows, in words.

One candidate is a network, a run of its own in the directory `baseline` of the other, trained when
that has come to its last step. `choice` compares it with scikit-learn's classifiers and says which
is the baseline. The outcome says what was found on these rows, and promises nothing about others.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ssdgm_train.evaluation import ENOUGH, Baseline, Chosen, Comparison, Other, Tried
from ssdgm_train.methods.classifiers import supervised
from ssdgm_train.recipes import recipe
from ssdgm_train.regularisation.plan import Regularisation
from ssdgm_train.runs import directory, loading, session
from ssdgm_train.training import loop

FOLDER = "baseline"
TAKEN = ("hidden", "network", "channels", "pooled", "kernels", "periodic", "binarise")
"""What the baseline's network has of the model's own."""


def beside(main: session.Session) -> session.Session | None:
    """The network beside a run, begun or opened again; None where the run is to have none.

    Raises:
        RunError: Its directory is damaged.
    """
    wanted = main.recipe.run.baseline and main.recipe.method != supervised.METHOD.name
    if not wanted or not main.sizes.unlabelled or not main.sizes.labelled:
        return None
    if not supervised.METHOD.knows(type(main.model.labels)):
        return None
    path = main.run.path / FOLDER
    if not path.exists():
        _begin(main, path)
    return session.resume(path, main.data)


def _begin(main: session.Session, path: Path) -> None:
    theirs, plan = main.run.read(), _plan(main)
    record = loading.compose(
        loading.place(theirs.data.source, main.run.path),
        path,
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
    """The defaults of `supervised`, with the run's widths and ways of treating labelled rows."""
    steps, own = min(main.recipe.run.baseline, main.steps), main.recipe.regularise
    augmented = 1.0 if own.augmented else 0.0
    return recipe.Recipe(
        method=supervised.METHOD.name,
        model=supervised.Config(**_shared(main.recipe.model)),
        train=loop.Plan(steps=steps, unlabelled_batch=1, decay=main.recipe.train.decay),
        regularise=Regularisation(augmented=augmented, mirror=own.mirror),
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


def verdict(compared: Comparison) -> str:
    """What a comparison says: "helped", "hurt", "undecided", or "few" rows."""
    if compared.rows < ENOUGH:
        return "few"
    if compared.low > 0:
        return "helped"
    return "hurt" if compared.high < 0 else "undecided"


SAYS = {
    "helped": "the unlabelled rows helped here",
    "hurt": "the unlabelled rows hurt here",
    "undecided": "whether the unlabelled rows helped is open",
    "few": "too few rows to say whether the unlabelled rows helped",
}


ERROR, RMSE = "error", "rmse"
WORDS = {ERROR: "error", RMSE: "RMSE"}
"""What errors are, see `Baseline.measure`, in a sentence."""

UNITS = {ERROR: "%", RMSE: "% of the labels' deviation"}


WAYS = {
    "validation": "on the validation rows",
    "folds": "by cross-validation",
    "": "by nothing, as too few rows have labels",
}
"""What a network and scikit-learn's classifiers were compared by, see `Chosen`."""


def named(method: str) -> str:
    """A baseline's name in a sentence."""
    return "the supervised network" if method == supervised.METHOD.name else method


def sentence(
    compared: Comparison, method: str = supervised.METHOD.name, measure: str = ERROR
) -> str:
    """A comparison in words, in percent; the interval's ends say "less" or "more" themselves."""
    what, unit = WORDS[measure], UNITS[measure]
    gain = 100 * compared.difference
    ends = [100 * compared.low, 100 * compared.high]
    if gain < 0:
        ends.reverse()
    low, high = (f"{abs(end):.2f} {'more' if end < 0 else 'less'}" for end in ends)
    points = f"{abs(gain):.2f} points {'more' if gain < 0 else 'less'} {what} than"
    return (
        f"{what} {_percent(compared.baseline, unit)} on the labels alone by {named(method)}, "
        f"{_percent(compared.error)} with the unlabelled rows too: "
        f"{points if gain else f'the same {what} as'} the baseline "
        f"(95 % interval {low} to {high}, {compared.rows} rows); {SAYS[verdict(compared)]}"
    )


def others(beside: Baseline, part: str) -> list[str]:
    """A sentence for each classifier that learns from unlabelled rows too, on the same rows."""
    return [
        f"{WORDS[beside.measure]} {_percent(compared.baseline)} by {one.name}, which learns from "
        f"the same labelled and unlabelled rows ({_points(compared)} the run, {compared.rows} "
        "rows); it needs its training rows at hand, which a bundle does not"
        for one in _others(beside)
        if one.unlabelled and (compared := getattr(one, part))
    ]


def choice(beside: Baseline) -> list[str]:
    """How a baseline was chosen, in sentences; none where there was the network alone."""
    chosen = beside.chosen
    if not isinstance(chosen, Chosen):
        return []
    folded = ", ".join(_tried(one) for one in chosen.candidates if one.error is not None)
    first = (
        f"{_capital(WORDS[beside.measure])} on the labels alone, by {chosen.folds}-fold "
        f"cross-validation on {chosen.rows} labelled rows{_in(beside.measure)}: {folded}."
    )
    return [
        *([first] if folded else []),
        f"The baseline is {named(beside.method)}: the network of {beside.steps} steps and the "
        f"one taken of scikit-learn's were compared {WAYS[chosen.by]}.",
    ]


def remarks(beside: Baseline | None) -> list[str]:
    """All about a baseline in sentences, as a page or a card has them."""
    if beside is None:
        return []
    texts = [
        f"Beside the baseline, on {part} rows: {text}."
        for part in ("validation", "test")
        if (compared := getattr(beside, part))
        for text in (sentence(compared, beside.method, beside.measure), *others(beside, part))
    ]
    return [*choice(beside), *texts]


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _in(measure: str) -> str:
    """The unit of what candidates came to, where it is more than a share."""
    return "" if measure == ERROR else ", in % of the labels' deviation"


def _tried(one: Tried) -> str:
    return f"{named(one.name)} {100 * (one.error or 0):.1f} ± {100 * (one.spread or 0):.1f} %"


def _others(beside: Baseline) -> tuple[Other, ...]:
    return beside.chosen.others if isinstance(beside.chosen, Chosen) else ()


def _percent(share: float, unit: str = "%") -> str:
    return f"{100 * share:.2f} {unit}"


def _points(compared: Comparison) -> str:
    """How much more or less another errs than the run."""
    more = 100 * compared.difference
    way = "more" if more > 0 else "less"
    return f"{abs(more):.2f} points {way} than" if more else "as much as"


def _network(beside: Baseline) -> Comparison | None:
    """A run compared with the network on the validation rows, whoever its baseline is."""
    networks = [one for one in _others(beside) if one.name == supervised.METHOD.name]
    return networks[0].validation if networks else beside.validation


@dataclass(frozen=True)
class Decision:
    """The run or its network, whichever is to ship, and why, in a sentence."""

    run: directory.Run
    reason: str


def better(run: directory.Run) -> Decision:
    """The run or its network, whichever erred less; the run, if as much or if nobody knows.

    Validation rows decide, or cross-validation where they are fewer than `ENOUGH`. There the
    network must be better by more than a standard error, since its training was another.

    Raises:
        RunError: There is nothing to compare.
    """
    beside = directory.ended(run).baseline
    if beside is None:
        raise directory.RunError(
            f"{run.path} has no baseline",
            mend="Train again without --no-baseline, on data with unlabelled rows.",
        )
    compared, network = _network(beside), directory.Run(run.path / FOLDER)
    rows = compared.rows if compared else 0
    if compared and rows >= ENOUGH:
        own, theirs, margin = compared.error, compared.baseline, 0.0
        way = f"on {rows} validation rows"
    elif folded := _folded(run, beside):
        own, theirs, margin = folded
        way = f"by cross-validation, as only {rows} validation rows were held out"
    else:
        few = f"only {rows} validation rows were held out, and {ENOUGH} are needed to decide"
        return Decision(run, f"The run ships undecided: {few}")
    ships = network if theirs < own - margin else run
    errors = f"the run's error is {_percent(own)} and the network's {_percent(theirs)} {way}"
    return Decision(ships, f"The {'network' if ships is network else 'run'} ships: {errors}")


def _folded(run: directory.Run, beside: Baseline) -> tuple[float, float, float] | None:
    """The cross-validated errors of a run's recipe and of its network, and the former's deviation.

    None unless both are known, of enough rows.
    """
    tried, chosen = run.read().portfolio, beside.chosen
    if tried is None or not isinstance(chosen, Chosen) or min(tried.rows, chosen.rows) < ENOUGH:
        return None
    own = next((one for one in tried.candidates if one.name == tried.chosen), None)
    theirs = next((one for one in chosen.candidates if one.name == supervised.METHOD.name), None)
    if not own or own.error is None or not theirs or theirs.error is None:
        return None
    return own.error, theirs.error, own.deviation or 0.0


def unshipped(beside: Baseline) -> str:
    """That scikit-learn's baseline erred less than run and network, or nothing."""
    compared, network = beside.validation, _network(beside)
    if not compared or not network or compared.rows < ENOUGH:
        return ""
    least = min(network.error, network.baseline)
    if compared.baseline >= least:
        return ""
    return (
        f"scikit-learn's {beside.method} erred less on the validation rows "
        f"({_percent(compared.baseline)}, and what ships {_percent(least)}); "
        "train --method baseline ships it"
    )


def read(record: dict[str, Any]) -> Baseline:
    """The record of a baseline from its JSON."""
    return msgspec.convert(record, Baseline)
