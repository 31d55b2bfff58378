"""The scikit-learn face of one-class: rows that are unlike those that it was fitted on.

from ssdgm_export import OutlierDetector

detector = OutlierDetector(false_alarms=0.01, random_state=0).fit(X)  # normal rows, no labels
detector.predict(X_new)  # 1 for rows like these, -1 for others
detector.fit(X, y)  # y is 1 of normal rows, -1 of known outliers, 0 or NaN where nothing is known
detector.export("detector.ssdgm")  # Model.classify(x).names on a device without torch
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ssdgm_export.estimator import base, frames, memory, progress, settings
from ssdgm_runtime import DriftWarning, errors
from ssdgm_train.data import dataset, targets
from ssdgm_train.evaluation import evidence
from ssdgm_train.labels import OneClass, oneclass
from ssdgm_train.models import scoring as bounds
from ssdgm_train.probability.noise import Noise
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, loading

Array = NDArray[Any]
Codes = NDArray[np.int64]
RECIPE = "default-oneclass"
FEWEST = 5
"""The fewest rows that are held out."""


class OutlierDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """A generative model of normal rows, which calls unlikely ones outliers.

    The model is that of the method `oneclass`. Some normal rows are held out of its training; the
    threshold is the score that a share `false_alarms` of these is above. Rows without a label are
    taken for normal; where some of them are outliers, that share is of all.

    Args:
        false_alarms: The share of normal rows that may be called outliers, 0 to below 0.5.
        held: The share of the rows that the threshold is found on, 5 rows at least.
        samples: How many importance samples a score is of; 0 for those of a bundle.
        hidden: Widths of the hidden layers of encoder and decoder.
        latent: Dimensions of z.
        steps: Updates.
        learning_rate: Adam's.
        batch: Rows a step.
        likelihood: Of rows: "gaussian", which standardises every column, or as of `m2`; None for
            gaussian, of frames that are read as tables for the one that fits.
        settings: Anything else a recipe of `oneclass` has, such as ("model.gamma=3",).
        random_state: Of the rows that are held out, initial weights, batches and noise.
        device: "auto", "cpu" or "cuda".
        verbose: 1 writes a line to standard error at every validation.

    Attributes:
        offset_: What `score_samples` is above for rows that are called normal.
        n_features_in_: The number of columns.
        run_: The run as `memory.Trained`.

    Raises:
        SsdgmError: On fit; a setting or the rows cannot be used.
    """

    def __init__(
        self,
        *,
        false_alarms: float = 0.05,
        held: float = 0.2,
        samples: int = 0,
        hidden: int | Sequence[int] = (64,),
        latent: int = 8,
        steps: int = 1500,
        learning_rate: float = 3e-3,
        batch: int = 128,
        likelihood: str | None = None,
        settings: Sequence[str] = (),
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.false_alarms = false_alarms
        self.held = held
        self.samples = samples
        self.hidden = hidden
        self.latent = latent
        self.steps = steps
        self.learning_rate = learning_rate
        self.batch = batch
        self.likelihood = likelihood
        self.settings = settings
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: object, y: object = None) -> "OutlierDetector":  # noqa: N803
        """Train on rows [n, features].

        Args:
            X: Finite numbers, or a frame, in which columns may also be categories, words, truth
                values and dates, and values may be missing, as of `SemiSupervisedClassifier`.
            y: What is known of them, [n]: above 0 of normal rows, below 0 of outliers, 0 or NaN
                where nothing is known. By default all are normal, as they are where y says so of
                none.
        """
        if not 0 <= self.false_alarms < 0.5:
            wanted = "a share from 0 to below 0.5"
            raise errors.InputError("false_alarms", str(self.false_alarms), wanted)
        gaps = bool(self._plan(FEWEST).data.missing)
        frame = frames.read(X, gaps)
        codes, table = self._array(X, y, gaps) if frame is None else self._frame(frame, y)
        plan: frames.Plan = self._plan(len(codes))
        if gaps or isinstance(table, frames.Table):
            known = table if isinstance(table, frames.Table) else None
            plan = frames.stated(plan, known, self.likelihood)
        seed = base.seed_of(self.random_state)
        watch = progress.tell if self.verbose else memory.ignore
        self.run_ = memory.fit(table, plan, seed, self.device, None, watch)
        self.offset_ = self._offset(self._asked(X), codes)
        return self

    def _array(self, X: object, y: object, gaps: bool) -> tuple[Codes, memory.Table]:  # noqa: N803
        """Rows of numbers, as scikit-learn checks them, and what is known of them."""
        finite = "allow-nan" if gaps else True
        x = validate_data(
            self, X, dtype=np.float32, ensure_min_samples=2, ensure_all_finite=finite
        )
        codes = _codes(y, len(x))
        return codes, memory.Table(x, codes, tuple(getattr(self, "feature_names_in_", ())))

    def _frame(self, frame: frames.Frame, y: object) -> tuple[Codes, frames.Table]:
        """Rows of a frame, and what is known of them."""
        self.feature_names_in_ = np.array(frame.columns, object)
        self.n_features_in_ = len(frame.columns)
        codes = _codes(y, len(frame))
        return codes, frames.table(frame, codes, None)

    def _asked(self, X: object) -> Array:  # noqa: N803
        """Rows like those of the training, as the model takes them."""
        if isinstance(self.run_.table, frames.Table):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DriftWarning)  # that is what is asked for
                return frames.rows(X, self.run_.problem)
        known = self.run_.problem.columns
        finite = "allow-nan" if known else True
        given = frames.plain(X, [*getattr(self, "feature_names_in_", ())])
        x: Array = validate_data(
            self, given, dtype=np.float32, reset=False, ensure_all_finite=finite
        )
        return frames.rows(x, self.run_.problem, named_only=False) if known else x

    def score_samples(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """A lower bound of log p(x) of every row in nats, [n], higher for more usual rows."""
        check_is_fitted(self)
        return self._scores(self._asked(X))

    def decision_function(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """The same less `offset_`: negative for outliers, [n]."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: object) -> NDArray[np.int64]:  # noqa: N803
        """1 for rows like those of the training, -1 for outliers, [n]."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def export(self, path: str | Path, *, license: str | None = None) -> Path:
        """Write a bundle with the same threshold, whose `Model.classify` says what is an outlier.

        It has the draws of a bundle, whatever `samples` is, and the threshold of these.

        Args:
            path: A new `NAME.ssdgm`, or `NAME.ssdgm.zip`.
            license: An SPDX expression.

        Raises:
            SsdgmError: As `ssdgm_export.convert`.
        """
        check_is_fitted(self)
        return memory.export(self.run_, Path(path), "fp32", license)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a run."""
        return hasattr(self, "run_")

    def _plan(self, rows: int) -> recipe.Recipe:
        given = {
            "hidden": self.hidden,
            "latent": self.latent,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "unlabelled_batch": self.batch,
            "likelihood": self.likelihood or "gaussian",
            "validation": min(max(round(self.held * rows), FEWEST), rows // 2),
            "labels_as": targets.ONE_CLASS,
        }
        always = f"data.false_alarms={self.false_alarms}", f"run.evaluate_every={self.steps}"
        return settings.plan(RECIPE, None, given, (*always, *self.settings))

    def _offset(self, x: Array, codes: Codes) -> float:
        """The score above which rows are normal: that of the run, or by samples of its own."""
        labels = self.run_.result.labels
        assert isinstance(labels, OneClass)
        assert labels.threshold is not None
        if not self.samples:
            return -labels.threshold
        with memory.written(self.run_) as folder:
            held = directory.Run(folder / "run").split().validation
        normal = held[codes[held] == oneclass.NORMAL]
        return float(np.quantile(self._sampled(x[normal]), self.false_alarms))

    def _scores(self, x: Array) -> NDArray[np.float64]:
        """The bound with the draws of a bundle, in double precision, or with `samples`."""
        if self.samples:
            return self._sampled(x)
        return -base.answers_of(self.run_, self.device).outputs(x)["score"][:, 0]

    def _sampled(self, x: Array) -> NDArray[np.float64]:
        """The bound of importance samples, the same whenever it is asked for."""
        device = loading.pick_device(self.device)
        model = self.run_.model.to(device).double().eval()
        noise = Noise(torch.Generator(device).manual_seed(bounds.SEED))
        with torch.no_grad():
            rows = model.standardise(torch.from_numpy(x).to(device)).double()  # type: ignore[operator]
        *_, last = evidence.estimates(
            model, rows, 1, settings.count(self.samples, "samples"), noise
        )
        bound: NDArray[np.float64] = -bounds.bounded(-last.bound, rows).numpy()
        return bound


def _codes(y: object, rows: int) -> Codes:
    """What is known of rows, as a data set has it: 0 of normal ones, 1 of outliers, -1."""
    if y is None:
        return np.full(rows, oneclass.NORMAL)
    given = np.asarray(y)
    try:
        said = given.astype(np.float64)
    except (ValueError, TypeError):
        said = np.zeros(())
    if said.shape != (rows,):
        raise errors.InputError(
            "y",
            f"{given.dtype} {list(given.shape)}",
            f"numbers [{rows}]: 1 of normal rows, -1 of outliers, 0 or NaN where it is not known",
        )
    signs = np.nan_to_num(said)
    blank = dataset.UNLABELLED if (signs > 0).any() else oneclass.NORMAL
    return np.where(signs > 0, oneclass.NORMAL, np.where(signs < 0, oneclass.OUTLIER, blank))
