"""What the estimators share: their parameters, the run that `fit` makes, latents and bundles."""

import numbers
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ssdgm_export.bundle import document
from ssdgm_export.estimator import frames, memory, progress, settings, weighting
from ssdgm_export.estimator.answers import Answers
from ssdgm_runtime import errors
from ssdgm_train import evaluation
from ssdgm_train.portfolio import default
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.runs import loading

Array = NDArray[Any]


def offers(task: str) -> Any:  # noqa: ANN401  (scikit-learn's own check)
    """Whether the method does more than to classify."""
    return lambda self: task in recommended.plain(self._plan()).spec.tasks


class SemiSupervised(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """A method of this package as an estimator; parameters as of `SemiSupervisedClassifier`."""

    _labels_as = ""
    """What labels are, whatever the parameter says; empty to leave it to that."""

    def __init__(
        self,
        *,
        method: str | None = None,
        budget: float | None = None,
        recipe: str | Path | None = None,
        hidden: int | Sequence[int] | None = None,
        latent: int | None = None,
        alpha: float | None = None,
        steps: int | None = None,
        learning_rate: float | None = None,
        labelled_batch: int | None = None,
        unlabelled_batch: int | None = None,
        validation: float | None = None,
        early_stopping: bool = False,
        patience: int | None = None,
        class_weight: str | Mapping[Any, Any] | None = None,
        likelihood: str | None = None,
        labels_as: str | None = None,
        settings: Sequence[str] = (),
        shape: tuple[int, ...] | None = None,
        init_from: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
        threads: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.method = method
        self.budget = budget
        self.recipe = recipe
        self.hidden = hidden
        self.latent = latent
        self.alpha = alpha
        self.steps = steps
        self.learning_rate = learning_rate
        self.labelled_batch = labelled_batch
        self.unlabelled_batch = unlabelled_batch
        self.validation = validation
        self.early_stopping = early_stopping
        self.patience = patience
        self.class_weight = class_weight
        self.likelihood = likelihood
        self.labels_as = labels_as
        self.settings = settings
        self.shape = shape
        self.init_from = init_from
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.verbose = verbose

    def _train(self, table: memory.Table | frames.Table, plan: frames.Plan) -> None:
        """Train on rows and labels as a data set has them, and keep the run."""
        start = None if self.init_from is None else Path(self.init_from)
        limit = settings.minutes(self.method, self.budget, self.recipe, start, self.settings)
        watch = progress.tell if self.verbose else memory.ignore
        how = seed_of(self.random_state), self.device, start, watch, limit, self.threads
        self.run_ = memory.fit(table, plan, *how)
        if self.early_stopping and not self.run_.record.plan.run.patience:
            held = self.run_.record.data.validation
            warnings.warn(
                f"early_stopping has no effect: {held} labelled rows are held out, and fewer than "
                f"{evaluation.ENOUGH} decide nothing. Label more rows, or raise validation.",
                stacklevel=3,
            )
        if self.verbose:
            progress.conclude(self.run_)

    def _table(
        self, x: Array, labels: Array, plan: frames.Plan, weights: Array | None
    ) -> memory.Table:
        """Rows of numbers [n, features] with labels and weights, as a data set has them."""
        names = tuple(getattr(self, "feature_names_in_", ()))
        rows = settings.shaped(x, self.shape, recommended.plain(plan).data.likelihood)
        return memory.Table(rows, labels, names, weights)

    def transform(self, X: object) -> Array:  # noqa: N803
        """The means of q(z | x, y = q(y | x)), [n, latent]."""
        return self._answers().latents(self._asked(X))

    def export(
        self,
        path: str | Path,
        *,
        precision: str = "fp32",
        license: str | None = None,
        score: bool = False,
    ) -> Path:
        """Write a bundle, as `ssdgm-export convert` does.

        Args:
            path: A new `NAME.ssdgm`, or `NAME.ssdgm.zip`.
            precision: Some of fp32, int8 and fp16, with commas.
            license: An SPDX expression.
            score: Whether to add what `Model.score` needs; for methods that generate.

        Raises:
            SsdgmError: As `ssdgm_export.convert`.
        """
        check_is_fitted(self)
        return memory.export(self.run_, Path(path), precision, license, score)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a run."""
        return hasattr(self, "run_")

    @property
    def _n_features_out(self) -> int:
        latents = self.run_.result.latents
        assert latents is not None
        return latents.size

    def _plan(self) -> recipe.Recipe | recommended.Asked:
        if isinstance(self.settings, str):
            wanted = f"a list of such texts: [{self.settings!r}]"
            raise errors.InputError("settings", f"the text {self.settings!r}", wanted)
        given = {
            name: getattr(self, name, None)
            for name in ("hidden", "latent", "alpha", *settings.SECTIONS)
        }
        given |= {"labels_as": self._labels_as} if self._labels_as else {}
        given["class_weight"] = weighting.weighing(self.class_weight)
        if not (self.recipe or self.early_stopping or self.patience or self.verbose):
            given["evaluate_every"] = settings.SELDOM  # nobody looks at validations
        if self.early_stopping:
            given["patience"] = settings.PATIENCE if self.patience is None else self.patience
            given["validation"] = self.validation or settings.HELD
        if default.compared(self.method, (self.recipe, self.init_from), self.settings):
            return settings.compared(given, self.settings)
        return settings.plan(self.recipe, self.method, given, self.settings)

    def _gaps(self, plan: frames.Plan) -> bool:
        """Whether the settings say what stands for a missing number."""
        return bool(recommended.plain(plan).data.missing)

    def _unknown(self, plan: frames.Plan) -> tuple[str, ...]:
        """What stands for an unknown label besides the usual, by the settings."""
        return recommended.plain(plan).data.unlabelled

    def _answers(self) -> Answers:
        check_is_fitted(self)
        return answers_of(self.run_, self.device)

    def _asked(self, X: object) -> Array:  # noqa: N803
        if isinstance(self.run_.table, frames.Table):
            return frames.rows(X, self.run_.problem)
        known = self.run_.problem.columns
        finite = "allow-nan" if known else True
        given = frames.plain(X, [*getattr(self, "feature_names_in_", ())])
        x = validate_data(self, given, dtype=np.float32, reset=False, ensure_all_finite=finite)
        if known:
            return frames.rows(x, self.run_.problem, named_only=False)
        return settings.shaped(x, self.shape, self.run_.problem.likelihood)


def answers_of(trained: memory.Trained, device: str) -> Answers:
    """A trained model at work on a device."""
    space = document.space(trained.record, trained.result)
    return Answers(trained.graphs, trained.problem, space, loading.pick_device(device))


def seed_of(random_state: Any) -> int:  # noqa: ANN401  (whatever scikit-learn takes)
    """A whole number from whatever scikit-learn takes as a random state."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


# scikit-learn wraps `transform` when the class is made, which would hide the condition
for _name in ("transform", "fit_transform"):
    _conditional = available_if(offers("encode"))(getattr(SemiSupervised, _name))
    setattr(SemiSupervised, _name, _conditional)
