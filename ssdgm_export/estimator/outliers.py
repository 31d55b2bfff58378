"""The scikit-learn face of scores: rows that are unlike those that it was fitted on.

from ssdgm_export import OutlierDetector

detector = OutlierDetector(false_alarms=0.01, random_state=0).fit(X)  # normal rows, no labels
detector.predict(X_new)  # 1 for rows like these, -1 for others
detector.export("detector.ssdgm")  # Model.score(x).inlier on a device without torch
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ssdgm_export.bundle import scoring
from ssdgm_export.estimator import base, memory, progress, settings
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import scorer
from ssdgm_train.data import dataset
from ssdgm_train.evaluation import evidence
from ssdgm_train.models import scoring as bounds
from ssdgm_train.probability.noise import Noise
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import loading

Array = NDArray[Any]
FEWEST = 5
"""The fewest rows that are held out."""


class OutlierDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """A generative model of normal rows, which calls unlikely ones outliers.

    The model is a variational autoencoder, `gmdgm` with one component. Some rows are held out of
    its training; the threshold is the score that a share `false_alarms` of these is above. Where
    some training rows are outliers themselves, that share is of all rows.

    Args:
        false_alarms: The share of normal rows that may be called outliers, 0 to 0.5.
        held: The share of the rows that the threshold is found on, 5 rows at least.
        samples: How many importance samples a score is of; 0 for the two of a bundle.
        hidden: Widths of the hidden layers of each network.
        latent: Dimensions of z.
        steps: Updates.
        learning_rate: Adam's.
        batch: Rows a step.
        likelihood: Of rows: "gaussian", which standardises every column, or as of `m2`.
        settings: Anything else a recipe of `gmdgm` has, such as ("model.activation=softplus",).
        random_state: Of the rows that are held out, initial weights, batches and noise.
        device: "auto", "cpu" or "cuda".
        verbose: 1 writes a line to standard error at every validation.

    Attributes:
        offset_: What `score_samples` is above for rows that are called normal.
        n_features_in_: The number of columns.
        run_: The run as `memory.Trained`.

    Raises:
        SsdgmError: On fit; a setting or the rows cannot be used.

    References:
        Variational Autoencoder based Anomaly Detection using Reconstruction Probability (An and
        Cho, 2015), for scores of such a model; here they are bounds of log p(x).
    """

    def __init__(
        self,
        *,
        false_alarms: float = 0.05,
        held: float = 0.2,
        samples: int = 0,
        hidden: int | Sequence[int] = (64,),
        latent: int = 4,
        steps: int = 1500,
        learning_rate: float = 3e-3,
        batch: int = 100,
        likelihood: str = "gaussian",
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
        """Train on normal rows [n, features]; y is not looked at."""
        if not 0 <= self.false_alarms <= 0.5:
            raise errors.InputError("false_alarms", str(self.false_alarms), "a share, 0 to 0.5")
        x = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
        seed = base.seed_of(self.random_state)
        order = np.random.default_rng(seed).permutation(len(x))
        held = min(max(round(self.held * len(x)), FEWEST), len(x) // 2)
        names = tuple(getattr(self, "feature_names_in_", ()))
        rows = x[order[held:]]
        table = memory.Table(rows, np.full(len(rows), dataset.UNLABELLED), names)
        watch = progress.tell if self.verbose else memory.ignore
        self.run_ = memory.fit(table, self._plan(), seed, self.device, None, watch)
        self._held = x[order[:held]]
        self.offset_ = float(np.quantile(self._scores(self._held), self.false_alarms))
        return self

    def score_samples(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """A lower bound of log p(x) of every row in nats, [n], higher for more usual rows."""
        check_is_fitted(self)
        return self._scores(validate_data(self, X, dtype=np.float32, reset=False))

    def decision_function(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """The same less `offset_`: negative for outliers, [n]."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: object) -> NDArray[np.int64]:  # noqa: N803
        """1 for rows like those of the training, -1 for outliers, [n]."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def export(self, path: str | Path, *, license: str | None = None) -> Path:
        """Write a bundle whose `Model.score` has the same threshold.

        It has the two draws of a bundle, whatever `samples` is, and the threshold of these.

        Args:
            path: A new `NAME.ssdgm`, or `NAME.ssdgm.zip`.
            license: An SPDX expression.

        Raises:
            SsdgmError: As `ssdgm_export.convert`.
        """
        check_is_fitted(self)
        scores = -self._bundled(self._held)
        levels = scoring.LEVELS
        values = tuple(float(f"{v:.6g}") for v in np.quantile(scores, levels))
        threshold = float(np.quantile(scores, 1 - self.false_alarms))
        stated = scorer.Scores(scoring.NATS, levels, values, threshold, self.false_alarms)
        return memory.export(self.run_, Path(path), "fp32", license, True, stated)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a run."""
        return hasattr(self, "run_")

    def _plan(self) -> recipe.Recipe:
        given = {
            "hidden": self.hidden,
            "latent": self.latent,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "unlabelled_batch": self.batch,
            "likelihood": self.likelihood,
            "validation": 0,
        }
        always = ("data.extra_classes=1", "run.baseline=0", f"run.evaluate_every={self.steps}")
        return settings.plan(None, "gmdgm", given, (*always, *self.settings))

    def _scores(self, x: Array) -> NDArray[np.float64]:
        return self._sampled(x) if self.samples else self._bundled(x)

    def _bundled(self, x: Array) -> NDArray[np.float64]:
        """The bound with the draws of a bundle, in double precision."""
        return -base.answers_of(self.run_, self.device).scores(x)

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
        bound: NDArray[np.float64] = last.bound.numpy()
        return bound
