"""What the JSON files of a run directory hold: records that msgspec reads, checks and writes.

A field with a default may be missing, as in runs of before there was such a field. Fields that
this version does not know are passed over.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ssdgm_runtime import errors
from ssdgm_train import evaluation
from ssdgm_train.evaluation import Score
from ssdgm_train.labels import SPACES
from ssdgm_train.labels.space import Space
from ssdgm_train.problems import Problem
from ssdgm_train.recipes.recipe import Recipe, from_table
from ssdgm_train.recipes.recommended import Taken

T = TypeVar("T")
Json = dict[str, Any]

FORMAT = 1
RESTORE = "Restore it from a copy, or begin a new run."


class RunError(errors.SsdgmError, ValueError):
    """A run directory that cannot be used."""


@dataclass(frozen=True)
class Versioned:
    """What tells whether a `run.json` can be read at all."""

    format: int = 0
    labels_from: str = ""


@dataclass(frozen=True)
class Data:
    """The data of a run: where it lay, its digest, its classes, and the rows of each part.

    `label` is the name of the column of labels, where a table has one.
    """

    source: str
    name: str
    digest: str
    classes: tuple[int | str, ...]
    labelled: int
    unlabelled: int
    validation: int
    validation_labels_are_extra: bool
    test: int
    label: str = ""


@dataclass(frozen=True)
class Origin:
    """The model that a run started from: the digest of its weights, and what came with them.

    Attributes:
        source: Where it lay.
        sha256: Of its weights.
        done: The phases that the run did not have to go through.
        settings: Those settings of the recipe that were replaced by the model's own.
    """

    source: str
    sha256: str = ""
    done: tuple[str, ...] = ()
    settings: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run began."""

    begun: str = ""
    ssdgm_train: str = ""
    python: str = ""
    torch: str = ""
    numpy: str = ""
    platform: str = ""
    processor: str = ""
    threads: int
    device: str
    bfloat16: bool = False


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """`run.json`: all that is needed to go on, and to convert the run later."""

    format: int = FORMAT
    recipe: Json
    taken: Taken | None = None
    seed: int
    labels: int | None
    data: Data
    split: str
    init: Origin | None = None
    problem: Problem
    environment: Environment
    labels_from: str = ""
    portfolio: evaluation.Trials | None = None

    @property
    def searching(self) -> bool:
        """Whether the recipe is yet to be chosen among several."""
        return self.portfolio is not None and not self.portfolio.chosen

    @property
    def plan(self) -> Recipe:
        """The recipe."""
        return from_table(self.recipe)

    @property
    def done(self) -> tuple[str, ...]:
        """The phases that the run did not have to run, because it began with their outcome."""
        return self.init.done if self.init else ()


@dataclass(frozen=True)
class Ended:
    """When a run ended, after how many steps, and which of its weights count."""

    ended: str
    steps: int
    select: str


@dataclass(frozen=True)
class Result(evaluation.Outcome, Ended):
    """`result.json`: what a run came to."""

    baseline: evaluation.Baseline | None = None


@dataclass(frozen=True)
class Metrics:
    """A line of `metrics.jsonl`: a validation."""

    step: int
    phase: str
    terms: dict[str, float]
    validation: Score | None = None
    validation_terms: dict[str, float] | None = None


@dataclass(frozen=True)
class State:
    """`state.json` of a checkpoint.

    Attributes:
        step: After how many steps it was taken.
        best: The lowest validation NLL so far; None before the first.
        sha256: Of each of its files of tensors.
    """

    step: int
    best: float | None = None
    sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """The mean bounds of log p(x) of one draw and of all, and the latter's standard error."""

    bound: float
    importance: float
    standard_error: float


@dataclass(frozen=True)
class Evidence:
    """Of bits drawn from the rows, where the likelihood has some, and of the rows as they are."""

    bits: Estimate | None
    rows: Estimate | None


@dataclass(frozen=True)
class Labels:
    """Scores of q(y | x), and of p(y | x) where the model has labels."""

    classifier: Score | None
    posterior: Score | None


@dataclass(frozen=True)
class Evaluation:
    """`evaluation.json`, see `runs.evidence`."""

    part: str
    rows: int
    samples: int
    evidence: Evidence
    labels: Labels


class _UnknownSpace(Exception):
    """A label space that this version does not have."""


def _decoded(kind: type, value: Any) -> Any:  # noqa: ANN401  (msgspec's hook)
    """A label space from its name and fields; of before there were several, of classes."""
    if kind is not Space:
        raise NotImplementedError
    try:
        fields = msgspec.convert(value, dict[str, Any])
        name = msgspec.convert(fields.pop("space", "classes"), str)
        if name not in SPACES:
            raise _UnknownSpace(name)
        return msgspec.convert(fields, SPACES[name])
    except msgspec.ValidationError as error:
        raise ValueError(error) from None  # to which msgspec adds where the space is


def plain(record: object) -> Any:  # noqa: ANN401  (what json takes)
    """A record as dicts, lists, strings and numbers."""
    return msgspec.to_builtins(record)


def parse(content: bytes | str, kind: type[T], path: Path, mend: str = RESTORE) -> T:
    """A record from its JSON.

    Args:
        content: The JSON.
        kind: The record's class.
        path: Where it lies, for messages.
        mend: What to do where it is damaged.

    Raises:
        RunError: It is no JSON, or holds something else; the message names the place. Or it has
            a label space of another version.
    """
    try:
        return msgspec.json.decode(content, type=kind, dec_hook=_decoded)
    except _UnknownSpace as unknown:
        raise RunError(
            f"{path} has labels of the space {str(unknown)!r}",
            " or ".join(SPACES),
            "Use the version of ssdgm-train that wrote it.",
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what, *places = str(error).replace("`", "").split(" - at ")
        place = "".join((*places[-1:], *(inner.removeprefix("$") for inner in places[-2::-1])))
        mismatch = re.fullmatch("Expected (.+), got (.+)", what)
        if mismatch and place:
            damage = f"{path} is damaged: {place} is {mismatch[2]}"
            raise RunError(damage, mismatch[1], mend) from None
        reason = f"{what} at {place}" if place else what
        raise RunError(f"{path} is damaged ({reason})", mend=mend) from None


def sealed(table: Json) -> Json:
    """A record's table with its digest, by which a later edit shows."""
    bare = {key: value for key, value in table.items() if key != "digest"}
    return {**bare, "digest": _digest(bare)}


def _digest(table: Json) -> str:
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _check_digest(content: bytes, path: Path, mend: str) -> None:
    """Refuse a file that was edited; one without a digest is of before there were any."""
    try:
        table = json.loads(content)
        said = table.pop("digest", None)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return  # `parse` says what is wrong with it
    if said is not None and said != _digest(table):
        adopted = path.name == "run.json"
        raise RunError(
            f"{path} has changed since it was written",
            mend=f"{mend} To go on with it as it is: train --resume --adopt." if adopted else mend,
        )


def load(path: Path, kind: type[T], mend: str = RESTORE) -> T:
    """A record from its file; errors as of `parse`, and RunError where it was edited."""
    try:
        content = path.read_bytes()
    except OSError as error:
        bundle = path.parent.is_file() or (path.parent / "manifest.json").is_file()
        why = "it is a bundle" if bundle else f"{path.name} cannot be read ({error.strerror})"
        what = f"{path.parent} is not a run directory: {why}"
        raise RunError(what, mend="Give a folder that ssdgm-export train wrote.") from None
    _check_digest(content, path, mend)
    return parse(content, kind, path, mend)
