"""The scikit-learn face: `fit(X, y)` with -1 for unlabelled rows, then `predict` and the rest.

from ssdgm_export import SemiSupervisedClassifier

model = SemiSupervisedClassifier(random_state=0).fit(X, y)  # y holds -1 where unknown
model.predict(X_new)
model.export("model.ssdgm")  # a bundle, for a device without torch
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ssdgm_export.estimator import answers, base, frames, memory, settings, weighting
from ssdgm_runtime import errors

Array = NDArray[Any]


class SemiSupervisedClassifier(ClassifierMixin, base.SemiSupervised):  # type: ignore[misc]
    """A method of this package as a scikit-learn classifier.

    Where nothing says what to train, a few recipes are compared by cross-validation on the
    labelled rows, from the one that is recommended for such rows on, and the best is trained.
    Parameters that are given hold in each of them; of the others, `validation` and `likelihood`
    are 0 and gaussian. With `method="m2"` that method alone is trained, which takes seconds.

    Where a method is named, parameters left as None take the default shown last here; where a
    recipe is named, its value. Parameters that are given override the recipe.

    Args:
        method: A key of `METHODS`, or "auto", which compares recipes; None for that of `recipe`
            or `settings`, with `init_from` m2, and "auto" without any of these.
        budget: How many minutes "auto" may take, roughly; 10.
        recipe: The name of a recipe that ships, or a TOML file.
        hidden: Widths of the hidden layers, in every network; 100.
        latent: Dimensions of z; 10.
        alpha: The classifier's weight beside the bounds; 1, see `m2.Config`.
        steps: Updates in every phase; 2000.
        learning_rate: Adam's; 3e-3.
        labelled_batch: Labelled rows a step; 100.
        unlabelled_batch: Unlabelled rows a step; 100.
        validation: The share of the labelled rows that is held out, from 1 on their number; 0.
            They calibrate the probabilities.
        early_stopping: Whether training stops once `patience` validations in a row, of which a run
            has 20 at least, brought no lower loss; its best weights are then used. `validation` is
            0.1 with it; where that is fewer than 30 labelled rows, they decide nothing: training
            goes on to its end, and `fit` warns.
        patience: Such validations; 5 with `early_stopping`, else none, unless given.
        class_weight: "balanced", for classes that count alike in training however many labelled
            rows they have; or weights by label, {1: 3.0}, 1 where none is given; None for rows
            that count alike.
        likelihood: Of rows: "gaussian", which standardises every column; "bernoulli" for columns
            within [0, 1]; "binomial" for counts up to 255; "auto". gaussian.
        labels_as: "classes" says that all labels are classes, however many there are.
        settings: Anything else a recipe has, such as ("model.weighting=paper",).
        shape: What a row is reshaped to, (8, 8) for a small picture; it then is a bundle's input.
        init_from: A run directory, or .npz weights of the authors, to start from.
        random_state: Of validation rows, initial weights, batches and noise.
        device: "auto", "cpu", "cuda", or one GPU of several, such as "cuda:1".
        threads: How many there are; by default one for small networks, which are slower with more.
        verbose: 1 writes a line to standard error at every validation and fold.

    Attributes:
        classes_: The labels' own values, sorted, [K].
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where X has some; a bundle then reads frames by them.
        run_: The run as `memory.Trained`; it holds the rows, which `export` computes on.

    Raises:
        SsdgmError: On fit; a setting, a label or the rows cannot be used.
    """

    classes_: Array

    def fit(
        self,
        X: object,  # noqa: N803
        y: object,
        sample_weight: object = None,
    ) -> "SemiSupervisedClassifier":
        """Train on rows [n, features], labelled or not.

        Args:
            X: Finite numbers; they become float32. Or a frame of pandas, Polars and their like,
                columns by name, or rows as mappings, in which columns may also be categories,
                words, truth values and dates, and values may be missing: they are read as a table
                on the command line is.
            y: Labels [n]: whole numbers from 0 or strings; -1 (in strings also "-1" or an empty
                one), None or NaN is a row whose label is not known.
            sample_weight: How much each row counts [n], labelled or not; 1 for all by default. A
                row is drawn for a step as often as that, times `class_weight` where it has a
                label; those of weight 0 are left out.
        """
        plan = self._plan()
        frame, y = frames.read(X, self._gaps(plan)), settings.blanked(y, self._unknown(plan))
        if frame is None:
            plan = frames.stated(plan, None, self.likelihood) if self._gaps(plan) else plan
            table: memory.Table | frames.Table = self._array(X, y, plan, sample_weight)
        else:
            table = self._frame(frame, y, sample_weight)
            plan = frames.stated(plan, table, self.likelihood)
        self._train(table, plan)
        if frame is not None:
            self.classes_ = answers.classes(self.classes_, self.run_.record.data.classes)
        return self

    def _array(
        self,
        X: object,  # noqa: N803
        y: object,
        plan: frames.Plan,
        weights: object,
    ) -> memory.Table:
        """Rows of numbers with their labels, as scikit-learn checks them."""
        finite = True if not self._gaps(plan) else "allow-nan"
        x, known = validate_data(
            self, X, y, dtype=np.float32, ensure_min_samples=2, ensure_all_finite=finite
        )
        x, known, weights = weighting.weighted(x, known, weights)
        if known.dtype.kind != "O":  # objects are judged one by one below
            check_classification_targets(known)
        self.classes_, labels = settings.labels(known)
        return self._table(x, labels, plan, weights)

    def _frame(self, frame: frames.Frame, y: object, weights: object) -> frames.Table:
        """Rows of a frame with their labels."""
        self.feature_names_in_ = np.array(frame.columns, object)
        self.n_features_in_ = len(frame.columns)
        given = frames.check_labelled(frame, y, type(self).__name__)
        frame, known, weights = weighting.weighted(frame, given, weights)
        self.classes_, labels = settings.labels(known)
        return frames.table(frame, labels, weights)

    def predict_proba(self, X: object) -> Array:  # noqa: N803
        """q(y | x), [n, K], in the order of `classes_`."""
        return self._answers().probs(self._asked(X))

    def predict(self, X: object) -> Array:  # noqa: N803
        """The likeliest label of every row, [n]."""
        answers = self._answers()
        labels: Array = self.classes_[answers.space.nearest(answers.probs(self._asked(X)))]
        return labels

    @available_if(base.offers("generate"))  # type: ignore[untyped-decorator]
    def sample(self, y: object, n: int = 1, random_state: object = 0) -> Any:  # noqa: ANN401
        """Draw rows of p(x | y).

        Args:
            y: A label, or labels [m].
            n: Rows a label, from 1 on.
            random_state: Of the draws.

        Returns:
            Rows [m * n, features], those of the first label first; a frame after a frame.

        Raises:
            InputError: A label is none of `classes_`, or n is no whole number from 1 on.
        """
        check_is_fitted(self)
        asked = settings.places(y, self.classes_)
        indices = np.repeat(asked, settings.count(n, "n"))
        drawn = self._answers().draws(indices, base.seed_of(random_state))
        if isinstance(self.run_.table, frames.Table):
            return answers.framed(drawn, self.run_.problem, self.run_.table)
        return drawn.reshape(len(drawn), -1)

    def score(self, X: object, y: object, sample_weight: object = None) -> float:  # noqa: N803
        """The accuracy on those rows whose label is known; so it serves `GridSearchCV` as it is.

        Raises:
            InputError: No label is known.
        """
        y = settings.blanked(y, self._unknown(self._plan()))
        known = ~settings.unknown(np.asarray(y))
        if not known.any():
            raise errors.InputError("y", "without any known label", "labels other than -1")
        right = self.predict(X) == np.asarray(y)
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(np.average(right[known], weights=weight))
