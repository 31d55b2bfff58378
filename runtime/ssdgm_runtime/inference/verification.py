"""Does this bundle compute here what it computed where it was made?

A bundle carries golden rows: inputs, noise, and the outputs of every graph and precision. They
are run on this device with the model's own provider and threads, all at once and the first alone,
and must agree with the variant's tolerances; `agreement` has the rule.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import golden, tolerance
from ssdgm_runtime.engine import session
from ssdgm_runtime.inference import graphs


@dataclass(frozen=True)
class Check:
    """One graph's golden rows.

    Attributes:
        component: The graph.
        variant: Which of its files was run.
        precision: That file's precision.
        provider: Where it ran.
        rows: How many golden rows there are.
        output: The output that is furthest off for what is allowed.
        max_abs: The largest difference of any output.
        worst: The largest difference as a share of what is allowed; at most 1 passes.
        disagreements: Rows predicted otherwise although their golden prediction is clear.
        passed: There are rows, none of them disagrees, and `worst` is at most 1.
    """

    component: str
    variant: str
    precision: str
    provider: str
    rows: int
    output: str
    max_abs: float
    worst: float
    disagreements: tuple[int, ...]
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


def verify(opened: graphs.Graphs, digests: bool = True) -> VerifyReport:
    """Hash the bundle's files again, if `digests`, and run its golden rows.

    Raises:
        IntegrityError: A file has changed since the model was opened, or golden rows are missing.
        FormatError: Golden rows are not what the manifest describes.
    """
    bundle = opened.bundle
    if digests:
        bundle.check()
    checks = tuple(_check(opened, component) for component in opened.components)
    return VerifyReport(
        passed=all(c.passed for c in checks),
        digests=digests,
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
    allowed = {t.name: variant.tolerance(t) for t in opened.graph(component, "verify").outputs}
    parts = [(feeds, wanted), (_first(feeds), _first(wanted))]
    answers = [opened.run(component, inputs, max(rows, 1)) for inputs, _ in parts]
    gaps = [
        (*tolerance.gaps(array, there[name], *allowed[name]), name)
        for part, (_, there) in zip(answers, parts, strict=True)
        for name, array in part.items()
    ]
    _, worst, output = max(gaps, key=lambda gap: gap[1])
    differ: tuple[int, ...] = ()
    if component == "classifier":
        space = opened.bundle.manifest.space
        atol, rtol = allowed[space.mean]
        differ = space.differs(answers[0], wanted, float(np.max(atol)), rtol)
    return Check(
        component=component,
        variant=variant.name,
        precision=variant.precision,
        provider=opened.placement(component).active,
        rows=rows,
        output=output,
        max_abs=max(gap[0] for gap in gaps),
        worst=worst,
        disagreements=differ,
        passed=rows > 0 and not differ and worst <= 1.0,
    )


def _first(arrays: Mapping[str, session.Array]) -> session.Arrays:
    return {name: array[:1] for name, array in arrays.items()}
