"""How good a classifier is, with intervals: 95 % of what the same classifier would score on other samples.

The interval of the accuracy is Wilson's (1927), which holds for few samples and near 0 and 1; that of the
AUROC is DeLong's. Those of the others are percentiles of the bootstrap: they follow from the confusion
matrix, and to draw samples with replacement is to draw its cells from a multinomial distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError

__all__ = ["Figure", "Metrics", "auroc", "confusion_matrix", "measure", "measure_confusion", "wilson"]

_NORMAL_95 = 1.959963984540054  # of the standard normal distribution, 97.5 % lie below
_PERCENTILES = (2.5, 97.5)
_DRAWS = 2000

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
    confusion = confusion_matrix(labels, probabilities.argmax(1), len(classes))
    area = auroc(labels == 1, probabilities[:, 1]) if len(classes) == 2 else None
    return replace(measure_confusion(confusion, classes, seed=seed), auroc=area)


def measure_confusion(
    confusion: Numbers, classes: Sequence[str], *, samples: int | None = None, seed: int = 1
) -> Metrics:
    """Figures of predictions without probabilities, which have no AUROC.

    Parameters
    ----------
    confusion
        int64 (classes, classes), samples by true class (row) and predicted class (column).
    samples
        How many different samples there are, where some were predicted several times, say in several random
        splits: an interval is that of so many. By default all of the matrix.
    seed
        Of the bootstrap.

    Raises
    ------
    UsageError
        If there are no samples, or the shapes do not fit.
    """
    total = int(confusion.sum())
    if confusion.shape != (len(classes), len(classes)) or not total:
        raise UsageError(f"a confusion matrix {confusion.shape} of {total} samples, {len(classes)} classes")
    different = total if samples is None else samples
    if not 1 <= different <= total:
        raise UsageError(f"{different} different samples among {total}")
    drawn = np.random.default_rng(seed).multinomial(different, confusion.ravel() / total, _DRAWS)
    drawn = drawn.reshape(-1, *confusion.shape)
    balanced, f1, mcc = (
        _figure(float(of(confusion)), of(drawn)) for of in (_balanced_accuracy, _macro_f1, _mcc)
    )
    share = int(np.trace(confusion)) / total
    accuracy = Figure(share, *wilson(share * different, different))
    return Metrics(tuple(classes), confusion, accuracy, balanced, f1, mcc, None)


def confusion_matrix(labels: Numbers, predicted: Numbers, classes: int) -> Numbers:
    """Samples by true class (row) and predicted class (column): int64 (classes, classes)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def wilson(right: float, samples: int) -> tuple[float, float]:
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


def auroc(positive: npt.NDArray[np.bool_], scores: Floats) -> Figure:
    """Area under the ROC curve: how often a positive sample scores above a negative one, ties counting half.

    The interval is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988), on the scale of the logit, so
    that it stays between 0 and 1; an area of 0 or 1 has none.

    Parameters
    ----------
    positive
        bool (n,).
    scores
        float (n,).

    Returns
    -------
    Figure
        NaN if all samples are of one kind.
    """
    ups, downs = scores[positive], scores[~positive]
    if not len(ups) or not len(downs):
        return Figure(math.nan, math.nan, math.nan)
    among_all = _ranks(scores)
    above = (among_all[positive] - _ranks(ups)) / len(downs)  # of each positive: share of negatives below it
    below = 1 - (among_all[~positive] - _ranks(downs)) / len(ups)
    area = float(above.mean())
    variance = sum(each.var(ddof=1) / len(each) for each in (above, below) if len(each) > 1)
    if not 0 < area < 1:
        return Figure(area, area, area)
    middle, half = math.log(area / (1 - area)), _NORMAL_95 * math.sqrt(variance) / (area * (1 - area))
    return Figure(area, *(1 / (1 + math.exp(-edge)) for edge in (middle - half, middle + half)))


def _ranks(values: Floats) -> Floats:
    """Place of each value in order, from 1 on; equal ones share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


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
