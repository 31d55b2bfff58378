"""Settings by their short names to a recipe, and labels of any kind to those of a data set."""

import dataclasses
import json
import numbers
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells
from ssdgm_train import settings
from ssdgm_train.data import dataset
from ssdgm_train.portfolio import candidates, default, search
from ssdgm_train.recipes import lookup, recipe, recommended

DEFAULTS: dict[str, object] = {
    "hidden": (100,),
    "latent": 10,
    "alpha": 1.0,
    "steps": 2000,
    "learning_rate": 3e-3,
    "labelled_batch": 100,
    "unlabelled_batch": 100,
    "validation": 0.0,
    "likelihood": "gaussian",
}
"""What a method that is named has where neither a setting nor a recipe is given."""

KEPT = ("validation", "likelihood")
"""Of these, what recipes that are compared have too: all labels train, and numbers may be any."""

SECTIONS = {
    "steps": "train",
    "learning_rate": "train",
    "labelled_batch": "train",
    "unlabelled_batch": "train",
    "validation": "data",
    "labels_as": "data",
    "class_weight": "data",
    "patience": "run",
    "evaluate_every": "run",
    "likelihood": "data",
}
"""Where settings stand in a recipe; all others are of the model."""

SELDOM = 500
"""Steps between validations, which write to the disk, where nothing comes of them."""

PATIENCE, HELD = 5, 0.1
"""Validations to wait with `early_stopping`, and the share of labelled rows that it holds out."""

KINDS = "biufUTO"
"""Of the dtypes that labels may have; objects are judged one by one."""

WANTED = "strings or whole numbers from 0, -1 for unlabelled"


def plan(
    source: str | Path | None,
    name: str | None,
    given: Mapping[str, object],
    changes: Sequence[str] = (),
) -> recipe.Recipe:
    """A recipe with settings laid over it.

    Args:
        source: A file, the name of a recipe that ships, or None for `DEFAULTS`.
        name: The method; None for that of the settings or the recipe, or m2.
        given: Settings by their short names; those that are None stay as they are.
        changes: Further settings, such as `model.weighting=paper`, which stand over all others.

    Raises:
        RecipeError: The recipe or a setting cannot be used, or the method has no such setting.
    """
    table = recipe.load(source, recipe.named(changes) or name).spec.Config
    first = {} if source is not None else DEFAULTS
    chosen = {key: value for key, value in given.items() if value is not None}
    under = {k: v for k, v in first.items() if k not in chosen and any(_places(table, k))}
    words = _words(table, {**under, **chosen})
    return recipe.load(source, name, ["run.baseline=0", *words, *changes])


def compared(given: Mapping[str, object], changes: Sequence[str] = ()) -> recommended.Asked:
    """The recommended recipe and those that are compared with it, with settings laid over each.

    Args:
        given: As in `plan`; `hidden` is of every network, whatever the recipe says.
        changes: As in `plan`.

    Raises:
        RecipeError: A setting cannot be used, or the method has none such, or one names a method.
    """
    table = lookup.find(candidates.method(changes)).Config
    chosen = {key: value for key, value in given.items() if value is not None}
    alike = _places(table, "classifier") if "hidden" in chosen else ()
    words = _words(table, {**{key: DEFAULTS[key] for key in KEPT}, **chosen})
    return search.asked(("run.baseline=0", *words, *(f"{p}=[]" for p in alike), *changes))


def minutes(
    name: str | None,
    budget: float | None,
    source: object,
    start: object,
    changes: Sequence[str] = (),
) -> float | None:
    """The minutes in which recipes are compared and one is trained; None for no comparison.

    Args:
        name: The method.
        budget: The minutes; None for `default.MINUTES`.
        source: The recipe that was given, if any.
        start: The trained model that was given, if any.
        changes: Further settings, one of which may name the method.

    Raises:
        InputError: Something says what to train, and something that recipes are compared.
    """
    ways = {"recipe": source, "init_from": start}
    if not default.compared(name, ways.values(), changes):
        if budget is not None:
            wanted = 'None, unless method is "auto", or no method, recipe and init_from are given'
            raise errors.InputError("budget", repr(budget), wanted)
        return None
    for key, value in ways.items():
        if value is not None:
            raise errors.InputError(key, repr(str(value)), 'None where method is "auto"')
    return default.MINUTES if budget is None else budget


def _words(table: type, given: Mapping[str, object]) -> list[str]:
    """Settings by their short names as those of a recipe."""
    return [
        f"{place}={_text(value)}"
        for key, value in given.items()
        for place in _found(table, key, value)
    ]


def _found(table: type, key: str, value: object) -> list[str]:
    places = list(_places(table, key))
    if not places:
        raise settings.RecipeError(
            f"{key} is {value!r}, and the method has no such setting", mend=f"Leave {key} out."
        )
    return places


def _places(table: type, key: str, prefix: str = "model") -> Iterator[str]:
    """The full names of a setting; the model may have it in several tables."""
    if key in SECTIONS:
        yield f"{SECTIONS[key]}.{key}"
        return
    for name, hint in typing.get_type_hints(table).items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _places(hint, key, f"{prefix}.{name}")
        elif name == key:
            yield f"{prefix}.{name}"


def _text(value: object) -> str:
    """A value as a recipe writes it; numpy's numbers are as good as Python's."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        items = (json.dumps(item) if isinstance(item, str) else str(item) for item in value)
        return f"[{', '.join(items)}]"
    return str(value)


def places(y: object, classes: NDArray[np.generic]) -> NDArray[np.int64]:
    """Where labels stand among the classes, [m]; they are compared as they are given.

    Args:
        y: A label, or labels [m].
        classes: The labels' own values, [K].

    Raises:
        InputError: A label is none of them.
    """
    known = classes.tolist()
    given = np.asarray(y, object).tolist()
    listed = given if isinstance(given, list) else [given]
    strange = [label for label in listed if label not in known]
    if strange:
        shown = strange if listed is given else given
        raise errors.InputError("y", repr(shown), f"labels from {known}")
    return np.array([known.index(label) for label in listed], np.int64)


def count(n: object, name: str) -> int:
    """A whole number from 1 on.

    Raises:
        InputError: It is none.
    """
    if not isinstance(n, numbers.Integral) or isinstance(n, bool) or n < 1:
        raise errors.InputError(name, repr(n), "a whole number from 1")
    return int(n)


def labels(y: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """The known classes in order, and labels that a data set can have, in the same order.

    Args:
        y: Labels [n]: whole numbers from 0, truth values or strings; -1, "-1" or an empty string
            where one is not known.

    Raises:
        InputError: A label is of another kind.
    """
    if y.dtype.kind not in KINDS:
        raise errors.InputError("y", f"of dtype {y.dtype}", WANTED)
    known = ~unknown(y)
    kinds: set[str] = {np.asarray(value).dtype.kind for value in y[known].tolist()}
    if y.dtype.kind == "O":
        _check_kinds(kinds)
    if kinds <= {"U"} or kinds <= {"b"}:
        return np.unique(y[known]), np.where(known, y.astype(str), "")
    y = np.where(known, y, dataset.UNLABELLED)
    whole = y.astype(np.int64)
    if (whole != y).any() or (whole[known] < 0).any():
        measured = bool((whole != y).any())
        hint = "Measurements are for SemiSupervisedRegressor." if measured else ""
        raise errors.InputError("y", f"labelled {y[known].min()}", WANTED, hint)
    return np.unique(y[known]), whole


def blanked(y: Any, words: Sequence[str] = ()) -> Any:  # noqa: ANN401  (whatever a caller has)
    """Labels with -1, or among words "", in place of None, NaN and further `words`."""
    array = np.asarray(y, object) if isinstance(y, list | tuple) else np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = y = column_or_1d(array, warn=True)  # as scikit-learn takes them
    if array.ndim != 1 or not (words or array.dtype.kind in "fO"):
        return y
    gaps = (_missing(value) or cells.as_word(value) in words for value in array.tolist())
    missing = np.fromiter(gaps, bool, len(array))
    if not missing.any():
        return y
    known = array[~missing].tolist()
    if any(isinstance(value, str) for value in known):
        return np.array(["" if gap else v for v, gap in zip(array, missing, strict=True)], object)
    filled = np.where(missing, dataset.UNLABELLED, array)
    whole = all(value == int(value) for value in known)
    return filled.astype(np.int64) if whole else filled


def _missing(value: Any) -> bool:  # noqa: ANN401  (as above)
    """Whether a value is None, NaN, or what pandas has for these."""
    strange = value is None or type(value).__name__ in ("NAType", "NaTType")
    return strange or bool(value != value)


def unknown(y: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which labels stand for one that is not known."""
    return np.isin(y.astype(str), ("-1", "-1.0", ""))


def _check_kinds(kinds: set[str]) -> None:
    if not any(kinds <= set(alike) for alike in ("U", "iu", "b")):
        raise errors.InputError(
            "y",
            f"an array of objects of several kinds or none that fits ({', '.join(sorted(kinds))})",
            WANTED,
        )


def shaped(x: NDArray[Any], shape: tuple[int, ...] | None, likelihood: str) -> NDArray[np.generic]:
    """Rows [n, features] as the model takes them: in their shape, bytes where they are counts.

    Raises:
        InputError: The shape has another number of values, or a value is no count of a byte.
    """
    if shape is not None and int(np.prod(shape)) != x.shape[1]:
        expected = f"a shape of {x.shape[1]} values, one per feature"
        raise errors.InputError("shape", str(shape), expected)
    x = x if shape is None else x.reshape(len(x), *shape)
    if likelihood != "binomial":
        return x
    if ((x != np.trunc(x)) | (x < 0) | (x > 255)).any():
        raise errors.InputError(
            "X", "with other values than counts", "whole numbers from 0 to 255, for binomial"
        )
    return x.astype(np.uint8)
