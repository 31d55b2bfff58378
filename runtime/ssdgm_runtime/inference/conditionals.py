"""A model's conditional distributions behind one call, wherever they are computed.

A bundle's graphs and the modules of a run are both `Conditionals`; what is worked out over them,
such as a reconstruction or a picture, is the same for both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.inference.parts import need as need
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import intake
from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.inference import graphs
    from ssdgm_runtime.labels.space import Labels, Space
    from ssdgm_runtime.rows.views.layout import Layout

Array = NDArray[Any]
Arrays = dict[str, Array]
Run = Callable[[str, Arrays], Mapping[str, Array]]

GIVES = {"encoder": "z_mean", "prior": "z", "decoder": "x"}
"""The one output of each component that is asked for here; of a classifier it is `Space.mean`."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """q(z | x, y) of some rows.

    Attributes:
        x: The rows as they were given, checked, [n, *shape].
        y: The label of each, float32 [n, *shape] under its name; nothing where no part takes any.
        z: The means, float32 [n, Z].
    """

    x: Array
    y: Arrays
    z: Array


@dataclass(frozen=True, eq=False)
class Conditionals:
    """Classifier, encoder, prior and decoder, or those of them that there are.

    Attributes:
        graphs: What each eats and gives, by its name.
        space: What a label is.
        run: A part's name and its inputs by name, [n, ...], to its outputs by name, [n, ...],
            that of `gives` among them. How many rows it computes at once is its own affair.
        high: The largest value of the data, for the hint to whoever has it scaled to [0, 1].
        layout: The columns of a table, or the views, where rows are several tensors: x is then
            whole rows [n, width], as `layout` has it, wherever it goes in and comes out.
        features: The values of other rows by their names, where they have names.
        reader: A part's name to what reads its rows at a path.
        span: As of `Intake`.
    """

    graphs: Mapping[str, interface.Graph]
    space: "Space"
    run: Run
    high: float | None = None
    layout: "Layout" = ()
    features: table.Columns = ()
    reader: Callable[[str], intake.Read | None] | None = None
    span: tuple[float, float] | None = None
    _intakes: dict[str, intake.Intake] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _inputs(self) -> dict[str, frozenset[str]]:
        """The names of what each part takes; x is whole rows, also where a graph has but codes."""
        names = {key: {t.name for t in graph.inputs} for key, graph in self.graphs.items()}
        whole = {"x"} if self.layout else set[str]()
        rows = {k for k, n in names.items() if n - {"y", "z", *self.graphs[k].noise}}
        return {k: frozenset(n | (whole if k in rows else set())) for k, n in names.items()}

    def takes(self, component: str, name: str, task: str) -> bool:
        """Whether a part has an input of this name; raises as `need`."""
        need(self.graphs, component, task)
        return name in self._inputs[component]

    def only(self, component: str, feeds: Arrays) -> Arrays:
        """Those feeds that a part takes."""
        names = self._inputs[component]
        return {name: array for name, array in feeds.items() if name in names}

    def answer(self, component: str, feeds: Arrays) -> Array:
        """The output of a part that `gives` names, from those feeds that it takes."""
        return self.run(component, self.only(component, feeds))[gives(component, self.space)]

    def latent(self, task: str) -> Tensor:
        """The z that the decoder takes; raises as `need`, also where it takes none."""
        inputs = {t.name: t for t in need(self.graphs, "decoder", task).inputs}
        if "z" not in inputs:
            raise errors.TaskUnavailable(
                f"This bundle cannot {task}: its decoder takes no z",
                mend="Convert a run of a method whose decoder takes a latent, such as m2.",
            )
        return inputs["z"]

    def rows(self, component: str, task: str, x: ArrayLike) -> Array:
        """Rows for a part, checked, [n, *shape]; raises as `need` and `Intake`."""
        taken = self._intakes.get(component)
        if taken is None:
            declared = interface.rows(need(self.graphs, component, task), self.layout)
            read = self.reader and self.reader(component)
            named = self.layout, self.features
            taken = intake.Intake(declared, self.high, *named, read, self.span)
            self._intakes[component] = taken
        return taken.take(x)

    def weights(self, task: str, rows: Array, y: "Labels | None", *components: str) -> Arrays:
        """The y that these parts take, float32 [n, *shape]; nothing where none takes any.

        Raises:
            InputError: y is no label, not one for each row, or nothing takes it.
            TaskUnavailable: A part is not there, or y is left to a classifier that is not.
        """
        if not any([self.takes(component, "y", task) for component in components]):
            if y is not None:
                raise errors.InputError("y", "given", "None: this bundle's graphs take no label")
            return {}
        if y is not None:
            return {"y": self.space.read(y, len(rows))}
        need(self.graphs, "classifier", f"{task} without y")
        return {"y": self.answer("classifier", {"x": rows})}

    def posterior(self, task: str, x: ArrayLike, y: "Labels | None", *others: str) -> Posterior:
        """The mean of q(z | x, y).

        Args:
            task: What it is for, as a message has it.
            x: [n, *shape] in the data set's own dtype.
            y: As for `Space.read`; by default the classifier's probabilities.
            others: Further parts that are to take the same y.

        Raises:
            InputError: x or y is not one of these.
            TaskUnavailable: There is no encoder, or one of the others or the classifier lacks.
        """
        rows = self.rows("encoder", task, x)
        weights = self.weights(task, rows, y, "encoder", *others)
        return Posterior(rows, weights, self.answer("encoder", {"x": rows, **weights}))


def gives(component: str, space: "Space") -> str:
    """The one output of a part that is asked for."""
    return space.mean if component == "classifier" else GIVES[component]


def of_bundle(opened: "graphs.Graphs") -> Conditionals:
    """What a bundle's manifest describes, computed by its graphs."""
    about, made = opened.bundle.manifest, dict[str, Any]()

    def run(component: str, feeds: Arrays) -> Arrays:
        call, output = made.get(component), gives(component, about.space)
        if call is None:
            call = made[component] = opened.call(component, "run", output)
        return {output: call(feeds)[0]}

    fields = about.row_layout, about.features, opened.reader
    span = about.likelihood and about.likelihood.span
    return Conditionals(about.graphs, about.space, run, opened.high, *fields, span)
