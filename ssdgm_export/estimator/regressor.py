"""The scikit-learn face for numbers: `fit(X, y)` with NaN for unlabelled rows, then `predict`.

from ssdgm_export import SemiSupervisedRegressor

model = SemiSupervisedRegressor(random_state=0).fit(X, y)  # y holds NaN where unknown
mean, deviation = model.predict(X_new, return_std=True)
model.export("model.ssdgm")  # a bundle, for a device without torch
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ssdgm_export.estimator import answers, base, frames, settings, weighting
from ssdgm_runtime import errors
from ssdgm_runtime.labels.continuous import Continuous
from ssdgm_train.data import targets

Array = NDArray[Any]


class SemiSupervisedRegressor(RegressorMixin, base.SemiSupervised):  # type: ignore[misc]
    """A method of this package as a scikit-learn regressor, of one number a row or several.

    Where nothing says what to train, it is the recipe that is recommended for such rows. With
    `method="m2"` that method is trained with the defaults below, which takes seconds; `supervised`
    learns from the labelled rows alone.

    Args:
        method: "m2", "m1" or "supervised", see `METHODS`; None for that of `recipe` or
            `settings`, with `init_from` m2, and "auto" without any of these.
        budget: How many minutes "auto" may take, roughly; 10.
        recipe: The name of a recipe that ships, or a TOML file.
        hidden: Widths of the hidden layers, in every network; 100.
        latent: Dimensions of z; 10.
        alpha: The weight of labels beside the bounds; 1, see `m2.Config`.
        steps: Updates in every phase; 2000.
        learning_rate: Adam's; 3e-3.
        labelled_batch: Labelled rows a step; 100.
        unlabelled_batch: Unlabelled rows a step; 100.
        validation: The share of the labelled rows that is held out, from 1 on their number; 0.
            They calibrate the deviations.
        likelihood: Of rows: "gaussian", which standardises every column; "bernoulli" for columns
            within [0, 1]; "binomial" for counts up to 255; "auto". gaussian.
        early_stopping: As of `SemiSupervisedClassifier`.
        patience: As of `SemiSupervisedClassifier`.
        class_weight: None; numbers have no classes.
        labels_as: None or "numbers".
        settings: Anything else a recipe has, such as ("model.weighting=paper",).
        shape: What a row is reshaped to, (8, 8) for a small picture; it then is a bundle's input.
        init_from: A run directory, or .npz weights of the authors, to start from.
        random_state: Of validation rows, initial weights, batches and noise.
        device: "auto", "cpu" or "cuda".
        verbose: 1 writes a line to standard error at every validation.

    Attributes:
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where X has some; a bundle then reads frames by them.
        run_: The run as `memory.Trained`; it holds the rows, which `export` computes on.

    Raises:
        SsdgmError: On fit; a setting, a label or the rows cannot be used.
    """

    _labels_as = targets.NUMBERS

    def fit(
        self,
        X: object,  # noqa: N803
        y: object,
        sample_weight: object = None,
    ) -> "SemiSupervisedRegressor":
        """Train on rows [n, features], labelled or not.

        Args:
            X: Finite numbers, or a frame, as of `SemiSupervisedClassifier`.
            y: Numbers [n] or [n, D]; NaN where one is not known.
            sample_weight: How much each row counts [n], labelled or not; 1 for all by default. A
                row is drawn for a step as often as that; those of weight 0 are left out.
        """
        if self.labels_as not in (None, targets.NUMBERS):
            raise errors.InputError("labels_as", repr(self.labels_as), "None or 'numbers'")
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None"
            )
        plan = self._plan()
        frame, gaps = frames.read(X, self._gaps(plan)), self._gaps(plan)
        x: Any = frame
        if frame is None:
            finite = "allow-nan" if gaps else True
            x = validate_data(
                self, X, dtype=np.float32, ensure_min_samples=2, ensure_all_finite=finite
            )
        known = _numbers(y)
        check_consistent_length(x, known)
        self._flat = known.ndim == 1
        x, known, weights = weighting.weighted(x, known, sample_weight)
        if frame is None:
            plan = frames.stated(plan, None, self.likelihood) if gaps else plan
            self._train(self._table(x, known, plan, weights), plan)
            return self
        self.feature_names_in_ = np.array(frame.columns, object)
        self.n_features_in_ = len(frame.columns)
        table = frames.table(x, known, weights)
        self._train(table, frames.stated(plan, table, self.likelihood))
        return self

    def predict(self, X: object, return_std: bool = False) -> Any:  # noqa: N803, ANN401
        """The expected numbers of every row, [n] or [n, D] as y was.

        Args:
            X: Rows.
            return_std: Whether to return their standard deviations too, as a second array.
        """
        outputs = self._answers().outputs(self._asked(X))
        mean, scale = (outputs[name][:, 0] if self._flat else outputs[name] for name in _OUTPUTS)
        return (mean, scale) if return_std else mean

    @available_if(base.offers("generate"))  # type: ignore[untyped-decorator]
    def sample(self, y: object, n: int = 1, random_state: object = 0) -> Any:  # noqa: ANN401
        """Draw rows of p(x | y).

        Args:
            y: A number, or numbers [m]; of several a row, numbers [m, D].
            n: Rows a label, from 1 on.
            random_state: Of the draws.

        Returns:
            Rows [m * n, features], those of the first label first; a frame after a frame.

        Raises:
            InputError: y are no such numbers, or n is no whole number from 1 on.
        """
        check_is_fitted(self)
        model = self._answers()
        asked = np.repeat(model.space.read(y), settings.count(n, "n"), axis=0)  # type: ignore[arg-type]
        drawn = model.draws_of(asked, base.seed_of(random_state))
        if isinstance(self.run_.table, frames.Table):
            return answers.framed(drawn, self.run_.problem, self.run_.table)
        return drawn.reshape(len(drawn), -1)

    def score(self, X: object, y: object, sample_weight: object = None) -> float:  # noqa: N803
        """R² on those rows whose numbers are known; so it serves `GridSearchCV` as it is.

        Raises:
            InputError: No row's numbers are known.
        """
        true = _numbers(y)
        known = ~np.isnan(true.reshape(len(true), -1)).any(1)
        if not known.any():
            raise errors.InputError("y", "without any known label", "numbers other than NaN")
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(r2_score(true[known], self.predict(X)[known], sample_weight=weight))

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  (scikit-learn's own)
        """Several numbers a row may be predicted."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


_OUTPUTS = tuple(Continuous((), (), ()).outputs)


def _numbers(y: object) -> NDArray[np.float64]:
    """Numbers as scikit-learn checks them; NaN is a number that is not known."""
    given = np.asarray(y)
    words = given.dtype.kind == "O" and any(isinstance(v, str) for v in given.ravel().tolist())
    if given.dtype.kind in "UT" or words:
        hint = "Labels in words are for SemiSupervisedClassifier."
        raise errors.InputError("y", "an array of words", "numbers, NaN for unknown ones", hint)
    numbers: NDArray[np.float64] = check_array(
        y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
    )
    flat = numbers.ndim == 2 and numbers.shape[1] == 1
    return numbers.ravel() if flat else numbers
