"""A model's conditional distributions behind one call, wherever they are computed.

A bundle's graphs and the modules of a run are both `Conditionals`; what is worked out over them,
such as a reconstruction or a picture, is the same for both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.labels import classes
from ssdgm_runtime.rows import checks, named
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]
Arrays = dict[str, Array]
Run = Callable[[str, Arrays], Mapping[str, Array]]

GIVES = {"classifier": "probs", "encoder": "z_mean", "decoder": "x"}
"""The one output of each component that is asked for here."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """q(z | x, y) of some rows.

    Attributes:
        x: The rows as they were given, checked, [n, *shape].
        y: The label of each, float32 [n, K] under its name; nothing where no part takes any.
        z: The means, float32 [n, Z].
    """

    x: Array
    y: Arrays
    z: Array


@dataclass(frozen=True, eq=False)
class Conditionals:
    """Classifier, encoder and decoder, or those of them that there are.

    Attributes:
        graphs: What each eats and gives, by its name.
        labels: The K labels' names.
        run: A part's name and its inputs by name, [n, ...], to its outputs by name, [n, ...],
            the one of `GIVES` among them. How many rows it computes at once is its own affair.
        high: The largest value of the data, for the hint to whoever has it scaled to [0, 1].
        columns: The columns, where rows are those of a table: x is then [n, columns], as `columns`
            has it, wherever it goes in and comes out.
        features: The values of other rows by their names, where they have names.
    """

    graphs: Mapping[str, interface.Graph]
    labels: tuple[str, ...]
    run: Run
    high: float | None = None
    columns: table.Columns = ()
    features: table.Columns = ()
    _x: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    def takes(self, component: str, name: str, task: str) -> bool:
        """Whether a part has an input of this name; raises as `need`."""
        return any(t.name == name for t in need(self.graphs, component, task).inputs)

    def only(self, component: str, feeds: Arrays) -> Arrays:
        """Those feeds that a part takes."""
        names = {t.name for t in self.graphs[component].inputs}
        names |= {"x"} if "codes" in names else set()
        return {name: array for name, array in feeds.items() if name in names}

    def answer(self, component: str, feeds: Arrays) -> Array:
        """The output of a part that `GIVES` names, from those feeds that it takes."""
        return self.run(component, self.only(component, feeds))[GIVES[component]]

    def rows(self, component: str, task: str, x: ArrayLike) -> Array:
        """Rows for a part, checked, [n, *shape]; raises as `need` and `checks.rows`.

        Values that have names may be given by these, see `named.given` and `named.placed`;
        an array is read by position.
        """
        declared = self.declared(component, task)
        if self.columns:
            return named.given(x, self.columns, declared)
        if type(x) is not np.ndarray:
            x = named.placed(x, self.features, declared)
        return checks.rows(x, declared, self.high)

    def declared(self, component: str, task: str) -> Tensor:
        """What rows for a part are declared as; raises as `need`."""
        tensor = self._x.get(component)
        if tensor is None:
            graph = need(self.graphs, component, task)
            tensor = self._x[component] = interface.rows(graph, self.columns)
        return tensor

    def single(self, row: ArrayLike) -> Array:
        """One row for the classifier, checked, [1, *shape]; raises as `rows`."""
        if isinstance(row, Mapping):
            return self.rows("classifier", "classify", {name: [v] for name, v in row.items()})
        one = checks.read(row, "the row", "a row of numbers")
        return self.rows("classifier", "classify", one[None])

    def weights(
        self, task: str, rows: Array, y: classes.Labels | None, *components: str
    ) -> Arrays:
        """The y that these parts take, float32 [n, K] by name; nothing where none takes any.

        Raises:
            InputError: y is no label, not one for each row, or nothing takes it.
            TaskUnavailable: A part is not there, or y is left to a classifier that is not.
        """
        if not any([self.takes(component, "y", task) for component in components]):
            if y is not None:
                raise errors.InputError("y", "given", "None: this bundle's graphs take no label")
            return {}
        if y is not None:
            return {"y": classes.labels_of(y, self.labels, len(rows))}
        need(self.graphs, "classifier", f"{task} without y")
        return {"y": self.answer("classifier", {"x": rows})}

    def posterior(
        self, task: str, x: ArrayLike, y: classes.Labels | None, *others: str
    ) -> Posterior:
        """The mean of q(z | x, y).

        Args:
            task: What it is for, as a message has it.
            x: [n, *shape] in the data set's own dtype.
            y: As for `classes.labels_of`; by default the classifier's probabilities.
            others: Further parts that are to take the same y.

        Raises:
            InputError: x or y is not one of these.
            TaskUnavailable: There is no encoder, or one of the others or the classifier lacks.
        """
        rows = self.rows("encoder", task, x)
        weights = self.weights(task, rows, y, "encoder", *others)
        return Posterior(rows, weights, self.answer("encoder", {"x": rows, **weights}))


def of_bundle(about: manifest.Manifest, run: Run) -> Conditionals:
    """What a bundle's manifest describes, computed by `run`."""
    high = manifest.value_range(about)[1]
    return Conditionals(about.graphs, about.labels, run, high, about.columns, about.features)


def need(graphs: Mapping[str, interface.Graph], component: str, task: str) -> interface.Graph:
    """What a graph eats and gives.

    Raises:
        TaskUnavailable: There is no such graph.
    """
    if component not in graphs:
        raise errors.TaskUnavailable(
            f"this bundle cannot {task}: it has no {component}",
            f"a bundle with a {component}",
            f"It has {', '.join(graphs) or 'no graph'}; convert a model of a method that can.",
        )
    return graphs[component]


Given = Mapping[str, Array] | None
GraphRun = Callable[..., Arrays]


@dataclass(frozen=True)
class Table:
    """The columns of a table, and a graph that takes or gives its rows."""

    columns: table.Columns
    graph: interface.Graph

    def answer(
        self, run: GraphRun, feeds: Mapping[str, Array], names: tuple[str, ...], out: Given = None
    ) -> Arrays:
        """What the graph answers, where x is whole rows [n, columns] wherever it goes in or out.

        Args:
            run: The graph's own inputs, and the names of the outputs to give, to these.
            feeds: Inputs by name.
            names: The outputs to give; all, if none is named.
            out: Arrays to write outputs into, by name.
        """
        given = dict(feeds)
        if "x" in given:
            given |= table.split(given.pop("x"), self.columns)
        if "x" not in names:
            return run(given, *names, out=out)
        there = {tensor.name for tensor in self.graph.outputs}
        found = run(given, *(name for name in ("x", "code_probs") if name in there))
        x = table.joined(found, self.columns)
        if out is not None:
            out["x"][...] = x
        return {"x": x if out is None else out["x"]}
