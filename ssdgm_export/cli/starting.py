"""How `train` begins: what was said of the recipe, and whether others are compared with it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssdgm_export.cli import console
from ssdgm_export.cli.text import training
from ssdgm_runtime import errors

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Said:
    """What was said of how to train, as options; None for what was not."""

    method: str | None
    recipe: str | None
    changes: tuple[str, ...]
    init_from: Path | None
    budget: float | None

    @property
    def ways(self) -> dict[str, str | Path | None]:
        """The options beside --method that say what is trained."""
        return {"--recipe": self.recipe, "--init-from": self.init_from}

    @property
    def minutes(self) -> float | None:
        """The minutes in which recipes are compared and one is trained; None for no comparison.

        Raises:
            UsageError: Something says what to train, and something that recipes are compared.
        """
        from ssdgm_train.portfolio import default

        if not default.compared(self.method, self.ways.values(), self.changes):
            if self.budget is not None:
                raise errors.UsageError(
                    f"--budget is for comparing recipes, and {self._named} says what to train",
                    mend="Leave one of the two out.",
                )
            return None
        for name, value in self.ways.items():
            if value is not None:
                raise errors.UsageError(f"--method auto takes no {name}", mend="Leave it out.")
        return default.MINUTES if self.budget is None else self.budget

    @property
    def _named(self) -> str:
        """The option that says what to train."""
        if self.method is not None:
            return f"--method {self.method}"
        return next((n for n, value in self.ways.items() if value is not None), "--set method")


def settings(
    label: str | None,
    labels_as: str | None,
    class_weight: str | None,
    extra_classes: int | None,
    no_baseline: bool,
) -> Iterator[str]:
    """Options that are settings of the recipe."""
    if label is not None:
        yield f"data.label={json.dumps(label)}"
    if labels_as is not None:
        yield f"data.labels_as={json.dumps(labels_as)}"
    if class_weight is not None:
        yield f"data.class_weight={json.dumps(class_weight.split(','))}"
    if extra_classes is not None:
        yield f"data.extra_classes={extra_classes}"
    if no_baseline:
        yield "run.baseline=0"


def begin(
    data: str | None,
    said: Said,
    out: Path | None,
    labels: int | None,
    seed: int,
    device: str,
    place: str | None,
    tell: Tell,
    threads: int | None = None,
) -> Any:  # noqa: ANN401
    """Begin a run; arguments and errors as of `session.begin`."""
    if data is None or out is None:
        missing = "argument DATA" if data is None else "option --out"
        example = "Example: ssdgm-export train digits --labels 100 --out runs/a"
        raise errors.UsageError(f"Missing {missing}", mend=example)
    from ssdgm_train.portfolio import search
    from ssdgm_train.recipes import recommended
    from ssdgm_train.runs import session

    minutes = said.minutes
    if minutes is not None:
        plan = search.asked(said.changes)
        return search.begin(data, plan, out, minutes, labels, seed, device, place, tell, threads)
    plan = recommended.Asked(said.recipe, said.method, said.changes)
    given = labels, seed, device, said.init_from, place, tell, None, threads
    return session.begin(data, plan, out, *given)


def tell(session: Any, quiet: bool) -> None:  # noqa: ANN401
    """Say which recipe is taken, and what is compared with it, before hours are spent on it."""
    from ssdgm_train.runs import records

    if not quiet:
        record = session.run.read()
        rest = f"{session.steps:,} steps"
        if record.searching:
            rest = _comparison(session, record.portfolio.budget)
        console.note(f"recipe {training.taken(records.plain(record.taken))}; {rest}")


def _comparison(session: Any, minutes: float) -> str:  # noqa: ANN401
    """What is compared in how many minutes, and how to have no comparison."""
    from ssdgm_train.portfolio import search

    others = ", ".join(search.others(session))
    if not others:
        steps = f"at most {session.steps:,} steps in about {minutes:g} minutes"
        return f"no other is compared for such rows and labels; {steps}"
    return (
        f"compared with {others} as far as {minutes:g} minutes go, and the best is trained; "
        f"--method {session.recipe.method} trains it without comparing"
    )
