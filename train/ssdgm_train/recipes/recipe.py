"""Recipes: TOML and `key=value` settings into frozen dataclasses, and back.

A recipe has the name of its method, a table `model` for the method's own `Config`, a table `train`
for `loop.Plan` with tables `phases.NAME` for what differs in one phase, a table `data` for
`DataPlan`, a table `run` for `RunPlan`, and a table `regularise` for `Regularisation`. Every field
has a default; an unknown key or a value of the wrong type is an error that names it. `base` names
a recipe to start from.
"""

import dataclasses
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from ssdgm_train import plugins, settings
from ssdgm_train.data.settings import ONE_CLASS, DataPlan
from ssdgm_train.method import Method, Phase, Sizes
from ssdgm_train.methods import oneclass
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import fields, lookup, shelf
from ssdgm_train.regularisation.plan import Regularisation
from ssdgm_train.settings import RecipeError, Table
from ssdgm_train.training import loop

__all__ = [
    "Recipe",
    "counted",
    "dumps",
    "fitted",
    "from_table",
    "load",
    "to_table",
]


POINTS = 20
"""The fewest validations of a run, unless the recipe says how often they come."""

_LABELS = "data.labels_as"


@dataclass(frozen=True)
class RunPlan:
    """What a run writes and when.

    Attributes:
        evaluate_every: Steps between validations, records in metrics.jsonl and checkpoints; 0: a
            twentieth of the run, or where that is above 500, 500 or a hundredth of it.
        select: Which weights are used afterwards; "best" is by validation NLL, of 30 rows or more;
            where there are fewer it is "last".
        patience: After so many validations without a lower NLL the last phase ends, and the best
            weights are used; 0 for never, and with fewer than 30 validation rows.
        baseline: Steps of the supervised network among the baseline's candidates, at most as many
            as the run's own; 0 for no baseline.
    """

    evaluate_every: int = settings.setting(0, settings.between(0, 1e9))
    select: str = settings.setting("last", settings.among(("last", "best")))
    patience: int = settings.setting(0, settings.between(0, 1e9))
    baseline: int = settings.setting(2000, settings.between(0, 1e9))

    def every(self, steps: int) -> int:
        """Steps between validations of a run that has so many in all."""
        few, usual = -(-steps // POINTS), max(500, steps // (5 * POINTS))
        return self.evaluate_every or max(1, min(few, usual))


@dataclass(frozen=True)
class Recipe:
    """Everything that is chosen before a run, but for the data, the labels and the seed."""

    method: str = "m2"
    model: Any = None
    train: loop.Plan = field(default_factory=loop.Plan)
    phases: Mapping[str, loop.Plan] = field(default_factory=dict)
    data: DataPlan = field(default_factory=DataPlan)
    run: RunPlan = field(default_factory=RunPlan)
    regularise: Regularisation = field(default_factory=Regularisation)

    @property
    def spec(self) -> Method:
        """The method itself."""
        return lookup.find(self.method)

    def stages(self, sizes: Sizes, done: Collection[str] = ()) -> tuple[loop.Stage, ...]:
        """The method's phases with their plans, without those that are done already."""
        return tuple(
            loop.Stage(phase, self._plan(phase))
            for phase in self.spec.phases(self.model, sizes)
            if phase.name not in done
        )

    def _plan(self, phase: Phase) -> loop.Plan:
        plan = self.phases.get(phase.name, self.train)
        return plan if plan.steps else dataclasses.replace(plan, steps=phase.steps)


def load(
    source: str | Path | None,
    name: str | None = None,
    changes: Iterable[str] = (),
    *,
    implied: bool = False,
) -> Recipe:
    """Read a recipe, if any, then apply the method's name and `key=value` settings.

    Args:
        source: A file, the name of a recipe that ships, or None, or "none", for the bare settings.
        name: A method.
        changes: Settings such as `train.steps=100`.
        implied: The user did not name the recipe: `train` in changes overrides single phases.

    Example:
        >>> load(None, "m2", ["train.steps=100"]).train.steps
        100

    Raises:
        RecipeError: The file, a key or a value cannot be used.
    """
    changes = list(changes)
    table = {} if source is None else shelf.read(source)
    if method := name or (meant(changes) if source is None else None):
        table["method"] = method
    if implied:
        _give_way(table, changes)
    for change in changes:
        _set(table, change)
    recipe = from_table(table)
    _check_effect(recipe, table.get("phases", {}), changes)
    return recipe


def named(changes: Iterable[str]) -> str | None:
    """The method that settings name; None where they name none."""
    parted = (change.partition("=") for change in changes)
    names = [text.strip().strip("\"'") for key, _, text in parted if key.strip() == "method"]
    return names[-1] if names else None


def meant(changes: Iterable[str]) -> str | None:
    """The method that settings name, or that their labels mean; None where they leave it open."""
    changes = list(changes)
    parted = (change.partition("=") for change in changes)
    spaces = [text.strip().strip("\"'") for key, _, text in parted if key.strip() == _LABELS]
    return named(changes) or (oneclass.METHOD.name if spaces[-1:] == [ONE_CLASS] else None)


def _give_way(table: Table, changes: Iterable[str]) -> None:
    """Drop settings of single phases that the user has set for all phases."""
    for change in changes:
        section, _, key = change.partition("=")[0].strip().partition(".")
        for own in table.get("phases", {}).values() if section == "train" else ():
            own.pop(key, None)


def fitted(recipe: Recipe, problem: Problem) -> Recipe:
    """The recipe with what it leaves to the data chosen: what is stored with a run."""
    return dataclasses.replace(recipe, model=recipe.spec.fitted(recipe.model, problem))


def counted(recipe: Recipe) -> Recipe:
    """The recipe with the steps of every phase written out; `fitted` comes first."""
    plans = {stage.phase.name: stage.plan for stage in recipe.stages(Sizes(1, 1))}
    *_, last = plans.values()
    train = dataclasses.replace(recipe.train, steps=recipe.train.steps or last.steps)
    own = {k: plan for k, plan in plans.items() if k in recipe.phases or plan != train}
    return dataclasses.replace(recipe, train=train, phases=own)


def stepped(recipe: Recipe, steps: int) -> Recipe:
    """A `counted` recipe with another number of steps; phases keep their shares of them."""
    share = steps / recipe.train.steps

    def changed(plan: loop.Plan) -> loop.Plan:
        return dataclasses.replace(plan, steps=max(1, round(share * plan.steps)))

    own = {name: changed(plan) for name, plan in recipe.phases.items()}
    return dataclasses.replace(recipe, train=changed(recipe.train), phases=own)


def from_table(table: Table) -> Recipe:
    """A recipe from its TOML document; errors as in `load`."""
    name = table.get("method", Recipe.method)
    if not isinstance(name, str):
        raise RecipeError(f"The method is {name!r}", f"one of {', '.join(lookup.names())}")
    name = plugins.absolute(name)
    rest = {key: value for key, value in table.items() if key not in ("model", "phases")}
    recipe: Recipe = fields.build(Recipe, {**rest, "method": name}, "")
    data = recipe.data
    data = dataclasses.replace(data, labels_as=plugins.absolute(data.labels_as))
    recipe = dataclasses.replace(recipe, data=data)
    model: Any = fields.build(lookup.find(name).Config, table.get("model", {}), "model.")
    recipe = dataclasses.replace(recipe, model=model)
    return dataclasses.replace(recipe, phases=_phases(recipe, table.get("phases", {})))


def to_table(recipe: Recipe) -> Table:
    """The recipe as a TOML or JSON document, every field written out."""
    return dataclasses.asdict(recipe)


def dumps(recipe: Recipe) -> str:
    """The recipe as TOML."""
    return tomli_w.dumps(to_table(recipe))


def _phases(recipe: Recipe, tables: object) -> dict[str, loop.Plan]:
    """The plans of single phases: the table `train` with their changes."""
    names = [stage.phase.name for stage in recipe.stages(Sizes(1, 1))]
    if not isinstance(tables, dict) or not all(isinstance(v, dict) for v in tables.values()):
        raise RecipeError(f"phases is {tables!r}", "tables such as [phases.joint]")
    for name in tables.keys() - names:
        raise RecipeError(f"phases.{name} is not a phase", f"one of {', '.join(names)}")
    common = dataclasses.asdict(recipe.train)
    return {k: fields.build(loop.Plan, {**common, **v}, f"phases.{k}.") for k, v in tables.items()}


def _check_effect(recipe: Recipe, phases: Table, changes: Iterable[str]) -> None:
    """Refuse a change of `train` that no phase follows, since each has a value of its own."""
    names = [stage.phase.name for stage in recipe.stages(Sizes(1, 1))]
    for change in changes:
        section, _, key = change.partition("=")[0].strip().partition(".")
        if section == "train" and all(key in phases.get(name, {}) for name in names):
            theirs = " and ".join(f"phases.{name}.{key}" for name in names)
            raise RecipeError(
                f"train.{key} has no effect",
                f"a change of {theirs}, which this recipe sets",
                f"Write phases.{names[-1]}.{change.strip().removeprefix('train.')}.",
            )


def _set(table: Table, change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"The setting is {change!r}", "key=value, such as train.steps=1000")
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise RecipeError(f"{section} is a value", "a section", f"Write {section}={text}.")
    table[last] = _value(text.strip())


def _value(text: str) -> Any:  # noqa: ANN401
    """A TOML value, or else the text itself: `select=best` needs no quotes."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return document["value"] if document.keys() == {"value"} else text
