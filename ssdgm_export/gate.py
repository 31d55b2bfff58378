"""May a graph of lower precision ship? Measured on the run's own held-out rows.

A classifier may err on a few rows more than the fp32 graph; an encoder or decoder may make the
squared error of reconstructions grow by a little, the other graphs being fp32. What computes with
integers must also give a row the same answer alone and in any batch.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, plans, session

Array = NDArray[Any]
Arrays = dict[str, Array]

MAX_DROP, MAX_DISTORTION = 0.002, 0.01
BATCH, ALONE = 256, 64
CLASSIFIERS = ("classifier", "encoder_classifier")
INVARIANT = ("int8",)
"""Precisions whose answers must not depend on the batch, to the bit."""


@dataclass(frozen=True)
class Limits:
    """What lower precision may cost.

    Attributes:
        drop: How much a classifier's share of wrong rows may rise, from 0.
        distortion: By which share the squared error of reconstructions may grow, from 0.
    """

    drop: float = MAX_DROP
    distortion: float = MAX_DISTORTION


def limits(drop: str, distortion: str) -> Limits:
    """Limits as a command line has them: shares, or percentages such as 0.2%.

    Raises:
        InputError: One is no number from 0 to 1.
    """
    return Limits(_share(drop, "max-drop"), _share(distortion, "max-distortion"))


def _share(text: str, name: str) -> float:
    percent = text.strip().endswith("%")
    try:
        found = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise errors.InputError(name, repr(text), "a share from 0 to 1, or a percentage: 0.2%")
    return found


@dataclass(frozen=True)
class Rows:
    """Held-out rows.

    Attributes:
        x: [n, *shape] in the data's own dtype.
        y: Class indices [n]; -1 where the label is not known.
        kind: Where they come from: validation, or labelled where none were held out.
    """

    x: Array
    y: Array
    kind: str


@dataclass(frozen=True)
class Gate:
    """The outcome for one graph in one precision.

    Attributes:
        component: The graph.
        precision: Its precision.
        measure: `error`, the share of wrong rows, or `distortion`, the mean squared error of
            reconstructions in the data's own units.
        rows: How many rows it was measured on.
        kind: What rows these are.
        fp32: The measure for the fp32 graph.
        found: The measure for this one.
        cost: found - fp32 for an error, found / fp32 - 1 for a distortion.
        allowed: The most that the cost may be.
        batch_gap: The largest difference between an output of a row alone and in a batch.
        passed: Whether it may ship.
    """

    component: str
    precision: str
    measure: str
    rows: int
    kind: str
    fp32: float
    found: float
    cost: float
    allowed: float
    batch_gap: float
    passed: bool

    def to_json(self) -> dict[str, Any]:
        """As the bundle stores it."""
        return asdict(self)


class Judge:
    """Measures graphs on rows; the fp32 graphs stand for those that are not in question.

    Args:
        models: The fp32 graphs' files, by component.
        inputs: The names of each component's inputs.
        rows: Held-out rows.
        limits: What is allowed.
    """

    def __init__(
        self,
        models: Mapping[str, bytes],
        inputs: Mapping[str, tuple[str, ...]],
        rows: Rows,
        limits: Limits,
    ) -> None:
        self._inputs, self._rows, self._limits = inputs, rows, limits
        self._fp32 = {name: opened(name, data) for name, data in models.items()}
        self._kept: dict[str, float] = {}
        self._feeds: Arrays = {"x": rows.x}
        for component, given, wanted in (("classifier", "probs", "y"), ("encoder", "z_mean", "z")):
            if component in models:
                self._feeds[wanted] = self._answer(component, self._fp32[component])[given]

    def judge(self, component: str, precision: str, data: bytes) -> Gate | None:
        """Measure one graph; None where there is nothing to measure it by."""
        measure = self._measure(component)
        if measure is None:
            return None
        engine = opened(component, data)
        if component not in self._kept:
            self._kept[component] = measure(self._fp32[component])
        before, after = self._kept[component], measure(engine)
        error = component in CLASSIFIERS
        cost = after - before if error else after / max(before, np.finfo(np.float64).tiny) - 1
        allowed = self._limits.drop if error else self._limits.distortion
        gap = self._gap(component, engine)
        return Gate(
            component=component,
            precision=precision,
            measure="error" if error else "distortion",
            rows=int((self._rows.y >= 0).sum()) if error else len(self._rows.x),
            kind=self._rows.kind,
            fp32=before,
            found=after,
            cost=cost,
            allowed=allowed,
            batch_gap=gap,
            passed=cost <= allowed and (precision not in INVARIANT or gap == 0),
        )

    def _measure(self, component: str) -> Callable[[session.Session], float] | None:
        if component in CLASSIFIERS:
            return partial(self._error, component) if (self._rows.y >= 0).any() else None
        if component in ("encoder", "decoder") and {"encoder", "decoder"} <= set(self._fp32):
            return partial(self._distortion, component)
        return None

    def _error(self, component: str, engine: session.Session) -> float:
        known = self._rows.y >= 0
        probs = self._answer(component, engine)["probs"]
        return float((probs.argmax(axis=1) != self._rows.y)[known].mean())

    def _distortion(self, component: str, engine: session.Session) -> float:
        feeds, decoder = self._feeds, self._fp32["decoder"]
        if component == "encoder":
            feeds = {**feeds, "z": self._answer("encoder", engine)["z_mean"]}
        else:
            decoder = engine
        found = self._answer("decoder", decoder, feeds)["x"]
        return float(np.square(found - self._rows.x.astype(np.float64)).mean())

    def _answer(
        self, component: str, engine: session.Session, feeds: Arrays | None = None
    ) -> Arrays:
        given = self._given(component, self._feeds if feeds is None else feeds)
        n = len(self._rows.x)
        parts = [
            engine.run({k: v[start : start + BATCH] for k, v in given.items()})
            for start in range(0, n, BATCH)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _given(self, component: str, feeds: Arrays) -> Arrays:
        """A component's inputs; noise is zero."""
        width = {t.name: t.row for t in self._fp32[component].inputs.values()}
        n = len(self._rows.x)
        return {
            name: feeds[name] if name in feeds else np.zeros((n, *width[name]), dtype=np.float32)
            for name in self._inputs[component]
        }

    def _gap(self, component: str, engine: session.Session) -> float:
        """How far the answers for a row alone are from those in a batch."""
        given = self._given(component, self._feeds)
        together = engine.run({k: v[:BATCH] for k, v in given.items()})
        gaps = [0.0]
        for i in range(min(ALONE, len(self._rows.x))):
            alone = engine.run({k: v[i : i + 1] for k, v in given.items()})
            gaps += [float(np.abs(alone[k][0] - together[k][i]).max(initial=0)) for k in alone]
        return max(gaps)


def opened(name: str, data: bytes) -> session.Session:
    """A graph on one thread of the CPU, where figures come out the same again."""
    return session.Session(name, lambda: data, plans.Plan(provider="cpu"))
