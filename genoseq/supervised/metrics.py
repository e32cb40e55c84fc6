"""How good a classifier is, with intervals: 95 % of what the same classifier would score on other samples.

The interval of the accuracy is Wilson's (1927), which holds for few samples and near 0 and 1. Those of the
others are percentiles of the bootstrap: all but the AUROC follow from the confusion matrix, and drawing
samples with replacement is drawing its cells from a multinomial distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError

__all__ = ["Figure", "Metrics", "auroc", "confusion_matrix", "measure", "wilson"]

_NORMAL_95 = 1.959963984540054  # of the standard normal distribution, 97.5 % lie below
_PERCENTILES = (2.5, 97.5)
_DRAWS = 2000
_BLOCK = 1 << 20  # weights that are in memory at once

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        NaN where it is not defined.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


@dataclass(frozen=True)
class Metrics:
    """Figures of a classifier on some samples.

    Attributes
    ----------
    classes : tuple of str
    confusion : ndarray, shape (classes, classes), dtype int64
        Samples by true class (row) and predicted class (column).
    accuracy : Figure
        Share of the samples that are right.
    balanced_accuracy : Figure
        Mean over the classes of the share of their samples that are right.
    macro_f1 : Figure
        Mean over the classes of 2 TP / (2 TP + FP + FN).
    mcc : Figure
        Matthews' correlation coefficient, for any number of classes (Gorodkin 2004); 0 is chance.
    auroc : Figure or None
        Area under the ROC curve, of two classes only.
    """

    classes: tuple[str, ...]
    confusion: Numbers
    accuracy: Figure
    balanced_accuracy: Figure
    macro_f1: Figure
    mcc: Figure
    auroc: Figure | None

    @property
    def figures(self) -> dict[str, Figure]:
        """All figures by name."""
        found = {name: getattr(self, name) for name in ("accuracy", "balanced_accuracy", "macro_f1", "mcc")}
        return found if self.auroc is None else {**found, "auroc": self.auroc}

    def to_dict(self) -> dict[str, object]:
        """As plain values: of each figure [value, low, high]."""
        figures = {name: [each.value, each.low, each.high] for name, each in self.figures.items()}
        return {**figures, "samples": int(self.confusion.sum()), "confusion": self.confusion.tolist()}


def measure(labels: Numbers, probabilities: Floats, classes: Sequence[str], *, seed: int = 1) -> Metrics:
    """Compare predictions with the truth.

    Parameters
    ----------
    labels
        int64 (n,), true class of each sample.
    probabilities
        float (n, classes); the class with the highest one is what is predicted.
    seed
        Of the bootstrap.

    Raises
    ------
    UsageError
        If there are no samples, or the shapes do not fit.
    """
    if probabilities.shape != (len(labels), len(classes)) or not len(labels):
        raise UsageError(
            f"{len(labels)} labels of {len(classes)} classes, and predictions {probabilities.shape}"
        )
    rng = np.random.default_rng(seed)
    confusion = confusion_matrix(labels, probabilities.argmax(1), len(classes))
    drawn = rng.multinomial(len(labels), confusion.ravel() / len(labels), _DRAWS).reshape(
        -1, *confusion.shape
    )
    right = int(np.trace(confusion))
    area = None
    if len(classes) == 2:
        positive, scores = labels == 1, probabilities[:, 1]
        area = _figure(float(auroc(positive, scores)), _drawn_aurocs(positive, scores, rng))
    balanced, f1, mcc = (
        _figure(float(of(confusion)), of(drawn)) for of in (_balanced_accuracy, _macro_f1, _mcc)
    )
    accuracy = Figure(right / len(labels), *wilson(right, len(labels)))
    return Metrics(tuple(classes), confusion, accuracy, balanced, f1, mcc, area)


def confusion_matrix(labels: Numbers, predicted: Numbers, classes: int) -> Numbers:
    """Samples by true class (row) and predicted class (column): int64 (classes, classes)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def wilson(right: int, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    Examples
    --------
    >>> [round(border, 3) for border in wilson(9, 10)]
    [0.596, 0.982]
    """
    share, z = right / samples, _NORMAL_95
    scale = 1 + z * z / samples
    middle = (share + z * z / (2 * samples)) / scale
    half = z * math.sqrt(share * (1 - share) / samples + (z / (2 * samples)) ** 2) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def auroc(
    positive: npt.NDArray[np.bool_], scores: Floats, weights: npt.NDArray[np.integer] | None = None
) -> Floats:
    """Area under the ROC curve: how often a positive sample scores above a negative one, ties counting half.

    Parameters
    ----------
    positive
        bool (n,).
    scores
        float (n,).
    weights
        int (..., n): how often each sample counts; once by default.

    Returns
    -------
    ndarray, shape (...)
        NaN where all samples that count are of one kind.
    """
    order = np.argsort(scores, kind="stable")
    counts = np.ones(len(scores), np.int64) if weights is None else weights
    up = np.where(positive, counts, 0)[..., order].astype(np.float64)
    down = np.where(positive, 0, counts)[..., order].astype(np.float64)
    ends = np.flatnonzero(np.diff(scores[order], append=np.inf) != 0)  # the last of equal scores
    below = np.cumsum(down, -1)[..., ends]
    before = np.concatenate([np.zeros_like(below[..., :1]), below[..., :-1]], -1)
    ups = np.diff(np.cumsum(up, -1)[..., ends], axis=-1, prepend=0)
    pairs = up.sum(-1) * down.sum(-1)
    won = (ups * (before + below) / 2).sum(-1)
    return np.divide(won, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def _drawn_aurocs(positive: npt.NDArray[np.bool_], scores: Floats, rng: np.random.Generator) -> Floats:
    """Areas of samples drawn with replacement."""
    samples, rows = len(scores), max(1, _BLOCK // len(scores))
    parts = []
    for first in range(0, _DRAWS, rows):
        drawn = rng.multinomial(samples, np.full(samples, 1 / samples), min(rows, _DRAWS - first))
        parts.append(auroc(positive, scores, drawn))
    return np.concatenate(parts)


def _figure(value: float, drawn: Floats) -> Figure:
    """A figure with what it is in samples drawn anew; those where it is not defined do not count."""
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, _PERCENTILES) if len(known) else (math.nan, math.nan)
    return Figure(value, float(low), float(high))


def _balanced_accuracy(confusion: npt.NDArray[np.integer]) -> Floats:
    """Of matrices (..., classes, classes); classes without a sample do not count."""
    totals = confusion.sum(-1)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    shares = np.divide(right, totals, out=np.zeros(totals.shape), where=totals > 0)
    return shares.sum(-1) / np.maximum((totals > 0).sum(-1), 1)


def _macro_f1(confusion: npt.NDArray[np.integer]) -> Floats:
    """Classes that neither occur nor are predicted do not count."""
    both = confusion.sum(-1) + confusion.sum(-2)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    f1 = np.divide(2 * right, both, out=np.zeros(both.shape), where=both > 0)
    return f1.sum(-1) / np.maximum((both > 0).sum(-1), 1)


def _mcc(confusion: npt.NDArray[np.integer]) -> Floats:
    """Gorodkin's R_K, 0 where a margin leaves nothing to correlate."""
    matrix = confusion.astype(np.float64)
    true, predicted, samples = matrix.sum(-1), matrix.sum(-2), matrix.sum((-2, -1))
    right = np.trace(matrix, axis1=-2, axis2=-1)
    shared = right * samples - (true * predicted).sum(-1)
    spread = (samples**2 - (true**2).sum(-1)) * (samples**2 - (predicted**2).sum(-1))
    return np.divide(shared, np.sqrt(spread), out=np.zeros(shared.shape), where=spread > 0)
