r"""Scores of predicted probabilities against labels: error, proper scores, and calibration.

With one-hot labels \(e_y\) and \(n\) rows,

.. math::
    Brier = \frac1n \sum_i \| q(\cdot \mid x_i) - e_{y_i} \|^2, \quad
    ECE = \sum_b \frac{n_b}{n} | acc_b - conf_b |

where bin \(b\) holds the \(n_b\) rows whose top probability lies in the b-th of 15 equal parts of
[0, 1], \(conf_b\) is its mean there and \(acc_b\) the share that is right.

Tags have K answers a row. Errors (the Hamming loss), Brier scores and calibration are then over
the entries that are known, and with its true and false positives and false negatives

.. math:: F_1 = \frac{2 TP}{2 TP + FP + FN}

is counted over all tags at once (micro), or is the mean of the tags' own (macro).

Numbers are scored in units of the labels' deviations, so that several in units of their own can be
averaged: the error is the root of the mean squared error, the continuous ranked probability score
stands for the Brier score, which it is the integral of, and the calibration error is the mean gap
between how many labels the central intervals of 10, 20 to 90 % hold and how many they should.

References:
    On Calibration of Modern Neural Networks (Guo et al., 2017), section 2.
    Verification of Forecasts Expressed in Terms of Probability (Brier, 1950).
    Calibrated Probabilistic Forecasting Using Ensemble Model Output Statistics (Gneiting et al.,
    2005), equation 5, for the score of a normal distribution.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.probability import shapes

BINS = 15
PIECE = 1 << 17
"""Rows processed at once, so that memory does not grow with the data."""


@dataclass(frozen=True)
class Score:
    """The quality of the classification of held-out rows.

    Attributes:
        rows: The number of rows; of tags and numbers, those of which an entry is known.
        error: The share misclassified, 0 to 1; of tags, of the known entries; of numbers the root
            mean squared error in deviations of the labels, 1 for who always says the mean; of
            outliers, the share of rows on the wrong side of the threshold.
        nll: The mean of -log q(y | x), in nats; of tags and numbers, summed over a row's known
            entries, numbers being standardised. Where labels say which rows are outliers, the
            mean score of normal rows: of a bound of -log p(x).
        brier: The mean squared distance between q(. | x) and the one-hot label, 0 to 2; of tags,
            of an entry, 0 to 1; of numbers the ranked probability score in deviations; of
            outliers it is the error, as answers are sure.
        ece: The expected calibration error, 0 to 1; of outliers, how far the share of false
            alarms is from the stated one.
        micro_f1: Of tags, F1 over all of them, 0 to 1; None for other labels.
        macro_f1: Of tags, the mean of the F1 of each; None for other labels.
        rmse: Of numbers, the root mean squared error of each, in its own units.
        mae: Of numbers, the mean absolute error of each, in its own units.
        r2: Of numbers, the share of these rows' variance that is explained, of each; 0 if there is
            none.
        auroc: Of outliers, how probable it is that one scores above a normal row; None for other
            labels, and where there are no outliers or nothing else.
        average_precision: Of outliers, the mean precision over them; None as for `auroc`.
        false_alarms: The share of normal rows above the threshold; None for other labels.
        detected: The share of outliers above it; None for other labels, and without outliers.
        iou: Of masks, the intersection over union of each class, over the places of all rows.
        pck: Of points, the share of those known that are predicted within a tenth of the longer
            side of the box around a row's known points; None for other labels.
    """

    rows: int
    error: float
    nll: float
    brier: float
    ece: float
    micro_f1: float | None = None
    macro_f1: float | None = None
    rmse: tuple[float, ...] | None = None
    mae: tuple[float, ...] | None = None
    r2: tuple[float, ...] | None = None
    auroc: float | None = None
    average_precision: float | None = None
    false_alarms: float | None = None
    detected: float | None = None
    iou: tuple[float, ...] | None = None
    pck: float | None = None

    @property
    def outlying(self) -> bool:
        """Whether labels say which rows are outliers."""
        return self.false_alarms is not None or self.detected is not None

    @property
    def words(self) -> str:
        """The error as a sentence has it; of numbers in their own units."""
        if self.outlying:
            ranked = {"AUROC": self.auroc, "average precision": self.average_precision}
            shares = {"false alarms": self.false_alarms, "outliers found": self.detected}
            return ", ".join(
                [f"{name} {value:.4f}" for name, value in ranked.items() if value is not None]
                + [f"{name} {100 * v:.1f} %" for name, v in shares.items() if v is not None]
            )
        if self.iou is not None:
            each = ", ".join(f"{100 * share:.1f}" for share in self.iou)
            return f"{100 * self.error:.2f} % of places wrong, IoU {each} %"
        if self.rmse is None:
            return f"error {100 * self.error:.2f} %"
        if self.pck is not None:
            return (
                f"{100 * self.pck:.1f} % of points within a tenth of their box "
                f"({100 * self.error:.2f} % of the labels' deviation)"
            )
        own = ", ".join(f"{each:.4g}" for each in self.rmse)
        return f"RMSE {own} ({100 * self.error:.2f} % of the labels' deviation)"


@dataclass(frozen=True)
class Reliability:
    """The accuracy of a classifier by its confidence, in 15 bins; an empty bin has zeros.

    Of numbers there are 9 levels instead, the confidence is that of an interval, and its accuracy
    the share of labels in it.

    Attributes:
        counts: The rows of every bin, [15].
        confidence: The mean top probability of every bin, [15].
        accuracy: The share classified correctly in every bin, [15].
    """

    counts: Tensor
    confidence: Tensor
    accuracy: Tensor

    @property
    def error(self) -> float:
        """The expected calibration error."""
        gaps = (self.accuracy - self.confidence).abs()
        return float((self.counts * gaps).sum() / self.counts.sum().clamp(min=1))


def measure(logits: shapes.Logits, y: shapes.Labels) -> Score:
    """The score of softmax(logits), [n, K], against class indices [n]."""
    parts = [(len(labels) / len(y), _means(part, labels)) for part, labels in _pieces(logits, y)]
    error, nll, brier = (sum(share * means[i] for share, means in parts) for i in range(3))
    return Score(len(y), error, nll, brier, ece=reliability(logits, y).error)


def measure_tags(logits: shapes.Logits, y: Tensor) -> Score:
    """The score of sigmoid(logits), [n, K], against tags [n, K]: 1, 0, or -1 where unknown."""
    known, exact = y >= 0, logits.double()
    rows, entries, truth = int(known.any(-1).sum()), known.sum(), y == 1
    losses = F.binary_cross_entropy_with_logits(exact, truth.double(), reduction="none")
    misses = (torch.sigmoid(exact) - truth.double()).square()
    positive = (exact >= 0) & known
    counts = ((positive & truth).sum(0), positive.sum(0), (truth & known).sum(0))
    return Score(
        rows=rows,
        error=float(((positive != truth) & known).sum() / entries),
        nll=float(losses[known].sum() / rows),
        brier=float(misses[known].mean()),
        ece=reliability(*answers(exact, y)).error,
        micro_f1=float(_f1(*(count.sum() for count in counts))),
        macro_f1=float(_f1(*counts).mean()),
    )


def measure_numbers(
    mean: Tensor, scale: Tensor, y: Tensor, known: Tensor, units: Sequence[float]
) -> Score:
    """The score of normal distributions for standardised numbers y, all float64 [n, D].

    Args:
        mean: Of each.
        scale: Its deviation.
        y: The numbers.
        known: Which of them are known.
        units: What they were divided by, [D].
    """
    off, z = (mean - y) * known, (y - mean) / scale
    rows, entries = int(known.any(-1).sum()), known.sum().clamp(min=1)
    losses = 0.5 * z.square() + scale.log() + 0.5 * math.log(2 * math.pi)
    ranked = scale * (z * torch.erf(z / math.sqrt(2)) + 2 * _density(z) - 1 / math.sqrt(math.pi))
    count, own = known.sum(0).clamp(min=1), torch.tensor(units, dtype=torch.float64)
    centre = (y * known).sum(0) / count
    spread = ((y - centre) * known).square().sum(0)
    varied = spread > 0
    return Score(
        rows=rows,
        error=float((off.square().sum() / entries).sqrt()),
        nll=float((losses * known).sum() / max(rows, 1)),
        brier=float((ranked * known).sum() / entries),
        ece=coverage(mean, scale, y, known).error,
        rmse=tuple((own * (off.square().sum(0) / count).sqrt()).tolist()),
        mae=tuple((own * off.abs().sum(0) / count).tolist()),
        r2=tuple(torch.where(varied, 1 - off.square().sum(0) / spread, 0.0).tolist()),
    )


def coverage(mean: Tensor, scale: Tensor, y: Tensor, known: Tensor) -> Reliability:
    """The shares of known numbers [n, D] within the central intervals of 10, 20 to 90 %."""
    levels = torch.arange(1, 10, dtype=torch.float64) / 10
    bounds = math.sqrt(2) * torch.erfinv(levels)
    off = ((y - mean) / scale).abs()[known]
    inside = (off[:, None] <= bounds).double()
    accuracy = inside.mean(0) if len(off) else torch.zeros_like(levels)
    return Reliability(torch.full((len(levels),), len(off)), levels, accuracy)


def _density(z: Tensor) -> Tensor:
    """The standard normal density."""
    return (-0.5 * z.square()).exp() / math.sqrt(2 * math.pi)


def answers(logits: shapes.Logits, y: Tensor) -> tuple[Tensor, Tensor]:
    """The known entries of tags, each as a row of two classes: logits [m, 2] and indices [m]."""
    known = y >= 0
    two = torch.stack([torch.zeros_like(logits), logits], -1)
    return two[known], y[known].long()


def _f1(hits: Tensor, said: Tensor, true: Tensor) -> Tensor:
    """F1 from the numbers of true positives, of predictions and of positives; 0 without any."""
    return 2 * hits.double() / (said + true).clamp(min=1)


def _pieces(logits: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    parts = zip(torch.split(logits, PIECE), torch.split(y, PIECE), strict=True)
    return ((part.double(), labels) for part, labels in parts)


def _means(logits: Tensor, y: Tensor) -> tuple[float, float, float]:
    """The error, the NLL and the Brier score of some rows."""
    misses = logits.softmax(-1) - F.one_hot(y, logits.shape[-1])
    return (
        float((logits.argmax(-1) != y).double().mean()),
        float(F.cross_entropy(logits, y)),
        float(misses.square().sum(-1).mean()),
    )


def reliability(logits: shapes.Logits, y: shapes.Labels) -> Reliability:
    """The reliability diagram of softmax(logits), [n, K], against class indices [n]."""
    counts, sure, right = (
        torch.stack(sums).sum(0)
        for sums in zip(*(_bins(part, labels) for part, labels in _pieces(logits, y)), strict=True)
    )
    filled = counts.clamp(min=1)
    return Reliability(counts, sure / filled, right / filled)


def _bins(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each bin's number of rows, sum of top probabilities, and number of correct rows."""
    top, predicted = logits.softmax(-1).max(-1)
    bins = (top * BINS).long().clamp(max=BINS - 1)

    def sums(weights: Tensor) -> Tensor:
        return torch.bincount(bins, weights.double(), minlength=BINS)

    return sums(torch.ones_like(top)), sums(top), sums(predicted == y)


def confusion(logits: shapes.Logits, y: shapes.Labels) -> NDArray[np.int64]:
    """The confusion matrix [K, K]: rows by true class (down) and predicted class (across)."""
    from sklearn import metrics

    counts: Any = metrics.confusion_matrix(y, logits.argmax(-1), labels=range(logits.shape[-1]))
    return np.asarray(counts, np.int64)
