"""A rival: its settings chosen by cross-validation on the labelled rows, then tested once."""

import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import StratifiedKFold

from benchmarks.contest import features, sets
from benchmarks.contest.contenders import BASES, GRAPH, MOST, Rival, Settings
from benchmarks.contest.sets import Array

FOLDS = 3
NARROW = 32
"""Up to so many features a graph of all rows is quick enough to choose its settings with."""
PIECE = 1000
"""Test rows that are answered at once: a graph's kernel is as wide as its rows."""
Forms = dict[str, features.Form]


@dataclass(frozen=True)
class Rows:
    """Which training rows are labelled, which of the others are given, and the labels."""

    y: Array
    labelled: Array
    others: Array


@dataclass(frozen=True)
class Chosen:
    """A form of the rows, settings, and how many labelled rows were wrong in the folds."""

    form: str
    settings: Settings
    wrong: int


def rows(y: Array, seed: int) -> Rows:
    """The labelled rows, and the others in a random order."""
    others = np.flatnonzero(y == sets.UNKNOWN)
    return Rows(
        y, np.flatnonzero(y != sets.UNKNOWN), np.random.default_rng(seed).permutation(others)
    )


def fitted(
    rival: Rival, settings: Settings, x: Array, known: Array, given: Rows, most: int
) -> Any:  # noqa: ANN401
    """A candidate, fitted to some of the labelled rows and to as many others as there may be."""
    others = given.others[: 0 if rival.alone else most]
    used = np.concatenate([known, others])
    y = np.concatenate([given.y[known], np.full(len(others), sets.UNKNOWN)])
    scaled = dict(settings)
    if "gamma" in scaled:
        scaled["gamma"] = scaled["gamma"] / (x.shape[1] * x.var())
    return rival.build(**scaled).fit(x[used], y)


def answers(model: ClassifierMixin, x: Array) -> Array:
    """Labels, piece by piece."""
    pieces = [model.predict(x[start : start + PIECE]) for start in range(0, len(x), PIECE)]
    return np.concatenate(pieces)


def folds(given: Rows) -> list[tuple[Array, Array]]:
    """Labelled rows that are kept and those that are held out, in turns."""
    y = given.y[given.labelled]
    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(y, y)
    return [(given.labelled[kept], given.labelled[held]) for kept, held in parts]


def wrong(rival: Rival, settings: Settings, x: Array, given: Rows) -> int:
    """How many labelled rows are wrong when they are held out; all where a fit fails."""
    most = min(rival.most, MOST if x.shape[1] <= NARROW else GRAPH)
    count = 0
    for kept, held in folds(given):
        try:
            model = fitted(rival, settings, x, kept, given, most)
            count += int((answers(model, x[held]) != given.y[held]).sum())
        except ValueError as error:  # such as more neighbours than rows
            print(settings, error, file=sys.stderr, flush=True)
            return len(given.labelled)
    return count


def choose(rival: Rival, forms: Forms, given: Rows) -> Chosen:
    """The settings with the fewest wrong, the first of equals; a base's are chosen before."""
    narrow = {name: form for name, form in forms.items() if form.x.shape[1] <= rival.widest}
    forms = narrow or forms
    if rival.base:
        base = choose(BASES[rival.base], forms, given)
        forms, kept = {base.form: forms[base.form]}, base.settings
    else:
        kept = {}
    best: Chosen | None = None
    for form, rows_of in forms.items():
        for each in rival.candidates():
            settings = {**kept, **each}
            tried = Chosen(form, settings, wrong(rival, settings, rows_of.x, given))
            print(tried, file=sys.stderr, flush=True)
            if best is None or tried.wrong < best.wrong:
                best = tried
    assert best is not None
    return best


def compete(rival: Rival, found: sets.Data, y: Array, seed: int) -> tuple[dict[str, Any], Array]:
    """What a cell holds, and which test rows are wrong."""
    with warnings.catch_warnings():  # poor candidates do not converge, and are not chosen
        warnings.simplefilter("ignore")
        forms, given = features.forms(found), rows(y, seed)
        chosen = choose(rival, forms, given)
        form = forms[chosen.form]
        model = fitted(rival, chosen.settings, form.x, given.labelled, given, MOST)
        missed = answers(model, form.x_test) != found.y_test
    about = {
        "form": chosen.form,
        "settings": chosen.settings,
        "folds_error": chosen.wrong / len(given.labelled),
        "unlabelled": 0 if rival.alone else min(MOST, len(given.others)),
    }
    return about, missed
