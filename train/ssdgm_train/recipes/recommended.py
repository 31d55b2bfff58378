"""The recommended recipe, for a user who names none: one that ships and fits the data.

What a recipe fits is in its table `for`, see `Purpose`. Of those that fit, the one chosen with the
nearest number of labels is taken, by the ratio of the two; where none fits, the method's bare
settings.
"""

import dataclasses
import functools
import math
from dataclasses import dataclass
from pathlib import Path

from ssdgm_runtime import errors
from ssdgm_train import evaluation, problems
from ssdgm_train.data import dataset, targets
from ssdgm_train.data.settings import DEFAULTS, POINTS
from ssdgm_train.labels import SPACES, OneClass, lookup
from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import fields, recipe, shelf
from ssdgm_train.settings import RecipeError, among, between, setting

KINDS = (*problems.KINDS, dataset.COLOUR)
HELD = 0.2
"""The largest share of the labels that a recommended recipe may hold out for validation."""

WORDS = {problems.IMAGE: "grey images", dataset.COLOUR: "colour images", problems.TABLE: "tables"}


@dataclass(frozen=True)
class Purpose:
    """What a recipe is recommended for.

    Attributes:
        kinds: What a row is, as `Dataset.sort` has it.
        spaces: What a label is, as `Dataset.space` has it.
        rows: How many training rows there are at least.
        least: How many numbers a row has at least.
        most: How many it has at most; 0 for any number.
        labels: With how many labelled rows it was chosen; 0 where that does not matter.
        start: The methods from whose trained model it goes on, "" for none among them; empty
            where that does not matter.
    """

    kinds: tuple[str, ...] = setting((problems.ROWS,), among(KINDS))
    spaces: tuple[str, ...] = setting((targets.CLASSES,), among(SPACES))
    rows: int = setting(0, between(0, math.inf))
    least: int = setting(0, between(0, math.inf))
    most: int = setting(0, between(0, math.inf))
    labels: int = setting(0, between(0, math.inf))
    start: tuple[str, ...] = setting((), among(("", *METHODS)))

    def fits(self, facts: "DataFacts") -> bool:
        """Whether the recipe is recommended for such data."""
        return (
            facts.kind in self.kinds
            and facts.space in self.spaces
            and facts.rows >= self.rows
            and self.least <= facts.numbers <= (self.most or math.inf)
            and (not self.start or facts.start in self.start)
        )

    def distance(self, facts: "DataFacts") -> tuple[bool, float]:
        """The order among recipes that fit: the smallest is taken."""
        ratio = abs(math.log(max(facts.labels, 1) / self.labels)) if self.labels else math.inf
        return not self.start or not facts.start, ratio


@dataclass(frozen=True)
class DataFacts:
    """The facts about data by which a recipe is chosen.

    Attributes:
        kind: What a row is, as `Dataset.sort` has it.
        rows: How many training rows there are.
        shape: The shape of one.
        labels: The budget of labels.
        pool: The labels that validation rows are drawn from.
        start: The method whose trained model there is to start from; empty without one.
        space: What a label is, as `Dataset.space` has it.
    """

    kind: str
    rows: int
    shape: tuple[int, ...]
    labels: int
    pool: int
    start: str = ""
    space: str = targets.CLASSES

    @property
    def numbers(self) -> int:
        """How many numbers a row has."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape))
        kind = WORDS.get(self.kind, self.kind)
        words = {targets.CLASSES: "", targets.ONE_CLASS: " with normal rows and outliers"}
        labels = words.get(self.space, f" with {self.space}")
        return f"{self.rows:,} {kind if self.kind in WORDS else 'rows'} of {size}{labels}"


def data_facts(data: dataset.Dataset, labelled: int | None, start: str = "") -> DataFacts:
    """The facts about a data set by which a recipe is chosen.

    Args:
        data: The data set.
        labelled: The budget of labels; None for all.
        start: The method whose trained model there is to start from; empty without one.
    """
    labels = data.labelled if labelled is None else labelled
    pool = data.labelled if data.fully_labelled else labels
    return DataFacts(data.sort, len(data.x), data.shape, labels, pool, start, data.space)


@dataclass(frozen=True)
class Taken:
    """A recipe by its name.

    Attributes:
        name: The name or the file; `shelf.NONE` for bare settings.
        reason: Why this one.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Chosen:
    """A recipe, and its name and reason; None where the caller passed the recipe itself."""

    plan: recipe.Recipe
    taken: Taken | None = None


@dataclass(frozen=True)
class Asked:
    """The recipe and settings that the user asked for, if any.

    Attributes:
        source: As of `recipe.load`.
        method: As of `recipe.load`.
        changes: As of `recipe.load`.
        folded: Whether recipes are compared: labelled rows are held out in turns, so that none
            need be held out for good where they would be few, and rows of several views get the
            method that is for them.
    """

    source: str | Path | None = None
    method: str | None = None
    changes: tuple[str, ...] = ()
    folded: bool = False

    def plain(self) -> recipe.Recipe:
        """The recipe before the data is known, to read that by; errors as of `recipe.load`."""
        return recipe.load(self.source, self.method, self.changes)

    def chosen(self, facts: DataFacts) -> Chosen:
        """The recipe for such data; errors as of `recipe.load`."""
        if self.source is not None:
            return Chosen(self.plain(), Taken(str(self.source), "named"))
        usual = recipe.named(self.changes) or self.method or recipe.meant(self.changes)
        usual = usual or recipe.Recipe.method
        several = self.folded and facts.kind == problems.VIEWS and usual == recipe.Recipe.method
        method = METHODS["views"].name if several else usual
        named = method if several else self.method
        name = nearest(method, facts)
        spared = _spared(name, facts) if self.folded else ()
        if name is None:
            reason = f"no recipe is recommended for {method} on {facts}"
            plan = recipe.load(None, named, (*spared, *self.changes))
            return Chosen(plan, Taken(shelf.NONE, reason))
        changes = (*_held(name, facts), *spared, *self.changes)
        plan = recipe.load(name, named, changes, implied=True)
        begun = f" from {facts.start}" if facts.start else ""
        labels = f"{facts.labels:,} labels" if facts.labels else "no labels"
        reason = f"recommended for {method}{begun} on {facts} with {labels}"
        return Chosen(plan, Taken(name, reason))


def plain(plan: recipe.Recipe | Asked) -> recipe.Recipe:
    """The recipe before the data is known."""
    return plan.plain() if isinstance(plan, Asked) else plan


def settle(
    plan: recipe.Recipe | Asked, data: dataset.Dataset, labelled: int | None, start: str = ""
) -> Chosen:
    """The recipe for a data set; arguments as of `data_facts`, errors as of `recipe.load`.

    Raises:
        RecipeError: Its method does not know such labels, or as of `recipe.load`.
    """
    if isinstance(plan, Asked):
        facts, pointed = data_facts(data, labelled, start), plan.plain().data.labels_as == POINTS
        chosen = plan.chosen(dataclasses.replace(facts, space=POINTS) if pointed else facts)
    else:
        chosen = Chosen(plan)
    _check_known(chosen.plan, data)
    return chosen


def _check_known(plan: recipe.Recipe, data: dataset.Dataset) -> None:
    """Refuse labels that the method does not know."""
    named = plan.data.labels_as
    space = lookup.find(named) if lookup.is_own(named) else SPACES[data.space]
    if not plan.spec.knows(space):
        if OneClass in plan.spec.spaces:
            raise RecipeError(
                f"{plan.method} tells outliers from normal rows, and the labels of {data.name} "
                f"are read as {data.space}",
                mend="Say what they are: --labels-as one-class.",
            )
        knowing = [name for name, spec in METHODS.items() if spec.knows(space)]
        raise RecipeError(
            f"{plan.method} does not know {data.space}, which the labels of {data.name} are",
            mend=f"Use a method that does: {', '.join(knowing)}.",
        )
    if plan.data.extra_classes and not plan.spec.finds:
        finding = [name for name, spec in METHODS.items() if spec.finds]
        raise RecipeError(
            f"{plan.method} cannot find classes that have no label",
            mend=f"Leave --extra-classes out, or use a method that can: {', '.join(finding)}.",
        )


def nearest(method: str, facts: DataFacts) -> str | None:
    """The recipe that ships for a method and such data; None where there is none."""
    fitting = [(p.distance(facts), name) for name, p in purposes(method) if p.fits(facts)]
    return min(fitting)[1] if fitting else None


@functools.cache
def purposes(method: str) -> tuple[tuple[str, Purpose], ...]:
    """The recipes that ship and say what they are for, read once."""
    tables = {name: shelf.purpose(name) for name in shelf.names()}
    return tuple(
        (name, fields.build(Purpose, table, f"{shelf.FOR}."))
        for name, table in tables.items()
        if table is not None and shelf.read(name).get("method") == method
    )


def _spared(name: str | None, facts: DataFacts) -> tuple[str, ...]:
    """A change by which no labelled row is held out for validation, where they would be few.

    Rows whose labels are beyond the budget cost nothing, and stay.
    """
    share = recipe.load(name).data.validation if name else DEFAULTS.validation
    share = DEFAULTS.validation if share >= 1 else share
    few = facts.pool == facts.labels and share * facts.pool < evaluation.ENOUGH
    return ("data.validation=0",) if few else ()


def _held(name: str, facts: DataFacts) -> tuple[str, ...]:
    """A change to the default share for validation, where the recipe's own is too large.

    The number was chosen on larger data, and a run must not fail because of it.
    """
    wanted = recipe.load(name).data.validation
    too_many = wanted >= 1 and wanted > HELD * facts.pool
    return (f"data.validation={DEFAULTS.validation}",) if too_many else ()


def selecting(
    plan: recipe.Recipe, taken: Taken | None, rows: int
) -> tuple[recipe.Recipe, Taken | None]:
    """The recipe, and why it was taken; few validation rows do not choose among weights.

    Args:
        plan: The recipe.
        taken: Why it was taken.
        rows: How many validation rows there are.

    Raises:
        DataError: The recipe selects by validation rows, and there are none.
    """
    patience = plan.run.patience
    if plan.run.select != "best" and not patience:
        return plan, taken
    if rows >= evaluation.ENOUGH:
        return dataclasses.replace(plan, run=dataclasses.replace(plan.run, select="best")), taken
    if not rows:
        named = "run.patience is set" if patience else "run.select is best"
        raise errors.DataError(
            f"{named} and there are no validation rows",
            mend="Raise data.validation, or set run.select=last and run.patience=0.",
        )
    last = dataclasses.replace(plan.run, select="last", patience=0)
    plan = dataclasses.replace(plan, run=last)
    reason = f"the last weights are kept, as {rows} validation rows are too few to choose by"
    return plan, taken and dataclasses.replace(taken, reason=f"{taken.reason}; {reason}")
