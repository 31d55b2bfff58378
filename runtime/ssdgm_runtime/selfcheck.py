"""Does this bundle compute here what it computed where it was made?

A bundle carries golden rows: inputs, noise, and the outputs of every graph and precision. They
are run on this device with the model's own provider and threads, all at once and the first alone,
and compared as |a - b| <= atol + rtol |b| with the variant's tolerances; the best label must be
the same wherever the two best probabilities are further apart than twice that.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, golden, graphs, manifest, session

Array = NDArray[Any]
_HUGE = float(np.finfo(np.float64).max)  # stands for NaN and infinity, which JSON has no word for


@dataclass(frozen=True)
class Check:
    """One graph's golden rows.

    Attributes:
        component: The graph.
        variant: Which of its files was run.
        precision: That file's precision.
        provider: Where it ran.
        rows: How many golden rows there are.
        max_abs: The largest difference of any output.
        excess: The largest difference as a share of what is allowed; at most 1 passes.
        flips: Rows whose best label differs although the two best are far enough apart.
        passed: There are rows, none flips, and `excess` is at most 1.
    """

    component: str
    variant: str
    precision: str
    provider: str
    rows: int
    max_abs: float
    excess: float
    flips: int
    passed: bool


@dataclass(frozen=True)
class VerifyReport:
    """The outcome of a self-check; `digests` says that every listed file was hashed again."""

    passed: bool
    digests: bool
    bundle: str
    id: str
    onnxruntime: str
    checks: tuple[Check, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-ready tables."""
        return asdict(self)


def verify(opened: graphs.Graphs) -> VerifyReport:
    """Hash the bundle's files again and run its golden rows.

    Raises:
        IntegrityError: A file has changed since the model was opened, or golden rows are missing.
        FormatError: Golden rows are not what the manifest describes.
    """
    bundle = opened.bundle
    bundle.check()
    checks = tuple(_check(opened, component) for component in opened.components)
    return VerifyReport(
        passed=all(c.passed for c in checks),
        digests=True,
        bundle=bundle.manifest.name,
        id=bundle.id,
        onnxruntime=session.version(),
        checks=checks,
    )


def _check(opened: graphs.Graphs, component: str) -> Check:
    variant = opened.variant(component)
    feeds = golden.inputs(opened.bundle, component)
    wanted = golden.outputs(opened.bundle, component, variant.precision)
    rows = len(next(iter(feeds.values())))
    if any(len(array) != rows for array in wanted.values()):
        raise errors.FormatError(f"{component} has golden inputs and outputs of different lengths")
    first = {name: array[:1] for name, array in feeds.items()}
    found = [opened.run(component, part, max(rows, 1)) for part in (feeds, first)]
    gaps = [_gaps(part, wanted, variant) for part in found]
    max_abs, excess = (max(column) for column in zip(*gaps, strict=True))
    flips = _flips(found[0], wanted, variant)
    return Check(
        component=component,
        variant=variant.name,
        precision=variant.precision,
        provider=opened.placement(component).active,
        rows=rows,
        max_abs=max_abs,
        excess=excess,
        flips=flips,
        passed=rows > 0 and flips == 0 and excess <= 1.0,
    )


def _bound(kept: Array, variant: manifest.Variant) -> Array:
    bound: Array = variant.atol + variant.rtol * np.abs(kept.astype(np.float64))
    return bound


def _gaps(
    found: Mapping[str, Array], kept: Mapping[str, Array], variant: manifest.Variant
) -> tuple[float, float]:
    """The largest difference, and the largest as a share of what is allowed."""
    worst = [0.0, 0.0]
    for name, array in found.items():
        wanted = kept[name][: len(array)].astype(np.float64)
        gap = np.abs(array.astype(np.float64) - wanted)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            share = gap / _bound(wanted, variant)  # 0 / 0, exact where nothing is allowed, passes
        share = np.where(gap == 0, 0.0, np.nan_to_num(share, nan=_HUGE, posinf=_HUGE))
        gap = np.nan_to_num(gap, nan=_HUGE, posinf=_HUGE)
        worst = [
            max(w, float(a.max(initial=0.0))) for w, a in zip(worst, (gap, share), strict=True)
        ]
    return worst[0], worst[1]


def _flips(
    found: Mapping[str, Array], kept: Mapping[str, Array], variant: manifest.Variant
) -> int:
    if "probs" not in found or "logits" not in found or kept["probs"].shape[1] < 2:
        return 0
    wanted = kept["probs"]
    two = np.sort(wanted, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 2 * _bound(two[:, 1], variant)
    differs = found["probs"].argmax(axis=1) != wanted.argmax(axis=1)
    return int((clear & differs).sum())
